//! A model of several MoE layers is served by as many routers of one kind, each with its own memory.

use super::{ClusterView, Feasibility, Feedback, Router, RouterContext, RouterError, RouterSpec};
use crate::gate::GateBatch;
use crate::routing::{Routing, Rule};

/// One router per MoE layer behind the face of one: a call goes to the router of the layer that the view or the feedback names.
pub struct PerLayer {
    routers: Vec<Box<dyn Router>>,
}

impl PerLayer {
    /// Routers of `spec` for `layers` layers (at least one). One layer needs no more than its own router.
    ///
    /// # Errors
    /// As [`RouterSpec::build`].
    pub fn build(
        spec: &dyn RouterSpec,
        context: &RouterContext<'_>,
        layers: u32,
    ) -> Result<Box<dyn Router>, RouterError> {
        if layers <= 1 {
            return spec.build(context);
        }
        let routers: Result<Vec<_>, _> = (0..layers).map(|layer| spec.build(&context.for_layer(layer))).collect();
        Ok(Box::new(Self { routers: routers? }))
    }

    fn of(&mut self, layer: u32) -> Result<&mut Box<dyn Router>, RouterError> {
        let layers = self.routers.len();
        self.routers
            .get_mut(layer as usize)
            .ok_or_else(|| RouterError::Failed(format!("asked for layer {layer} of a model of {layers}")))
    }
}

impl Router for PerLayer {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.of(view.layer)?.route(gate, view, out)
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.of(view.layer)?.rule(view)
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        self.of(feedback.layer)?.feedback(feedback)
    }

    /// Infeasible where any layer's router says so: they all move work between the same GPUs.
    fn feasibility(&self) -> Option<Feasibility> {
        let known = self.routers.iter().filter_map(|router| router.feasibility());
        known.reduce(|all, one| if one == Feasibility::Infeasible { one } else { all })
    }

    /// Of one layer: a run asks once a layer.
    fn operations_per_token(&self) -> f64 {
        self.routers.first().map_or(0.0, |router| router.operations_per_token())
    }

    fn save(&self) -> Vec<u8> {
        let states: Vec<Vec<u8>> = self.routers.iter().map(|router| router.save()).collect();
        // Plain data always serialises into memory.
        postcard::to_stdvec(&states).unwrap_or_default()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let states: Vec<Vec<u8>> = postcard::from_bytes(state).map_err(|e| RouterError::State(e.to_string()))?;
        if states.len() != self.routers.len() {
            return Err(RouterError::State(format!(
                "it is for {} layers, the model has {}",
                states.len(),
                self.routers.len()
            )));
        }
        self.routers.iter_mut().zip(&states).try_for_each(|(router, state)| router.load(state))
    }
}
