//! What a router may depend on when it is made, as the interface has it.

use isotherm_core::router::RouterContext;
use isotherm_core::routing::Combine;
use isotherm_plugin_abi::{PENALISED, RouterContext as Given, THERMAL};

use crate::copies;

/// The arrays that the core has in another shape; valid while the instance is made.
pub(super) struct ContextArrays {
    similarity: Vec<f64>,
    copies: Vec<u32>,
}

impl ContextArrays {
    pub(super) fn of(context: &RouterContext<'_>) -> Self {
        let similarity = context.options.similarity.iter().flat_map(|similarity| similarity.matrix.iter().flatten());
        let mut arrays = Self { similarity: similarity.copied().collect(), copies: Vec::new() };
        if let Some(placement) = context.placement {
            copies::numbers(placement.offsets().1, &mut arrays.copies);
        }
        arrays
    }

    /// The context with pointers into these arrays and into those of `context`.
    pub(super) fn context(&self, context: &RouterContext<'_>) -> Given {
        let options = context.options;
        let thermal = context.thermal;
        // The core shows GPUs through the placement alone when a router is made.
        let devices = self.copies.iter().max().map_or(0, |last| last + 1);
        Given {
            struct_size: size_of::<Given>() as u32,
            flags: if thermal.is_some() { THERMAL } else { 0 },
            experts: context.experts as u32,
            top_k: context.top_k as u32,
            layer: context.layer,
            devices,
            floor: options.floor,
            combine: if options.combine == Combine::Penalised { PENALISED } else { 0 },
            seed: context.seed,
            declared_costs: copies::or_null(context.declared_costs),
            similarity: copies::or_null(&self.similarity),
            similarity_charge: options.similarity.as_ref().map_or(0.0, |similarity| similarity.charge),
            copy_first: copies::first(context.placement),
            copy_device: copies::or_null(&self.copies),
            kelvin_per_watt: thermal.map_or(0.0, |hint| hint.kelvin_per_watt),
            time_constant_s: thermal.map_or(0.0, |hint| hint.time_constant_s),
            ambient_degc: thermal.map_or(0.0, |hint| hint.ambient_degc),
            idle_w: thermal.map_or(0.0, |hint| hint.idle_w),
        }
    }
}
