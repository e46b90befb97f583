//! A router's context that outlives the call it was handed to: a restored instance starts with it anew.

use isotherm_core::placement::Placement;
use isotherm_core::router::{RouterContext, ThermalHint};
use isotherm_core::routing::RoutingOptions;

/// What a [`RouterContext`] borrows, owned.
#[derive(Clone, Debug)]
pub(crate) struct OwnedContext {
    pub(crate) experts: usize,
    pub(crate) top_k: usize,
    pub(crate) declared_costs: Vec<f64>,
    pub(crate) seed: u64,
    pub(crate) options: RoutingOptions,
    pub(crate) layer: u32,
    pub(crate) placement: Option<Placement>,
    pub(crate) thermal: Option<ThermalHint>,
}

impl OwnedContext {
    pub(crate) fn of(context: &RouterContext<'_>) -> Self {
        Self {
            experts: context.experts,
            top_k: context.top_k,
            declared_costs: context.declared_costs.to_vec(),
            seed: context.seed,
            options: context.options.clone(),
            layer: context.layer,
            placement: context.placement.cloned(),
            thermal: context.thermal,
        }
    }

    pub(crate) fn lend(&self) -> RouterContext<'_> {
        let mut context = RouterContext::new(self.experts, self.top_k, &self.declared_costs, self.seed)
            .with_options(&self.options)
            .for_layer(self.layer);
        context.placement = self.placement.as_ref();
        context.thermal = self.thermal;
        context
    }
}
