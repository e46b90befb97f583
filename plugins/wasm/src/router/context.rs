//! What a router may depend on when it is made, in the module's memory.

use isotherm_core::router::RouterContext;
use isotherm_core::routing::Combine;
use isotherm_plugin_abi::{PENALISED, THERMAL};

use super::arrays::lay_placement;
use crate::guest::{Block, Record};

/// The address of an `IsothermRouterContext`.
pub(super) fn lay(block: &mut Block<'_>, context: &RouterContext<'_>) -> u32 {
    let options = context.options;
    let costs = block.known(context.declared_costs);
    let similarity = options.similarity.as_ref();
    let matrix = similarity.map_or(0, |similarity| block.known(&similarity.matrix.concat()));
    let (first, copies) = lay_placement(block, context.placement);
    let thermal = context.thermal;
    let hint = |of: fn(isotherm_core::router::ThermalHint) -> f64| thermal.map_or(0.0, of);
    // The core shows GPUs through the placement alone when a router is made.
    let devices = context.placement.and_then(|placement| placement.offsets().1.iter().map(|gpu| gpu.0 + 1).max());
    let record = Record::sized()
        .word(if thermal.is_some() { THERMAL } else { 0 })
        .word(context.experts as u32)
        .word(context.top_k as u32)
        .word(context.layer)
        .word(devices.unwrap_or(0))
        .word(options.floor)
        .word(if options.combine == Combine::Penalised { PENALISED } else { 0 })
        .word(context.seed)
        .word(costs)
        .word(matrix)
        .word(similarity.map_or(0.0, |similarity| similarity.charge))
        .word(first)
        .word(copies)
        .word(hint(|hint| hint.kelvin_per_watt))
        .word(hint(|hint| hint.time_constant_s))
        .word(hint(|hint| hint.ambient_degc))
        .word(hint(|hint| hint.idle_w));
    block.record(record)
}
