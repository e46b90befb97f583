//! `kind = "synthetic"`: the model's own state seen through a sensor.

mod beat;
mod energy;
mod gpu;
mod source;

use isotherm_core::hardware::{Hardware, PowerSignal, Rounding, Sensor};
use isotherm_core::telemetry::{TelemetryError, TelemetrySource, TelemetrySpec};
use isotherm_core::time::SimDuration;
use isotherm_core::units::{Joules, TempDelta};
use serde::{Deserialize, Serialize};

use crate::option::{check_period, fault};
use source::Synthetic;

/// A sensor in front of the simulated GPUs: what a router could know where the truth is the model's.
///
/// Exists because a router fed with exact and instant values is a router nobody can build. The sensor takes new values at every multiple of
/// `refresh`; whoever reads it does so at every multiple of `period` and finds what was taken last, with the instant at which it was taken. A
/// refresh does the following for every GPU, in this order:
///
/// 1. lag: `y += (x - y) (1 - exp(-dt / lag))` with `x` the true die temperature (degC) and `dt` the time since the last refresh (s), which is the
///    exact response of a first-order sensor to an `x` held since then. The first refresh finds the sensor settled (`y = x`), and `lag = 0` keeps
///    `y = x`.
/// 2. noise: `z = y + noise * n`, with `n` a standard normal deviate of the stream (seed, sensor, GPU, "synthetic noise"). The noise is the
///    reading's; it does not enter the lag.
/// 3. resolution: `z` to a whole multiple of `resolution` counted from 0 degC, the nearest or the next below; `resolution = "0 K"` keeps `z`.
/// 4. power: the mean over the window of its [`PowerSignal`], a difference of the true energy at two instants. Before the run a GPU drew what it
///    draws at its start.
/// 5. drop-out: with probability `dropouts`, by a uniform deviate of the stream (seed, sensor, GPU, "synthetic drop-outs"), the new values are
///    lost: the old ones stay, and grow old. The first are never lost.
///
/// Each refresh takes one deviate of both streams per GPU, whatever the options are: two runs that differ only in `noise` see the same deviates,
/// scaled, and two that differ only in `dropouts` see the same values wherever both see one.
///
/// The source asks for the truth at refreshes, at starts of windows, at advances of the counter and when it is read ([`TelemetrySource::next_poll`]). If
/// it is told at other instants, it takes the first at or after a refresh for that refresh, and takes energy to grow evenly in between.
///
/// A temperature, power or energy that the model does not know (not a finite number) is absent. Options that are not set come from the `[sensor]`
/// section of the hardware's profile, else from [`Sensor::default`].
///
/// ```
/// use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySpec, Truth};
/// use isotherm_core::time::SimTime;
/// use isotherm_core::units::{Celsius, Joules, Watts};
/// use isotherm_telemetry::SyntheticSpec;
///
/// let mut source = SyntheticSpec::default().build(1, 7)?;
/// let mut samples = [Sample::default()];
/// let mut read = |ms: u64, temperature, power, energy| {
///     let truth = [Truth {
///         temperature: Celsius::new(temperature),
///         power: Watts::new(power),
///         energy: Joules::new(energy),
///     }];
///     source.sample(SimTime::from_nanos(ms * 1_000_000), &truth, &mut samples)?;
///     Ok::<_, TelemetryError>((samples[0].temperature, samples[0].power))
/// };
/// // Idle at 100 W until 0 s, then 600 W.
/// assert_eq!(read(0, 40.0, 100.0, 0.0)?, (Some(Celsius::new(40.0)), Some(Watts::new(100.0))));
/// assert_eq!(read(500, 64.4, 600.0, 300.0)?, (Some(Celsius::new(64.0)), Some(Watts::new(350.0))), "half way");
/// # Ok::<(), TelemetryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticSpec {
    /// Time between two readings; `refresh` where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<SimDuration>,
    /// Standard deviation of a temperature (K).
    pub noise: TempDelta,
    /// Probability that a refresh is lost.
    pub dropouts: f64,
    /// [`Sensor::refresh`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<SimDuration>,
    /// [`Sensor::lag`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<SimDuration>,
    /// [`Sensor::resolution`] (K).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<TempDelta>,
    /// [`Sensor::rounding`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// [`Sensor::power`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerSignal>,
    /// [`Sensor::power_window`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_window: Option<SimDuration>,
    /// [`Sensor::instant_window`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instant_window: Option<SimDuration>,
    /// [`Sensor::counter_tick`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter_tick: Option<SimDuration>,
    /// [`Sensor::counter_step`] (J).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counter_step: Option<Joules>,
}

impl SyntheticSpec {
    /// The sensor in force: what is set here, and `base` for the rest.
    #[must_use]
    pub fn over(&self, base: &Sensor) -> Sensor {
        Sensor {
            refresh: self.refresh.unwrap_or(base.refresh),
            lag: self.lag.unwrap_or(base.lag),
            resolution: self.resolution.unwrap_or(base.resolution),
            rounding: self.rounding.unwrap_or(base.rounding),
            power: self.power.unwrap_or(base.power),
            power_window: self.power_window.unwrap_or(base.power_window),
            instant_window: self.instant_window.unwrap_or(base.instant_window),
            counter_tick: self.counter_tick.unwrap_or(base.counter_tick),
            counter_step: self.counter_step.unwrap_or(base.counter_step),
        }
    }

    /// Sets everything that a sensor is.
    fn set(&mut self, sensor: &Sensor) {
        self.refresh = Some(sensor.refresh);
        self.lag = Some(sensor.lag);
        self.resolution = Some(sensor.resolution);
        self.rounding = Some(sensor.rounding);
        self.power = Some(sensor.power);
        self.power_window = Some(sensor.power_window);
        self.instant_window = Some(sensor.instant_window);
        self.counter_tick = Some(sensor.counter_tick);
        self.counter_step = Some(sensor.counter_step);
    }
}

#[typetag::serde(name = "synthetic")]
impl TelemetrySpec for SyntheticSpec {
    fn period(&self) -> SimDuration {
        self.period.or(self.refresh).unwrap_or(Sensor::default().refresh)
    }

    fn for_hardware(&mut self, hardware: &Hardware) {
        let profile = hardware.profile.as_ref().and_then(|profile| profile.sensor.clone());
        self.set(&self.over(&profile.unwrap_or_default()));
        self.period = Some(self.period());
    }

    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        check_period(self.period())?;
        let sensor = self.over(&Sensor::default());
        sensor.check().map_err(|(key, message)| fault(key, message))?;
        // Written so that NaN, which only code can make, fails too.
        if !(self.noise.get() >= 0.0 && self.noise.get().is_finite()) {
            let expected = "expected \"0 K\" or more, for example \"0.5 K\"";
            return Err(fault("noise", format!("{} is not allowed; {expected}", self.noise)));
        }
        if !(0.0..=1.0).contains(&self.dropouts) {
            let expected = "expected a probability from 0 to 1, for example 0.01";
            return Err(fault("dropouts", format!("{} is not allowed; {expected}", self.dropouts)));
        }
        Ok(Box::new(Synthetic::new(self, sensor, gpus, seed)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use isotherm_core::hardware::DeviceProfile;

    use super::*;

    const PROFILE: &str = "name = \"A\"\nidle_power = \"60 W\"\nambient = \"30 degC\"\n\
        [[node]]\nname = \"die\"\ncapacity_j_per_k = 5.0\nheat_share = 1.0\nambient_w_per_k = 20.0\n\
        [sensor]\nrefresh = \"50 ms\"\npower = \"instant\"\nresolution = \"0.5 K\"\n";

    fn hardware(profile: &str) -> Hardware {
        let profile: DeviceProfile = toml::from_str(profile).unwrap();
        assert_eq!(profile.check(), Ok(()));
        Hardware { profile: Some(profile), ..Hardware::of_gpus(1) }
    }

    fn resolved(text: &str, hardware: &Hardware) -> String {
        let mut spec: Box<dyn TelemetrySpec> = toml::from_str(&format!("kind = \"synthetic\"\n{text}")).unwrap();
        spec.for_hardware(hardware);
        toml::to_string(&spec).unwrap()
    }

    #[test]
    fn what_a_scenario_leaves_open_is_the_profiles_and_else_that_of_nvml() {
        let plain = resolved("", &Hardware::of_gpus(1));
        let expected = "kind = \"synthetic\"\nperiod = \"100 ms\"\nnoise = \"0 K\"\ndropouts = 0.0\nrefresh = \"100 ms\"\n\
            lag = \"0 s\"\nresolution = \"1 K\"\nrounding = \"nearest\"\npower = \"mean\"\npower_window = \"1 s\"\n\
            instant_window = \"25 ms\"\ncounter_tick = \"100 ms\"\ncounter_step = \"0.001 J\"\n";
        assert_eq!(plain, expected);
        let of_profile = resolved("", &hardware(PROFILE));
        for line in ["period = \"50 ms\"", "refresh = \"50 ms\"", "power = \"instant\"", "resolution = \"0.5 K\""] {
            assert!(of_profile.contains(&format!("\n{line}\n")), "{line}\n{of_profile}");
        }
        let own = resolved("resolution = \"1 K\"\nperiod = \"70 ms\"\n", &hardware(PROFILE));
        for line in ["period = \"70 ms\"", "refresh = \"50 ms\"", "power = \"instant\"", "resolution = \"1 K\""] {
            assert!(own.contains(&format!("\n{line}\n")), "{line}\n{own}");
        }
        assert_eq!(resolved(own.trim_start_matches("kind = \"synthetic\"\n"), &hardware(PROFILE)), own);
    }

    #[test]
    fn options_that_no_sensor_can_have_are_refused() {
        let refused = |spec: SyntheticSpec| spec.build(1, 1).err().unwrap().to_string();
        let default = SyntheticSpec::default;
        assert_eq!(
            refused(SyntheticSpec { resolution: Some(TempDelta::new(-1.0)), ..default() }),
            "`resolution`: -1 K is not allowed; expected \"0 K\" or more, for example \"1 K\""
        );
        assert!(refused(SyntheticSpec { noise: TempDelta::new(-1.0), ..default() }).starts_with("`noise`: -1 K"));
        for dropouts in [-0.1, 1.1, f64::NAN] {
            assert!(refused(SyntheticSpec { dropouts, ..default() }).starts_with("`dropouts`: "), "{dropouts}");
        }
        let fast = Some(SimDuration::from_millis(10));
        assert_eq!(
            refused(SyntheticSpec { refresh: fast, ..default() }),
            "`instant_window`: 25 ms is too long; expected a part of the time between two refreshes, at most \"10 ms\""
        );
    }
}
