//! What an author's unit tests need, without a host: gates, a cluster to look at, the contract of a router, and a loop that counts joules.
//!
//! A router runs here as it does when it is linked into isotherm. What only shows across a library's border (memory, threads, panics) is asked by
//! `isotherm plugin check`.

mod closed_loop;
mod cluster;
mod contract;

use isotherm_core::gate::GateBatch;
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::router::{ClusterView, Feedback, Router as CoreRouter, RouterContext, RouterError};
use isotherm_core::routing::Routing;

pub use closed_loop::{ClosedLoop, Outcome};
pub use cluster::Cluster;
pub use contract::{check_order_of_tokens, check_router};

use crate::author::Router;
use crate::linked::Linked;

/// A gate with standard normal logits: the same numbers give the same gate.
///
/// ```
/// let gate = isotherm_plugin::testkit::gate(64, 8, 2, 7);
/// assert_eq!((gate.tokens(), gate.experts(), gate.reference().top_k()), (64, 8, 2));
/// ```
///
/// # Panics
/// If `top_k` is not from 1 to `experts`.
#[must_use]
pub fn gate(tokens: usize, experts: usize, top_k: usize, seed: u64) -> GateBatch<'static> {
    let mut stream = Stream::open(seed, Domain::Workload, 0, "logits of the test kit");
    let logits = (0..tokens * experts).map(|_| stream.normal() as f32).collect();
    GateBatch::from_logits(experts, top_k, logits)
}

/// A router in a run, as isotherm has it.
///
/// ```
/// use isotherm_plugin::prelude::*;
/// use isotherm_plugin::testkit;
///
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// struct AwayFromFirst { price: f32 }
///
/// impl Router for AwayFromFirst {
///     fn route(&mut self, _: &GateBatch<'_>, _: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
///         out.prices()[0] = self.price;
///         Ok(())
///     }
/// }
///
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// let mut instance = testkit::Instance::new(&AwayFromFirst { price: 100.0 }, &context)?;
/// let routing = instance.route(&testkit::gate(64, 8, 2, 7), &ClusterView::empty())?;
/// assert_eq!(routing.counts[0], 0);
/// # Ok::<(), RouterError>(())
/// ```
#[derive(Debug)]
pub struct Instance<R> {
    linked: Linked<R>,
    experts: usize,
    top_k: usize,
}

impl<R: Router> Instance<R> {
    /// An instance that has been started.
    ///
    /// # Errors
    /// What [`Router::start`] finds wrong.
    pub fn new(options: &R, context: &RouterContext<'_>) -> Result<Self, RouterError> {
        let linked = Linked::new(options.clone(), context)?;
        Ok(Self { linked, experts: context.experts, top_k: context.top_k })
    }

    /// Routes one batch.
    ///
    /// # Errors
    /// What [`Router::route`] says.
    pub fn route(&mut self, gate: &GateBatch<'_>, view: &ClusterView<'_>) -> Result<Routing<'static>, RouterError> {
        let mut routing = Routing::new(self.experts, self.top_k);
        self.linked.route(gate, view, &mut routing)?;
        Ok(routing)
    }

    /// Hands over what a batch has cost.
    ///
    /// # Errors
    /// What [`Router::feedback`] says.
    pub fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        self.linked.feedback(feedback)
    }

    /// What has been learned, as bytes.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.linked.save()
    }

    /// Continues from saved bytes; nothing changes if they are no state.
    ///
    /// # Errors
    /// What [`Router::load`] says.
    pub fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        self.linked.load(state)
    }
}
