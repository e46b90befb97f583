//! The other way in: the same type linked into isotherm, without a library between. What happens to a decision is what a host does.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{ClusterView, Feasibility, Feedback, Router as CoreRouter, RouterContext, RouterError};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::SimTime;

use crate::author::{Decision, Form, Made, Router, Telemetry};
use crate::context::OwnedContext;

/// An author's router as one of the core's.
#[derive(Debug)]
pub(crate) struct Linked<R> {
    router: R,
    /// What it was made of: a loaded state continues from a router that is made anew.
    options: R,
    context: OwnedContext,
    selector: Selector,
    prices: Vec<f32>,
    scores: Vec<f32>,
}

impl<R: Router> Linked<R> {
    pub(crate) fn new(options: R, context: &RouterContext<'_>) -> Result<Self, RouterError> {
        let mut router = options.clone();
        router.start(context)?;
        Ok(Self {
            router,
            options,
            context: OwnedContext::of(context),
            selector: Selector::new(context.options),
            prices: vec![0.0; context.experts],
            scores: Vec::new(),
        })
    }

    /// Lets the author's code decide, into the buffers of `out` where it routes itself.
    fn decide(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<Made, RouterError> {
        self.prices.fill(0.0);
        let scores = R::ADJUSTS_SCORES.then(|| {
            self.scores.clear();
            self.scores.extend_from_slice(gate.logits());
            &mut self.scores[..]
        });
        out.reset(gate.tokens());
        let lent = Routing::lent(out.top_k(), &mut out.experts[..], &mut out.weights[..], &mut out.counts[..]);
        let mut decision = Decision::new(&mut self.prices, scores, lent);
        self.router.route(gate, view, &mut decision)?;
        decision.made(gate)
    }
}

impl<R: Router> CoreRouter for Linked<R> {
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<(), RouterError> {
        let made = self.decide(gate, view, out)?;
        match made.form {
            Form::Prices => self.selector.select(gate, Rule::PricedLogit { price: &self.prices }, None, out),
            Form::Scores => self.selector.select(gate, Rule::Given { scores: &self.scores }, None, out),
            Form::Assignment => {
                out.gate = made.gate;
                if !made.counted {
                    out.count();
                }
            }
        }
        Ok(())
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        self.router.feedback(feedback)
    }

    fn feasibility(&self) -> Option<Feasibility> {
        self.router.feasibility()
    }

    fn operations_per_token(&self) -> f64 {
        self.router.operations_per_token()
    }

    fn save(&self) -> Vec<u8> {
        self.router.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let mut fresh = self.options.clone();
        fresh.start(&self.context.lend())?;
        fresh.load(state)?;
        self.router = fresh;
        Ok(())
    }
}

/// An author's source as one of the core's.
#[derive(Debug)]
struct LinkedSource<T> {
    source: T,
    options: T,
    gpus: usize,
    seed: u64,
}

/// A source that has been made of its options.
pub(crate) fn started<T: Telemetry>(options: &T, gpus: usize, seed: u64) -> Result<T, TelemetryError> {
    let mut source = options.clone();
    source.start(gpus, seed)?;
    Ok(source)
}

impl<T: Telemetry> TelemetrySource for LinkedSource<T> {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        self.source.sample(now, truth, out)
    }

    fn save(&self) -> Vec<u8> {
        self.source.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        let mut fresh = started(&self.options, self.gpus, self.seed)?;
        fresh.load(state)?;
        self.source = fresh;
        Ok(())
    }
}

/// A started router, for the export macros.
///
/// # Errors
/// What [`Router::start`] finds wrong.
pub fn router<R: Router>(options: &R, context: &RouterContext<'_>) -> Result<Box<dyn CoreRouter>, RouterError> {
    Ok(Box::new(Linked::new(options.clone(), context)?))
}

/// A started source, for the export macros.
///
/// # Errors
/// What [`Telemetry::start`] finds wrong.
pub fn telemetry<T: Telemetry>(
    options: &T,
    gpus: usize,
    seed: u64,
) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
    let source = started(options, gpus, seed)?;
    Ok(Box::new(LinkedSource { source, options: options.clone(), gpus, seed }))
}
