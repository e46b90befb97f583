//! What takes the heat of several GPUs away: shared streams of air or coolant, fans, a loop, and what they cost.

use serde::{Deserialize, Serialize};

use crate::time::SimDuration;
use crate::units::{Celsius, Watts};

/// The `[hardware.cooling]` section, or a file it names.
///
/// GPUs of one stream stand one behind another. The stream reaches GPU `j` with
///
/// ```text
/// T_j = T_supply + sum over GPUs i upstream of j of Q_i / (stream_w_per_k flow)
/// ```
///
/// where `Q_i` is the heat GPU `i` gave off during the last period. The inlet temperatures are constant for one `period`; the
/// largest change of one refresh bounds the error this makes, and is a metric (`inlet_step_max_k`).
///
/// ```
/// use isotherm_core::hardware::Cooling;
/// let cooling = Cooling { streams: vec![vec![0, 1]], stream_w_per_k: Some(50.0), ..Cooling::default() };
/// // 500 W upstream warm a stream of 50 W/K by 10 K.
/// assert_eq!(cooling.inlets(25.0, 1.0, &[500.0, 400.0]), [25.0, 35.0]);
/// assert_eq!(cooling.conductance_factor(1.0), 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cooling {
    /// What the section describes.
    pub name: String,
    /// Temperature of the air or coolant supplied to the node (degC); the profile's ambient where not given. With a
    /// `coolant` loop it is where the loop starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supply: Option<Celsius>,
    /// GPUs that share a stream, the upstream one first. A GPU that is not listed has a stream of its own.
    pub streams: Vec<Vec<u32>>,
    /// Mass flow x heat capacity of one stream at full flow (W/K); needed where a stream has several GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_w_per_k: Option<f64>,
    /// Flow settings as parts of the full flow, rising; the run starts at the last.
    pub settings: Vec<f64>,
    /// Conductances to the ambient grow with flow^exponent; the profile holds at full flow.
    pub conductance_exponent: f64,
    /// Power of all fans or pumps at full flow (W); it falls with the cube of the flow.
    pub fan_power: Watts,
    /// Steps the flow up and down; without it the flow stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<FanControl>,
    /// A closed loop between the node and the facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coolant: Option<CoolantLoop>,
    /// Heat moved per unit of electricity by whatever cools the supply; none means it costs nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cop: Option<f64>,
    /// Power of the rest of the node: processors, network cards, drives (W).
    pub other_power: Watts,
    /// Part of the power of node and fans that is lost before it reaches them.
    pub distribution_loss: f64,
    /// Time between two refreshes of the inlet temperatures and two steps of the control.
    pub period: SimDuration,
}

/// A thermostat on the hottest die.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanControl {
    /// Above it the flow goes to the next setting (degC).
    pub raise_above: Celsius,
    /// Below it the flow goes to the setting before (degC).
    pub lower_below: Celsius,
}

/// One well-mixed body of coolant: `C dT/dt = Q - G (T - T_facility)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoolantLoop {
    /// Heat capacity (J/K).
    pub capacity_j_per_k: f64,
    /// Conductance of the heat exchanger to the facility (W/K).
    pub exchanger_w_per_k: f64,
    /// Temperature of the facility's water (degC).
    pub facility: Celsius,
}

impl Default for Cooling {
    fn default() -> Self {
        Self {
            name: String::new(),
            supply: None,
            streams: Vec::new(),
            stream_w_per_k: None,
            settings: vec![1.0],
            conductance_exponent: 0.8,
            fan_power: Watts::new(0.0),
            control: None,
            coolant: None,
            cop: None,
            other_power: Watts::new(0.0),
            distribution_loss: 0.0,
            period: SimDuration::from_millis(100),
        }
    }
}

/// The least flow there is: what natural convection leaves of a stopped fan.
pub const STILL: f64 = 0.02;

impl Cooling {
    /// Inlet temperature of each GPU (degC) for a supply temperature, a flow and the heat each GPU gives off (W).
    #[must_use]
    pub fn inlets(&self, supply: f64, flow: f64, heat: &[f64]) -> Vec<f64> {
        let mut inlets = vec![0.0; heat.len()];
        self.inlets_into(supply, flow, heat, &mut inlets);
        inlets
    }

    /// [`Cooling::inlets`] into a buffer with an entry per GPU.
    pub fn inlets_into(&self, supply: f64, flow: f64, heat: &[f64], inlets: &mut [f64]) {
        inlets.fill(supply);
        let Some(rate) = self.stream_w_per_k else { return };
        for stream in &self.streams {
            let mut warmed = supply;
            for gpu in stream {
                let gpu = *gpu as usize;
                inlets[gpu] = warmed;
                warmed += heat[gpu] / (rate * flow);
            }
        }
    }

    /// Factor on the conductances to the ambient at a flow.
    #[must_use]
    pub fn conductance_factor(&self, flow: f64) -> f64 {
        libm::pow(flow, self.conductance_exponent)
    }

    /// Power of fans or pumps at a flow (W).
    #[must_use]
    pub fn fan_watts(&self, flow: f64) -> f64 {
        self.fan_power.get() * flow * flow * flow
    }

    /// The setting after `setting` for the hottest die (degC): one up or down at the limits of the control, else the same.
    #[must_use]
    pub fn next_setting(&self, setting: usize, hottest: f64) -> usize {
        match &self.control {
            Some(control) if hottest > control.raise_above.get() => (setting + 1).min(self.settings.len() - 1),
            Some(control) if hottest < control.lower_below.get() => setting.saturating_sub(1),
            _ => setting,
        }
    }

    /// What is wrong with these numbers for `gpus` GPUs, as a sentence.
    ///
    /// # Errors
    /// A stream of GPUs that do not exist or are listed twice, a flow outside 0 to 1, a factor that is not physical.
    pub fn check(&self, gpus: u32) -> Result<(), String> {
        let mut listed = vec![false; gpus as usize];
        for gpu in self.streams.iter().flatten() {
            match listed.get_mut(*gpu as usize) {
                None => return Err(format!("`streams` lists GPU {gpu}, but GPUs are 0 to {}", gpus.saturating_sub(1))),
                Some(true) => return Err(format!("`streams` lists GPU {gpu} twice")),
                Some(seen) => *seen = true,
            }
        }
        let rising = self.settings.windows(2).all(|w| w[0] < w[1]);
        if self.settings.is_empty() || !rising || !self.settings.iter().all(|s| (STILL..=1.0).contains(s)) {
            return Err(format!(
                "`settings` must be rising parts of the full flow from {STILL} to 1, for example [0.4, 0.7, 1.0]"
            ));
        }
        match self.stream_w_per_k {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                return Err(format!("`stream_w_per_k` must be a positive number of W/K, found {rate}"));
            }
            None if self.streams.iter().any(|stream| stream.len() > 1) => {
                return Err(
                    "GPUs share a stream, so `stream_w_per_k` is needed: mass flow x heat capacity, for example 60.0"
                        .to_owned(),
                );
            }
            _ => {}
        }
        let fractions =
            [("conductance_exponent", self.conductance_exponent), ("distribution_loss", self.distribution_loss)];
        if let Some((key, value)) = fractions.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(format!("`{key}` must be from 0 to 1, found {value}"));
        }
        let powers = [("fan_power", self.fan_power), ("other_power", self.other_power)];
        if let Some((key, value)) = powers.iter().find(|(_, value)| !(value.get().is_finite() && value.get() >= 0.0)) {
            return Err(format!("`{key}` must not be negative, found {value}"));
        }
        if self.cop.is_some_and(|cop| !(cop.is_finite() && cop > 0.0)) {
            return Err(
                "`cop` must be positive: watts of heat moved by a watt of electricity, for example 4.0".to_owned()
            );
        }
        if let Some(control) = &self.control
            && control.lower_below >= control.raise_above
        {
            return Err("`control.lower_below` must be below `control.raise_above`".to_owned());
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if let Some(coolant) = &self.coolant
            && !(positive(coolant.capacity_j_per_k) && positive(coolant.exchanger_w_per_k))
        {
            return Err("`coolant.capacity_j_per_k` and `coolant.exchanger_w_per_k` must be positive".to_owned());
        }
        if self.period == SimDuration::ZERO {
            return Err("`period` must not be zero".to_owned());
        }
        Ok(())
    }
}

impl CoolantLoop {
    /// Temperature of the loop (degC) after `seconds` of `heat` (W) from `celsius`: the exact solution.
    ///
    /// ```
    /// use isotherm_core::{hardware::CoolantLoop, units::Celsius};
    /// let coolant = CoolantLoop { capacity_j_per_k: 1000.0, exchanger_w_per_k: 100.0, facility: Celsius::new(30.0) };
    /// // The steady state of 500 W is 5 K above the facility; one time constant covers 1 - 1/e of the way.
    /// let after = coolant.after(30.0, 500.0, 10.0);
    /// assert!((after - (30.0 + 5.0 * (1.0 - (-1.0_f64).exp()))).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn after(&self, celsius: f64, heat: f64, seconds: f64) -> f64 {
        let steady = self.facility.get() + heat / self.exchanger_w_per_k;
        steady + (celsius - steady) * libm::exp(-self.exchanger_w_per_k * seconds / self.capacity_j_per_k)
    }
}
