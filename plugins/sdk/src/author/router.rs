//! A router as its author writes it.

use std::fmt::Debug;

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{ClusterView, Feasibility, Feedback, RouterContext, RouterError};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Decision;

/// A routing strategy: its options, what it does with a batch, and what it remembers.
///
/// One type is all three. Its fields are the options as a scenario writes them; fields with `#[serde(skip)]` are what an instance remembers. Every
/// layer of every run has an instance of its own, made from the options and told by [`start`](Router::start) what it serves.
///
/// Determinism: what an instance answers follows from options, context, loaded state and the calls so far. No clock, no state shared between
/// instances, no randomness but [`rng::Stream`](crate::rng::Stream) opened with the seed of the context.
///
/// ```
/// use isotherm_plugin::prelude::*;
/// use isotherm_plugin::testkit;
///
/// /// Prices every expert by what an assignment there is declared to cost.
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Thrifty {
///     /// Price of a joule (nats/J).
///     lambda: f32,
/// }
///
/// impl Router for Thrifty {
///     fn route(&mut self, _: &GateBatch<'_>, view: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
///         for (price, joules) in out.prices().iter_mut().zip(view.declared_costs) {
///             *price = self.lambda * *joules as f32;
///         }
///         Ok(())
///     }
/// }
///
/// export_router!(Thrifty = "acme/thrifty");
///
/// testkit::check_router(&Thrifty { lambda: 0.5 });
/// let outcome = testkit::ClosedLoop::new(&[0.5, 0.5, 0.5, 2.0]).run(&Thrifty { lambda: 0.5 }).unwrap();
/// assert!(outcome.saving() > 0.1, "{outcome:?}");
/// ```
pub trait Router: Clone + Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Whether [`Decision::scores`] is used: only then does the host fill in a score for every token and expert.
    const ADJUSTS_SCORES: bool = false;

    /// Prepares the instance for what it serves: the place to check options against the layer and to size what is remembered. Called once, before
    /// anything else.
    ///
    /// # Errors
    /// [`RouterError::Option`] when an option does not fit, named by its key; found before any run starts.
    fn start(&mut self, context: &RouterContext<'_>) -> Result<(), RouterError> {
        let _ = context;
        Ok(())
    }

    /// Routes one batch: by prices, by scores or by a whole assignment; see [`Decision`]. Called once a batch, before any work of it starts.
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError>;

    /// Told what a finished batch has cost; the place to learn. Called once a batch, in order of completion.
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let _ = feedback;
        Ok(())
    }

    /// Whether what the options ask to be kept (a temperature, a power) can be kept, as of the batch routed last; `None` where they ask for nothing
    /// of the kind.
    fn feasibility(&self) -> Option<Feasibility> {
        None
    }

    /// Floating-point operations of one `route` and one `feedback` per token, beyond the gate product and a plain top k: what the run is charged
    /// for the router itself.
    fn operations_per_token(&self) -> f64 {
        0.0
    }

    /// Everything that has changed since [`Router::start`], as bytes ([`state::save`](crate::state::save) makes them of any value); empty for a
    /// router without memory.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Continues from the bytes of [`Router::save`] of an instance with the same options and context. Called on an instance that has just been
    /// started.
    ///
    /// # Errors
    /// [`RouterError::State`] if the bytes are not such a state.
    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        if state.is_empty() { Ok(()) } else { Err(RouterError::State("this router keeps no state".to_owned())) }
    }

    /// Whether, with these options, the router looks at [`ClusterView::oracle`], which no real router could know; tables that use it are marked.
    fn uses_oracle(&self) -> bool {
        false
    }

    /// Whether, with these options, this is the plain top k of the gate, which savings are measured against.
    fn is_reference(&self) -> bool {
        false
    }
}
