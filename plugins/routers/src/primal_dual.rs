//! `primal-dual`: a price on every GPU that rises while it is above its cap.
//!
//! ```text
//! S        = top-k(p / m - sum_g lambda_g a_ge)             a_ge = 1 / copies of e, if one is on g
//! lambda_g <- clip(lambda_g + eta (x_g - cap), 0, max_price)    at every new sample of g
//! ```
//!
//! with p the gate's probabilities, m the mass of the token's unpenalised top k (or logits in their place, `space = "logit"`), and x the sampled
//! temperature or power. On power this is dual ascent on "power of g at most the cap" (the multiplier of a constraint rises while it
//! is broken), as GAR-PD does for carbon budgets (arXiv:2605.11603); drift-plus-penalty is the same with a virtual queue and eta = 1/V. On temperature
//! it is integral control of a plant of first order: too large an `eta` swings.
//!
//! Prices that all rise together route nothing, for only differences do: after every update the smallest is taken off all, so that none winds up, and
//! the router signals infeasible where even the coolest GPU stays above the cap, or all together draw more than their caps. `eta = 0` is the baseline, bit for bit.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feasibility, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule};
use isotherm_core::tier::Tiers;
use isotherm_core::time::SimDuration;
use serde::{Deserialize, Serialize};

use crate::belief::{require_above, require_at_least, require_length};
use crate::cap::{Cap, CapWatch, holders, least_held};
use crate::energy_penalty::Space;
use crate::gpu_price::{PricedGpus, default_max_price, time_constant};
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "primal-dual",
    summary: "a price on every GPU that rises while its temperature or power is above a cap; signals infeasible",
    example: "kind = \"primal-dual\"\ncap = \"70 degC\"",
};

/// Options of `primal-dual`.
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::{id::BatchId, placement::Placement, routing::Routing, telemetry::Sample, time::SimTime, units::Celsius};
/// use isotherm_core::router::{ClusterView, RouterContext, RouterSpec};
/// use isotherm_routers::{Cap, PrimalDual};
/// let spec = PrimalDual { eta: Some(0.1), ..PrimalDual::new(Cap::Temperature(Celsius::new(70.0))) };
/// let mut router = spec.build(&RouterContext::new(2, 1, &[1.0; 2], 0)).unwrap();
/// let placement = Placement::contiguous(2, 2);
/// // Expert 0 leads, but its GPU is 10 K above the cap: 0.1 x 10 of the token's mass is the price of going there.
/// let gate = GateBatch::from_logits(2, 1, vec![0.5, 0.0]);
/// let sample = |degc| Sample { taken_at: SimTime::ZERO, temperature: Some(Celsius::new(degc)), power: None };
/// let samples = [sample(80.0), sample(60.0)];
/// let view = ClusterView::empty().at(SimTime::ZERO, BatchId(0), &placement, &samples);
/// let mut routing = Routing::new(2, 1);
/// router.route(&gate, &view, &mut routing).unwrap();
/// assert_eq!(routing.experts, [1]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimalDual {
    /// Temperature or power that every GPU is kept to.
    pub cap: Cap,
    /// Growth of a price per sample and kelvin (or watt) above the cap; where not given, an excess of 20 K (or of the power cap itself) makes
    /// the largest price within a time constant of the GPU (5 s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// Largest difference of prices; 1 in probability space, 5 in logit space where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<f64>,
    /// Which scores the price is subtracted from.
    #[serde(default = "probability")]
    pub space: Space,
    /// Over which time samples are averaged before the cap counts as infeasible; a quarter of the GPU's time constant for a temperature (at
    /// least 5 s), 5 s for a power where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<SimDuration>,
}

pub(crate) fn probability() -> Space {
    Space::Probability
}

impl PrimalDual {
    /// A controller that keeps `cap`, with everything else at its default.
    #[must_use]
    pub fn new(cap: Cap) -> Self {
        Self { cap, eta: None, max_price: None, space: probability(), patience: None }
    }
}

#[typetag::serde(name = "primal-dual")]
impl RouterSpec for PrimalDual {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("eta", self.eta.unwrap_or_default(), 0.0, "0.002")?;
        let max_price = self.max_price.unwrap_or_else(|| default_max_price(self.space));
        require_above("max_price", max_price, 0.0, "1.0")?;
        self.space.require_weights(context)?;
        let tau = time_constant(context);
        let time_constant = match self.cap {
            Cap::Temperature(_) => tau,
            // Power follows the work at once; this is what its snapshots are averaged over.
            Cap::Power(_) => self.cap.default_patience(tau),
        };
        let patience = self.cap.patience(self.patience, tau)?;
        Ok(Box::new(Ascent {
            eta: self.eta,
            eta_per_second: max_price / (self.cap.full_excess() * time_constant),
            max_price,
            state: State { experts: context.experts, prices: Vec::new(), watch: CapWatch::new(self.cap, patience) },
            holds: Vec::new(),
            gpus: PricedGpus::new(self.space, context),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Experts of the layer.
    experts: usize,
    /// Price of every GPU; the smallest is 0.
    prices: Vec<f64>,
    watch: CapWatch,
}

#[derive(Debug)]
struct Ascent {
    eta: Option<f64>,
    eta_per_second: f64,
    max_price: f64,
    state: State,
    /// Which GPUs hold experts.
    holds: Vec<bool>,
    gpus: PricedGpus,
}

impl Ascent {
    /// One step of every price whose GPU has a new sample.
    fn step(&mut self, view: &ClusterView<'_>) {
        let State { prices, watch, .. } = &mut self.state;
        prices.resize(view.samples.len(), 0.0);
        watch.resize(view.samples.len());
        let (mut stepped, mut seconds) = (false, 0.0_f64);
        for (gpu, (sample, price)) in view.samples.iter().zip(prices.iter_mut()).enumerate() {
            let Some(reading) = watch.read(gpu, sample) else { continue };
            let eta = self.eta.unwrap_or(self.eta_per_second * reading.seconds);
            *price = (*price + eta * reading.excess).clamp(0.0, self.max_price);
            watch.at_limit(gpu, *price >= self.max_price);
            stepped = true;
            seconds = seconds.max(reading.seconds);
        }
        if !stepped {
            return;
        }
        holders(view, prices.len(), &mut self.holds);
        let least = least_held(prices.iter().copied(), &self.holds);
        let keep = watch.judge(&self.holds, seconds);
        prices.iter_mut().for_each(|price| *price = keep * (*price - least).max(0.0));
    }
}

impl Router for Ascent {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.step(view);
        self.gpus.route(&self.state.prices, gate, view, out);
        Ok(())
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.step(view);
        Ok(Some(self.gpus.rule(&self.state.prices, view)))
    }

    fn feasibility(&self) -> Option<Feasibility> {
        Some(self.state.watch.feasibility())
    }

    fn operations_per_token(&self) -> f64 {
        self.gpus.operations_per_token()
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.state)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let state: State = saved::read(state)?;
        require_length(state.experts, self.gpus.experts())?;
        state.watch.require_gpus(state.prices.len())?;
        self.state = state;
        Ok(())
    }
}
