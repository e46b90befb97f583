//! What a router may depend on when it is made, read from the host's arrays.
#![expect(unsafe_code, reason = "arrays of the other side")]

use isotherm_core::placement::Placement;
use isotherm_core::router::{RouterContext, ThermalHint};
use isotherm_core::routing::{Combine, RoutingOptions, Similarity};
use isotherm_plugin_abi::{self as abi, PENALISED, THERMAL};

use crate::border::cluster::read_placement;
use crate::border::fault::Fault;
use crate::border::given::{optional, product};

/// What a context of the core borrows.
pub(super) struct Owned {
    options: RoutingOptions,
    placement: Option<Placement>,
    thermal: Option<ThermalHint>,
}

impl Owned {
    /// # Safety
    /// The pointers of `given` are what the interface says.
    pub(super) unsafe fn read(given: &abi::RouterContext) -> Result<Self, Fault> {
        let experts = given.experts;
        if experts == 0 || !(1..=experts).contains(&given.top_k) {
            let found = format!("{experts} experts of which a token takes {}", given.top_k);
            return Err(Fault::abi(format!("`context` has {found}; expected top_k from 1 to the number of experts")));
        }
        let combine = if given.combine == PENALISED { Combine::Penalised } else { Combine::SelectionOnly };
        // SAFETY: as promised above.
        let similarity = unsafe { optional(given.similarity, product(experts, experts)?, "similarity")? };
        let similarity = similarity.map(|entries| Similarity {
            matrix: entries.chunks_exact(experts as usize).map(<[f64]>::to_vec).collect(),
            charge: given.similarity_charge,
        });
        let options = RoutingOptions { floor: given.floor, combine, similarity };
        options.check(experts as usize, given.top_k as usize)?;
        let mut placement = None;
        // SAFETY: as promised above.
        unsafe { read_placement(&mut placement, given.copy_first, given.copy_device, experts, given.devices)? };
        let thermal = (given.flags & THERMAL != 0).then_some(ThermalHint {
            kelvin_per_watt: given.kelvin_per_watt,
            time_constant_s: given.time_constant_s,
            ambient_degc: given.ambient_degc,
            idle_w: given.idle_w,
        });
        Ok(Self { options, placement, thermal })
    }

    /// The context that the author's code gets.
    ///
    /// # Safety
    /// The pointers of `given` are what the interface says, and stay so during `'a`.
    pub(super) unsafe fn context<'a>(&'a self, given: &abi::RouterContext) -> Result<RouterContext<'a>, Fault> {
        let (experts, top_k) = (given.experts as usize, given.top_k as usize);
        // SAFETY: as promised above.
        let costs = unsafe { optional(given.declared_costs, experts, "declared_costs")? };
        let mut context = RouterContext::new(experts, top_k, costs.unwrap_or_default(), given.seed)
            .with_options(&self.options)
            .for_layer(given.layer);
        context.placement = self.placement.as_ref();
        context.thermal = self.thermal;
        Ok(context)
    }
}
