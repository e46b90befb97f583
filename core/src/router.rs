//! What a routing strategy is: an immutable spec that a scenario names, and the router it builds.
//!
//! A router sees the gate's logits and a view of the cluster, and answers with experts and weights. The view shows
//! what a real router could know, as old as it would be: telemetry samples, declared costs, and its own feedback.

mod per_layer;

use std::fmt::Debug;

use thiserror::Error;

pub use per_layer::PerLayer;

use crate::dispatch::TokenSources;
use crate::gate::GateBatch;
use crate::id::{BatchId, ExpertId};
use crate::placement::Placement;
use crate::routing::{Routing, RoutingOptions, Rule};
use crate::telemetry::Sample;
use crate::tier::Tiers;
use crate::time::SimTime;

/// Immutable description of a routing strategy, as a scenario writes it: `kind = "..."` and its options.
///
/// Implemented with `#[typetag::serde(name = "...")]`, one strategy per file. Specs are shared between threads; the
/// routers they build are not.
#[typetag::serde(tag = "kind")]
pub trait RouterSpec: Debug + Send + Sync {
    /// Builds a router in its initial state. The same spec and context build the same router.
    ///
    /// # Errors
    /// [`RouterError::Option`] when an option does not fit the model; found before any run starts.
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError>;

    /// Whether the router looks at what no real router could know; every table that uses it is marked.
    fn uses_oracle(&self) -> bool {
        false
    }

    /// Whether this is the plain top-k of the gate, which savings are measured against.
    fn is_reference(&self) -> bool {
        false
    }

    /// The tiers its routers can serve. Whoever says more than [`Tiers::TOKEN`] builds routers with a [`Router::rule`].
    fn tiers(&self) -> Tiers {
        Tiers::TOKEN
    }
}

/// What a router may depend on when it is built.
///
/// ```
/// use isotherm_core::router::RouterContext;
/// let context = RouterContext::new(2, 1, &[0.5, 2.0], 7);
/// assert_eq!((context.options.floor, context.layer), (0, 0));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RouterContext<'a> {
    /// Number of experts of the layer.
    pub experts: usize,
    /// Experts each token is sent to.
    pub top_k: usize,
    /// Energy of one assignment per expert as the scenario declares it at the start (J).
    pub declared_costs: &'a [f64],
    /// Root seed of the run, for the router's own random streams.
    pub seed: u64,
    /// The options that all routers share; they fit the layer.
    pub options: &'a RoutingOptions,
    /// Which MoE layer of the model this instance serves, from 0: each has its own.
    pub layer: u32,
    /// Where the experts are at the start; `None` where only experts are known.
    pub placement: Option<&'a Placement>,
    /// What the data sheet or a fitted profile says of a GPU; `None` where the hardware has no thermal model.
    pub thermal: Option<ThermalHint>,
}

/// A GPU as one heat capacity behind one resistance: what a controller may know of it beforehand. Differences between devices are not
/// in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThermalHint {
    /// Kelvin above the surroundings per watt, in the steady state (K/W).
    pub kelvin_per_watt: f64,
    /// Time constant of the slowest part that matters (s): steady resistance times all of the heat capacity.
    pub time_constant_s: f64,
    /// Temperature of the surroundings (degC).
    pub ambient_degc: f64,
    /// Power of a GPU that waits (W).
    pub idle_w: f64,
}

impl<'a> RouterContext<'a> {
    /// A layer of `experts` experts of which nothing else is known.
    #[must_use]
    pub fn new(experts: usize, top_k: usize, declared_costs: &'a [f64], seed: u64) -> Self {
        const PLAIN: &RoutingOptions = &RoutingOptions::PLAIN;
        Self { experts, top_k, declared_costs, seed, options: PLAIN, layer: 0, placement: None, thermal: None }
    }

    /// This context with the options that all routers share.
    #[must_use]
    pub fn with_options(self, options: &'a RoutingOptions) -> Self {
        Self { options, ..self }
    }

    /// This context for the router of another layer.
    #[must_use]
    pub fn for_layer(self, layer: u32) -> Self {
        Self { layer, ..self }
    }

    /// This context with GPUs: where the experts are, and what is known of a GPU.
    #[must_use]
    pub fn with_hardware(self, placement: &'a Placement, thermal: Option<ThermalHint>) -> Self {
        Self { placement: Some(placement), thermal, ..self }
    }
}

/// Decides which experts serve each token of a batch.
///
/// One instance serves one run, one call at a time. Determinism: the output is a function of spec, context and the
/// calls so far; no clock, no global state, no randomness but [`crate::rng::Stream`].
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::router::{ClusterView, Router, RouterError};
/// use isotherm_core::routing::Routing;
///
/// /// Sends every token to experts 0, 1, ...: the smallest router there is.
/// struct FirstExperts;
/// impl Router for FirstExperts {
///     fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
///         out.reset(gate.tokens());
///         let k = out.top_k();
///         for row in out.experts.chunks_exact_mut(k) {
///             for (slot, expert) in row.iter_mut().enumerate() { *expert = slot as u32; }
///         }
///         out.weights.fill(1.0 / k as f32);
///         out.count();
///         Ok(())
///     }
/// }
/// let gate = GateBatch::from_logits(4, 2, vec![0.0; 8]);
/// let mut routing = Routing::new(4, 2);
/// FirstExperts.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.counts, [2, 2, 0, 0]);
/// assert!(routing.check().is_ok());
/// ```
pub trait Router: Send {
    /// Routes one batch. Called once a batch, when the layer is free, before any work of it starts.
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError>;

    /// The rule by which the router decides on every token of a batch for itself; `None` if it needs to see the tokens together.
    ///
    /// For one view it is the same however often it is asked for, and it is the one by which [`Router::route`] routes at that view. In the upper tiers
    /// ([`crate::tier`]) it is asked for once a batch, and only where it has changed, `route` is called with the sample that stands for the
    /// gate: what is kept for learning there is of the sample.
    ///
    /// ```
    /// use isotherm_core::router::{ClusterView, Router, RouterError};
    /// # use isotherm_core::{gate::GateBatch, routing::Routing};
    /// # struct FirstExperts;
    /// # impl Router for FirstExperts {
    /// #     fn route(&mut self, _: &GateBatch, _: &ClusterView<'_>, _: &mut Routing) -> Result<(), RouterError> { Ok(()) }
    /// # }
    /// // What a router says that does not implement it.
    /// assert_eq!(FirstExperts.rule(&ClusterView::empty()), Ok(None));
    /// ```
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        let _ = view;
        Ok(None)
    }

    /// Told when a batch has passed the layer and been accounted for; the place to learn. Called once a batch, in order of completion.
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let _ = feedback;
        Ok(())
    }

    /// Whether what the router was told to keep (a temperature, a power) can be kept, as of the batch routed last; `None` for a router that
    /// was told nothing of the kind. The run counts batches and the tables say so.
    fn feasibility(&self) -> Option<Feasibility> {
        None
    }

    /// Floating-point operations of one `route` and one `feedback` per token, beyond the gate product and a plain top-k: what
    /// the run is charged for the router itself.
    fn operations_per_token(&self) -> f64 {
        0.0
    }

    /// Everything that changed since [`RouterSpec::build`], as bytes; empty for a router without memory.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Continues from the bytes of [`Router::save`] of a router built from the same spec.
    ///
    /// # Errors
    /// [`RouterError::State`] if the bytes are not such a state.
    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        if state.is_empty() { Ok(()) } else { Err(RouterError::State("this router keeps no state".to_owned())) }
    }
}

/// Whether routing can keep a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feasibility {
    /// The limit is kept, or moving work still helps towards it.
    Feasible,
    /// Routing has done all it can and the limit is still broken: there is too much work for it, wherever the work goes. Only throttling, less
    /// work or better cooling would help.
    Infeasible,
}

/// What a router is shown of the cluster at one instant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClusterView<'a> {
    /// The instant of the decision.
    pub now: SimTime,
    /// The batch to be routed.
    pub batch: BatchId,
    /// The layer whose gate it is, from 0.
    pub layer: u32,
    /// While this is the same number other than 0, samples, placement, sources and declared costs are the same: adapters keep what they have made of
    /// them.
    pub revision: u64,
    /// The GPUs that hold a copy of each expert; `None` in tests of routers that need none.
    pub placement: Option<&'a Placement>,
    /// Where the tokens of the batch are; `None` in tests of routers that need none.
    pub sources: Option<TokenSources<'a>>,
    /// The last sample of each GPU, never younger than the last poll (INV-7).
    pub samples: &'a [Sample],
    /// Energy of one assignment per expert as declared at the start (J).
    pub declared_costs: &'a [f64],
    /// What only an oracle knows; present only for specs that say [`RouterSpec::uses_oracle`].
    pub oracle: Option<OracleView<'a>>,
}

/// The truth, for study only.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OracleView<'a> {
    /// Energy that one assignment costs now, per expert (J).
    pub true_costs: &'a [f64],
}

impl<'a> ClusterView<'a> {
    /// A view of nothing: no samples, no costs. For tests of routers that need none.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            now: SimTime::ZERO,
            batch: BatchId(0),
            layer: 0,
            revision: 0,
            placement: None,
            sources: None,
            samples: &[],
            declared_costs: &[],
            oracle: None,
        }
    }

    /// This view with other declared costs (J).
    #[must_use]
    pub fn with_declared_costs(self, declared_costs: &'a [f64]) -> Self {
        Self { declared_costs, ..self }
    }

    /// This view at another instant, with the placement and the samples a router would have then.
    #[must_use]
    pub fn at(self, now: SimTime, batch: BatchId, placement: &'a Placement, samples: &'a [Sample]) -> Self {
        Self { now, batch, placement: Some(placement), samples, ..self }
    }

    /// This view for the gate of another layer.
    #[must_use]
    pub fn in_layer(self, layer: u32) -> Self {
        Self { layer, ..self }
    }

    /// This view of a cluster that is known by a number; see [`ClusterView::revision`].
    #[must_use]
    pub fn of_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// This view with where the tokens are.
    #[must_use]
    pub fn with_sources(self, sources: TokenSources<'a>) -> Self {
        Self { sources: Some(sources), ..self }
    }

    /// This view with the true costs (J) of an oracle.
    #[must_use]
    pub fn with_true_costs(self, true_costs: &'a [f64]) -> Self {
        Self { oracle: Some(OracleView { true_costs }), ..self }
    }

    /// Temperature of the GPUs of each expert as last sampled (degC), the mean over its copies; `None` where none has been read.
    pub fn expert_temperatures(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        let experts = self.placement.map_or(0, Placement::experts);
        (0..experts)
            .map(|e| self.expert_mean(ExpertId(e as u32), |gpu| self.samples.get(gpu)?.temperature.map(|t| t.get())))
    }

    /// Mean of a quantity of GPUs over those that hold `expert`; GPUs for which it is `None` are left out.
    pub fn expert_mean(&self, expert: ExpertId, of_gpu: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let known = self.placement?.copies(expert).iter().filter_map(|gpu| of_gpu(gpu.index()));
        let (sum, number) = known.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
        (number > 0).then(|| sum / f64::from(number))
    }
}

/// What a finished batch cost, as the devices' meters show it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Feedback<'a> {
    /// When the batch finished.
    pub now: SimTime,
    /// The batch.
    pub batch: BatchId,
    /// The layer it has passed, from 0.
    pub layer: u32,
    /// Assignments each expert served.
    pub assignments: &'a [u32],
    /// Energy each expert spent on them (J).
    pub joules: &'a [f64],
    /// Time each expert worked on them (s).
    pub seconds: &'a [f64],
}

impl<'a> Feedback<'a> {
    /// Feedback of one batch. All slices have one entry per expert.
    #[must_use]
    pub fn new(now: SimTime, batch: BatchId, assignments: &'a [u32], joules: &'a [f64], seconds: &'a [f64]) -> Self {
        Self { now, batch, layer: 0, assignments, joules, seconds }
    }

    /// This feedback for another layer.
    #[must_use]
    pub fn in_layer(self, layer: u32) -> Self {
        Self { layer, ..self }
    }
}

/// Why a router cannot be built or cannot go on.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum RouterError {
    /// An option does not fit the model. Found before any run starts.
    #[error("`{option}`: {message}")]
    Option {
        /// The option's key.
        option: &'static str,
        /// What is wrong and what was expected.
        message: String,
    },
    /// A decision or an update failed. Fatal to the run it happened in.
    #[error("{0}")]
    Failed(String),
    /// Saved state could not be read. Fatal to the restored run.
    #[error("router state: {0}")]
    State(String),
}
