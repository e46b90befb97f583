//! What a router may depend on when it is made, read from the host's arrays.
#![expect(unsafe_code, reason = "arrays of the other side")]

use isotherm_core::router::ThermalHint;
use isotherm_core::routing::{Combine, RoutingOptions, Similarity};
use isotherm_plugin_abi::{self as abi, PENALISED, THERMAL};

use crate::border::cluster::read_placement;
use crate::border::fault::Fault;
use crate::border::given::{optional, product};
use crate::context::OwnedContext;

/// Copies the context, for the instance keeps it.
///
/// # Safety
/// The pointers of `given` are what the interface says.
pub(super) unsafe fn read(given: &abi::RouterContext) -> Result<OwnedContext, Fault> {
    let (experts, top_k) = (given.experts, given.top_k);
    if experts == 0 || !(1..=experts).contains(&top_k) {
        let found = format!("{experts} experts of which a token takes {top_k}");
        return Err(Fault::abi(format!("`context` has {found}; expected top_k from 1 to the number of experts")));
    }
    // SAFETY: as promised above.
    let options = unsafe { routing_options(given)? };
    options.check(experts as usize, top_k as usize)?;
    let mut placement = None;
    // SAFETY: as promised above.
    let declared_costs = unsafe {
        read_placement(&mut placement, given.copy_first, given.copy_device, experts, given.devices)?;
        optional(given.declared_costs, experts as usize, "declared_costs")?.unwrap_or_default().to_vec()
    };
    let thermal = (given.flags & THERMAL != 0).then_some(ThermalHint {
        kelvin_per_watt: given.kelvin_per_watt,
        time_constant_s: given.time_constant_s,
        ambient_degc: given.ambient_degc,
        idle_w: given.idle_w,
    });
    Ok(OwnedContext {
        experts: experts as usize,
        top_k: top_k as usize,
        declared_costs,
        seed: given.seed,
        options,
        layer: given.layer,
        placement,
        thermal,
    })
}

unsafe fn routing_options(given: &abi::RouterContext) -> Result<RoutingOptions, Fault> {
    let combine = if given.combine == PENALISED { Combine::Penalised } else { Combine::SelectionOnly };
    let experts = given.experts;
    // SAFETY: as promised to `read`.
    let similarity = unsafe { optional(given.similarity, product(experts, experts)?, "similarity")? };
    let similarity = similarity.map(|entries| Similarity {
        matrix: entries.chunks_exact(experts as usize).map(<[f64]>::to_vec).collect(),
        charge: given.similarity_charge,
    });
    Ok(RoutingOptions { floor: given.floor, combine, similarity })
}
