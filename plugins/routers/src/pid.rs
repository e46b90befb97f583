//! `pid`: a price on every GPU from a PID controller of its temperature or power.
//!
//! With e = x - cap the excess of the sampled temperature of a GPU, or of a running mean of its sampled power, at every new sample after dt:
//!
//! ```text
//! price = clip(Kp e + I + Kd de/dt, 0, max_price)
//! I     <- I + Ki e dt        unless the price is clipped and e pushes on, or every GPU has a price
//! ```
//!
//! Ki is Kp / tau where not given, with tau the time constant of the GPU: the zero of the controller on the pole of the plant. Integrating only while
//! that can change something (conditional integration) keeps the integral from winding up. When the total load is too high all prices would
//! climb together and cancel, for only differences route: the smallest price is taken off, integrals stand still while every GPU has a price, and the
//! router signals infeasible where even the coolest GPU stays above the cap, or all together draw more than their caps. All gains zero is the baseline, bit for bit.
//! Source: textbook control, e.g. Astrom and Murray, "Feedback Systems", chapter 11.

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
use crate::primal_dual::probability;
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "pid",
    summary: "a price on every GPU from a PID controller of its temperature or power; signals infeasible",
    example: "kind = \"pid\"\ncap = \"70 degC\"",
};

/// Options of `pid`.
///
/// ```
/// use isotherm_core::router::{Feasibility, RouterContext, RouterSpec};
/// use isotherm_core::units::Celsius;
/// use isotherm_routers::{Cap, Pid};
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// let spec = Pid::new(Cap::Temperature(Celsius::new(70.0)));
/// assert_eq!(spec.build(&context).unwrap().feasibility(), Some(Feasibility::Feasible), "nothing is known yet");
/// assert!(Pid { kd: -1.0, ..spec }.build(&context).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pid {
    /// Temperature or power that every GPU is kept to.
    pub cap: Cap,
    /// Price per kelvin (or watt) of excess; an excess of 20 K makes the largest price (of the power cap itself a
    /// tenth of it) where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kp: Option<f64>,
    /// Growth of the price per second and kelvin (or watt); `kp` over the time constant of the GPU where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ki: Option<f64>,
    /// Price per kelvin (or watt) a second. Sensors of whole degrees make steps: keep it below a few sample periods times `kp`.
    #[serde(default)]
    pub kd: f64,
    /// Largest price; 1 in probability space, 5 in logit space where not given.
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

impl Pid {
    /// A controller that keeps `cap`, with everything else at its default.
    #[must_use]
    pub fn new(cap: Cap) -> Self {
        Self { cap, kp: None, ki: None, kd: 0.0, max_price: None, space: probability(), patience: None }
    }
}

#[typetag::serde(name = "pid")]
impl RouterSpec for Pid {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        let max_price = self.max_price.unwrap_or_else(|| default_max_price(self.space));
        require_above("max_price", max_price, 0.0, "1.0")?;
        // Power follows the work at once: the integral does the work, with a small proportional part.
        let tau = time_constant(context);
        let (share, time_constant) = match self.cap {
            Cap::Temperature(_) => (1.0, tau),
            Cap::Power(_) => (0.1, 0.1 * self.cap.default_patience(tau)),
        };
        let patience = self.cap.patience(self.patience, tau)?;
        let kp = self.kp.unwrap_or(share * max_price / self.cap.full_excess());
        let ki = self.ki.unwrap_or(kp / time_constant);
        require_at_least("kp", kp, 0.0, "0.05")?;
        require_at_least("ki", ki, 0.0, "0.001")?;
        require_at_least("kd", self.kd, 0.0, "0.0")?;
        self.space.require_weights(context)?;
        Ok(Box::new(Controller {
            gains: [kp, ki, self.kd],
            max_price,
            state: State {
                experts: context.experts,
                loops: Vec::new(),
                watch: CapWatch::new(self.cap, patience).smoothing_power(),
            },
            prices: Vec::new(),
            holds: Vec::new(),
            gpus: PricedGpus::new(self.space, context),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

/// The controller of one GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Loop {
    integral: f64,
    /// Kp e + I + Kd de/dt, clipped.
    price: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Experts of the layer.
    experts: usize,
    loops: Vec<Loop>,
    watch: CapWatch,
}

#[derive(Debug)]
struct Controller {
    /// Kp, Ki, Kd.
    gains: [f64; 3],
    max_price: f64,
    state: State,
    /// Price of every GPU; the smallest of those that hold experts is 0.
    prices: Vec<f64>,
    /// Which GPUs hold experts.
    holds: Vec<bool>,
    gpus: PricedGpus,
}

impl Controller {
    /// One step of every loop whose GPU has a new sample.
    fn step(&mut self, view: &ClusterView<'_>) {
        let [kp, ki, kd] = self.gains;
        let State { loops, watch, .. } = &mut self.state;
        loops.resize(view.samples.len(), Loop::default());
        watch.resize(view.samples.len());
        holders(view, loops.len(), &mut self.holds);
        let every_gpu_has_a_price = least_held(loops.iter().map(|own| own.price), &self.holds) > 0.0;
        let (mut stepped, mut seconds) = (false, 0.0_f64);
        for (gpu, sample) in view.samples.iter().enumerate() {
            let Some(reading) = watch.read(gpu, sample) else { continue };
            let e = reading.excess;
            let slope = reading.before.map_or(0.0, |before| (e - before) / reading.seconds);
            let own = &mut loops[gpu];
            let wanted = kp * e + own.integral + kd * slope;
            let pushes_on = (wanted >= self.max_price && e > 0.0) || (wanted <= 0.0 && e < 0.0);
            let integral = own.integral + ki * e * reading.seconds;
            // What takes an integral back is always allowed.
            if !pushes_on && (!every_gpu_has_a_price || e < 0.0) {
                own.integral = integral;
            }
            own.price = (kp * e + own.integral + kd * slope).clamp(0.0, self.max_price);
            watch.at_limit(gpu, own.price >= self.max_price);
            stepped = true;
            seconds = seconds.max(reading.seconds);
        }
        if stepped {
            let keep = watch.judge(&self.holds, seconds);
            for own in loops.iter_mut() {
                *own = Loop { integral: keep * own.integral, price: keep * own.price };
            }
        }
        let least = least_held(loops.iter().map(|own| own.price), &self.holds);
        self.prices.clear();
        self.prices.extend(loops.iter().map(|own| (own.price - least).max(0.0)));
    }
}

impl Router for Controller {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.step(view);
        self.gpus.route(&self.prices, gate, view, out);
        Ok(())
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.step(view);
        Ok(Some(self.gpus.rule(&self.prices, view)))
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
        state.watch.require_gpus(state.loops.len())?;
        self.state = state;
        Ok(())
    }
}
