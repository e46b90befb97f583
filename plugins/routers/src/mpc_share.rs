//! `mpc-share`: how much of the work a GPU may have, from a model of how it warms up.
//!
//! A GPU is one heat capacity behind one resistance R with time constant tau. At every new sample, for a horizon H:
//!
//! ```text
//! a       = exp(-H / tau)
//! P_max,g = (cap - T_amb,g - (T_g - T_amb,g) a) / (R (1 - a))      constant power that just reaches the cap after H
//! share_g = (P_max,g - P_idle) / (J_g rate)                        J_g joules per assignment on g, rate assignments per second
//! ```
//!
//! Joules per assignment and rate are learned from feedback; T_g and T_amb,g come from an observer, for the model is never right (other
//! time constants, preheated air, work that is not the router's): what the sampled temperature and power disagree about is
//! booked as warmer or colder surroundings, with poles at -2 / tau, so that the cap is held without an offset.
//!
//! Shares become prices as column sums do in Sinkhorn's iteration, one damped step a batch, warm from the last:
//!
//! ```text
//! u_g <- max(0, u_g + gain ln(load_g / share_g))       S = top-k(z - u)
//! ```
//!
//! e^-u is the factor of a column; shares are upper bounds, so no column is made larger than the gate wants it (projection onto an inequality). A full
//! iteration per batch would cost tens of passes over the tokens; the targets move within seconds and batches come every few milliseconds, so one step
//! keeps up. Where all shares together are less than the whole work, all GPUs are asked for the same excess; where that is so for four
//! time constants for the power that holds the cap for good, (cap - T_amb,g) / R, the router signals infeasible.
//!
//! Work is that of the layer it routes: of a model of several layers with gates of their own, each router takes the whole room for itself.
//!
//! `gain = 0` is the baseline, bit for bit. Joules count as they are, not as differences: a constant added to all costs is more heat. Source: thermal
//! model-predictive control of multicores (IEEE 2009); iterative control arXiv:2405.18030.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::ExpertId;
use isotherm_core::placement::Placement;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feasibility, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule};
use isotherm_core::tier::Tiers;
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, KelvinPerWatt, Watts};
use serde::{Deserialize, Serialize};

use crate::belief::{require_above, require_at_least, require_length, require_share};
use crate::cap::holders;
use crate::energy_penalty::Space;
use crate::gpu_price::PricedGpus;
use crate::heat_share::{HeatModel, Observed, Work};
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "mpc-share",
    summary: "gives every GPU the share of the work that keeps it below a temperature, from a thermal model; signals infeasible",
    example: "kind = \"mpc-share\"\ncap = \"70 degC\"",
};

/// Options of `mpc-share`. What is not given comes from the device profile.
///
/// ```
/// use isotherm_core::router::{RouterContext, RouterSpec};
/// use isotherm_core::units::{Celsius, KelvinPerWatt, Watts};
/// use isotherm_routers::MpcShare;
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// let spec = MpcShare::new(Celsius::new(70.0));
/// assert!(spec.build(&context).err().unwrap().to_string().contains("resistance"), "no profile, no model");
/// let spec = MpcShare {
///     resistance: Some(KelvinPerWatt::new(0.05)),
///     time_constant: Some("10 s".parse().unwrap()),
///     ambient: Some(Celsius::new(35.0)),
///     idle: Some(Watts::new(125.0)),
///     ..spec
/// };
/// assert!(spec.build(&context).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MpcShare {
    /// Temperature that every die is kept below (degC).
    pub cap: Celsius,
    /// How far ahead the cap may be reached; the time constant where not given. Shorter is more careful.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<SimDuration>,
    /// Part of the way to its share that a GPU's load is brought per batch, about.
    #[serde(default = "gain")]
    pub gain: f64,
    /// From die to surroundings, in the steady state (K/W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resistance: Option<KelvinPerWatt>,
    /// Time constant of a GPU; a quarter of the slowest of the profile where not given: faster parts carry most of the rise, and what is
    /// slower shows to the observer as surroundings that drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_constant: Option<SimDuration>,
    /// Temperature of the surroundings at the start (degC); learned afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambient: Option<Celsius>,
    /// Power of a GPU without work (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Watts>,
}

fn gain() -> f64 {
    0.2
}

impl MpcShare {
    /// Keeps every GPU below `cap`, with everything else from the profile.
    #[must_use]
    pub fn new(cap: Celsius) -> Self {
        Self { cap, horizon: None, gain: gain(), resistance: None, time_constant: None, ambient: None, idle: None }
    }

    /// The model, from the options and what the profile says.
    fn model(&self, context: &RouterContext<'_>) -> Result<HeatModel, RouterError> {
        let known = |own: Option<f64>, of_profile: fn(&isotherm_core::router::ThermalHint) -> f64, option, example| {
            own.or(context.thermal.as_ref().map(of_profile)).ok_or_else(|| RouterError::Option {
                option,
                message: format!(
                    "is needed where the hardware has no profile to take it from; for example `{option} = \"{example}\"`"
                ),
            })
        };
        let resistance =
            known(self.resistance.map(KelvinPerWatt::get), |t| t.kelvin_per_watt, "resistance", "0.05 K/W")?;
        let time_constant =
            known(self.time_constant.map(SimDuration::seconds), |t| 0.25 * t.time_constant_s, "time_constant", "10 s")?;
        let ambient = known(self.ambient.map(Celsius::get), |t| t.ambient_degc, "ambient", "35 degC")?;
        let idle = known(self.idle.map(Watts::get), |t| t.idle_w, "idle", "125 W")?;
        require_above("resistance", resistance, 0.0, "\"0.05 K/W\"")?;
        require_above("time_constant", time_constant, 0.0, "\"10 s\"")?;
        require_at_least("idle", idle, 0.0, "\"125 W\"")?;
        let horizon = self.horizon.map_or(time_constant, SimDuration::seconds);
        require_above("horizon", horizon, 0.0, "\"10 s\"")?;
        Ok(HeatModel { cap: self.cap.get(), horizon, resistance, time_constant, ambient, idle })
    }
}

#[typetag::serde(name = "mpc-share")]
impl RouterSpec for MpcShare {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_share("gain", self.gain, "0.2")?;
        let model = self.model(context)?;
        let experts = context.experts;
        Ok(Box::new(Shared {
            gain: self.gain,
            model,
            state: State {
                gpus: Vec::new(),
                homes: None,
                work: Work::new(experts),
                too_much_since: None,
                infeasible: false,
            },
            gpus: PricedGpus::new(Space::Logit, context),
            prices: Vec::new(),
            loads: Vec::new(),
            holds: Vec::new(),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gpu {
    observed: Option<Observed>,
    /// What one of its assignments costs (J), with the mix of experts of the last batch.
    joules: Option<f64>,
    /// Part of all assignments that its heat allows; any where nothing is known.
    share: Option<f64>,
    /// u_g (nats).
    price: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    gpus: Vec<Gpu>,
    /// Where the experts were when the batch was routed whose feedback is awaited.
    homes: Option<Placement>,
    work: Work,
    /// Since when the work is more than what holds the cap for good.
    too_much_since: Option<SimTime>,
    infeasible: bool,
}

#[derive(Debug)]
struct Shared {
    gain: f64,
    model: HeatModel,
    state: State,
    gpus: PricedGpus,
    prices: Vec<f64>,
    /// Assignments and joules of each GPU in the batch just served.
    loads: Vec<(f64, f64)>,
    /// Which GPUs hold experts.
    holds: Vec<bool>,
}

/// Largest price (nats): e^-10 of the gate's own wish.
const MOST: f64 = 10.0;

impl Shared {
    /// Takes new samples in and says how much every GPU may have.
    fn observe(&mut self, view: &ClusterView<'_>) {
        let State { gpus, work, too_much_since, infeasible, .. } = &mut self.state;
        gpus.resize(view.samples.len(), Gpu::default());
        let Some(rate) = work.rate() else { return };
        let mut new = false;
        for (gpu, sample) in gpus.iter_mut().zip(view.samples) {
            new |= self.model.observe(&mut gpu.observed, sample);
        }
        if !new {
            return;
        }
        let model = &self.model;
        let share = |gpu: &Gpu, watts: fn(&HeatModel, &Observed) -> f64| {
            let (observed, joules) = gpu.observed.as_ref().zip(gpu.joules)?;
            Some(((watts(model, observed) - model.idle) / (joules * rate).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0))
        };
        let (mut within_horizon, mut for_good) = (0.0, 0.0);
        holders(view, gpus.len(), &mut self.holds);
        for (gpu, holds) in gpus.iter_mut().zip(&self.holds) {
            gpu.share = share(gpu, HeatModel::most_watts);
            if *holds {
                // Without a share a GPU counts as free: nothing is known against it.
                within_horizon += gpu.share.unwrap_or(1.0);
                for_good += share(gpu, HeatModel::holding_watts).unwrap_or(1.0);
            }
        }
        // The observer takes a few time constants to tell a model that is off from surroundings that are warm.
        *too_much_since = (for_good < 1.0).then(|| too_much_since.unwrap_or(view.now));
        let patience = 4.0 * model.time_constant;
        *infeasible = too_much_since.is_some_and(|since| view.now.saturating_since(since).seconds() >= patience);
        if within_horizon < 1.0 && within_horizon > 0.0 {
            gpus.iter_mut().for_each(|gpu| gpu.share = gpu.share.map(|share| share / within_horizon));
        }
    }

    /// Takes the view in: the prices of the GPUs, and where the experts are.
    fn set_prices(&mut self, view: &ClusterView<'_>) {
        self.observe(view);
        self.prices.clear();
        self.prices.extend(self.state.gpus.iter().map(|gpu| gpu.price));
        if self.state.homes.as_ref() != view.placement {
            self.state.homes = view.placement.cloned();
        }
    }

    /// One step of the prices from the loads of the batch just served.
    fn step(&mut self, assignments: &[u32]) {
        let State { gpus, homes: Some(placement), work, .. } = &mut self.state else { return };
        self.loads.clear();
        self.loads.resize(gpus.len(), (0.0, 0.0));
        for (e, count) in assignments.iter().enumerate().take(placement.experts()) {
            let homes = placement.copies(ExpertId(e as u32));
            let count = f64::from(*count) / homes.len() as f64;
            for home in homes {
                if let Some((assignments, joules)) = self.loads.get_mut(home.index()) {
                    *assignments += count;
                    *joules += count * work.joules(e).unwrap_or(0.0);
                }
            }
        }
        let all: f64 = self.loads.iter().map(|(assignments, _)| assignments).sum();
        if all == 0.0 {
            return;
        }
        for (gpu, (assignments, joules)) in gpus.iter_mut().zip(&self.loads) {
            if *assignments > 0.0 && *joules > 0.0 {
                gpu.joules = Some(joules / assignments);
            }
            let Some(share) = gpu.share else { continue };
            // A step of at most one nat each way, also from or to nothing at all.
            let excess = libm::log((assignments / all).max(1e-9) / share.max(1e-9)).clamp(-1.0, 1.0);
            gpu.price = (gpu.price + self.gain * excess).clamp(0.0, MOST);
        }
        // Prices that rise together route nothing.
        let working = gpus.iter().zip(&self.loads).filter(|(_, (assignments, _))| *assignments > 0.0);
        let least = working.map(|(gpu, _)| gpu.price).reduce(f64::min).unwrap_or(0.0);
        gpus.iter_mut().for_each(|gpu| gpu.price = (gpu.price - least).max(0.0));
    }
}

impl Router for Shared {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_prices(view);
        self.gpus.route(&self.prices, gate, view, out);
        Ok(())
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_prices(view);
        Ok(Some(self.gpus.rule(&self.prices, view)))
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        // By what was known when the batch was routed.
        self.step(feedback.assignments);
        self.state.work.learn(feedback);
        Ok(())
    }

    fn feasibility(&self) -> Option<Feasibility> {
        Some(if self.state.infeasible { Feasibility::Infeasible } else { Feasibility::Feasible })
    }

    fn operations_per_token(&self) -> f64 {
        self.gpus.operations_per_token()
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.state)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let state: State = saved::read(state)?;
        require_length(state.work.experts(), self.gpus.experts())?;
        self.state = state;
        Ok(())
    }
}
