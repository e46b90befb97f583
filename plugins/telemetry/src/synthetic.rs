//! `kind = "synthetic"`: the model's own state seen through a sensor.

use isotherm_core::rng::{Domain, Stream};
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, TempDelta};
use serde::{Deserialize, Serialize};

use crate::option::{check_period, fault};

/// A sensor in front of the simulated GPUs: what a router could know where the truth is the model's.
///
/// Exists because a router fed with exact and instant temperatures is a router nobody can build. At every poll and for
/// every GPU, in this order:
///
/// 1. lag: `y += (x - y) (1 - exp(-dt / lag))` with `x` the true die temperature (degC) and `dt` the time since the
///    last reading (s), which is the exact response of a first-order sensor to an `x` held since then. The first
///    reading finds the sensor settled (`y = x`), and `lag = 0` keeps `y = x`.
/// 2. noise: `z = y + noise * n`, with `n` a standard normal deviate of the stream (seed, sensor, GPU, "synthetic
///    noise"). Each poll takes one deviate per GPU, whether or not there is something to read and whatever `noise` is:
///    two runs that differ only in `noise` see the same deviates, scaled. The noise is the reading's; it does not enter
///    the lag.
/// 3. resolution: `z` to the nearest whole multiple of `resolution` counted from 0 degC, halves away from zero, as NVML
///    reports whole degrees; `resolution = "0 K"` keeps `z`.
///
/// Power passes through exactly. A temperature or power that the model does not know (not a finite number) is absent.
/// Samples carry the time of the poll; like a real sensor this one does not tell how old the heat is that it shows.
///
/// ```
/// use isotherm_core::telemetry::{Sample, TelemetrySpec, Truth};
/// use isotherm_core::time::SimTime;
/// use isotherm_core::units::{Celsius, Watts};
/// use isotherm_telemetry::SyntheticSpec;
///
/// let mut source = SyntheticSpec::default().build(1, 7)?;
/// let truth = [Truth { temperature: Celsius::new(64.4), power: Watts::new(690.25) }];
/// let mut samples = [Sample::default()];
/// source.sample(SimTime::ZERO, &truth, &mut samples)?;
/// assert_eq!(samples[0].temperature, Some(Celsius::new(64.0)), "whole degrees");
/// assert_eq!(samples[0].power, Some(Watts::new(690.25)));
/// # Ok::<(), isotherm_core::telemetry::TelemetryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticSpec {
    /// Time between two polls.
    pub period: SimDuration,
    /// Time constant of the sensor; zero for one that follows at once.
    pub lag: SimDuration,
    /// Step of the reported temperature (K); zero for none.
    pub resolution: TempDelta,
    /// Standard deviation of a reading (K).
    pub noise: TempDelta,
}

impl Default for SyntheticSpec {
    /// As NVML reads an H200: refreshed about every 100 ms, in whole degrees.
    fn default() -> Self {
        Self {
            period: SimDuration::from_millis(100),
            lag: SimDuration::ZERO,
            resolution: TempDelta::new(1.0),
            noise: TempDelta::new(0.0),
        }
    }
}

#[typetag::serde(name = "synthetic")]
impl TelemetrySpec for SyntheticSpec {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        check_period(self.period)?;
        check_not_negative("resolution", self.resolution, "1 K")?;
        check_not_negative("noise", self.noise, "0.5 K")?;
        let sensors = (0..gpus as u64)
            .map(|gpu| Sensor { level: None, noise: Stream::open(seed, Domain::Sensor, gpu, "synthetic noise") })
            .collect();
        Ok(Box::new(Synthetic { spec: self.clone(), sensors }))
    }
}

fn check_not_negative(option: &'static str, value: TempDelta, example: &str) -> Result<(), TelemetryError> {
    // Written so that NaN, which only code can make, fails too.
    if value >= TempDelta::default() && value.get().is_finite() {
        return Ok(());
    }
    Err(fault(option, format!("{value} is not allowed; expected \"0 K\" or more, for example \"{example}\"")))
}

/// The source: one sensor per GPU, and their memory is all of its state.
#[derive(Debug)]
struct Synthetic {
    spec: SyntheticSpec,
    sensors: Vec<Sensor>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sensor {
    /// When the sensor last had something to read, and what it then stood at (degC).
    level: Option<(SimTime, f64)>,
    noise: Stream,
}

impl Sensor {
    /// What the sensor shows of `truth` at `now` (degC).
    fn read(&mut self, now: SimTime, truth: f64, spec: &SyntheticSpec) -> Option<Celsius> {
        let deviate = self.noise.normal();
        if !truth.is_finite() {
            return None;
        }
        let level = match self.level {
            Some((then, level)) if !spec.lag.is_zero() => {
                let elapsed = (now - then).seconds() / spec.lag.seconds();
                // 1 - exp(-x), without the cancellation at small x.
                level + (truth - level) * -libm::expm1(-elapsed)
            }
            _ => truth,
        };
        self.level = Some((now, level));
        let shown = quantised(level + spec.noise.get() * deviate, spec.resolution.get());
        shown.is_finite().then_some(Celsius::new(shown))
    }
}

/// `value` as the nearest multiple of `step`, halves away from zero; a step of zero changes nothing.
fn quantised(value: f64, step: f64) -> f64 {
    // Adding zero turns -0 into 0, which is the same number and reads better in a table.
    if step > 0.0 { (value / step).round() * step + 0.0 } else { value }
}

impl TelemetrySource for Synthetic {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        for ((sensor, truth), sample) in self.sensors.iter_mut().zip(truth).zip(out) {
            *sample = Sample {
                taken_at: now,
                temperature: sensor.read(now, truth.temperature.get(), &self.spec),
                power: truth.power.get().is_finite().then_some(truth.power),
            };
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.sensors).expect("plain data serialises into memory")
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        let broken = |what: String| TelemetryError::State(format!("not the state of this synthetic sensor: {what}"));
        let (sensors, rest) = postcard::take_from_bytes::<Vec<Sensor>>(state).map_err(|e| broken(e.to_string()))?;
        if !rest.is_empty() {
            return Err(broken(format!("{} bytes are left over", rest.len())));
        }
        if sensors.len() != self.sensors.len() {
            return Err(broken(format!("it has {} GPUs, the run has {}", sensors.len(), self.sensors.len())));
        }
        let same_streams = sensors.iter().zip(&self.sensors).all(|(a, b)| a.noise.key() == b.noise.key());
        if !same_streams {
            return Err(broken("it was saved under another seed".to_owned()));
        }
        if sensors.iter().filter_map(|sensor| sensor.level).any(|(_, level)| !level.is_finite()) {
            return Err(broken("a temperature in it is not a finite number".to_owned()));
        }
        self.sensors = sensors;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use isotherm_core::units::Watts;

    use super::*;

    /// A sensor without steps, for tests of the other stages.
    fn exact() -> SyntheticSpec {
        SyntheticSpec { resolution: TempDelta::new(0.0), ..SyntheticSpec::default() }
    }

    /// What one GPU at `temperatures` (degC), polled every 100 ms, reads.
    fn readings(spec: &SyntheticSpec, seed: u64, temperatures: &[f64]) -> Vec<Option<f64>> {
        let mut source = spec.build(1, seed).unwrap();
        let mut out = [Sample::default()];
        (temperatures.iter().enumerate())
            .map(|(poll, t)| {
                let now = SimTime::from_nanos(poll as u64 * 100_000_000);
                let truth = Truth { temperature: Celsius::new(*t), power: Watts::new(1.0) };
                source.sample(now, &[truth], &mut out).unwrap();
                out[0].temperature.map(Celsius::get)
            })
            .collect()
    }

    #[test]
    fn lag_is_the_step_response_of_a_first_order_sensor() {
        let spec = SyntheticSpec { lag: SimDuration::from_millis(450), ..exact() };
        let mut truth = vec![30.0];
        truth.extend([80.0; 40]);
        for (poll, reading) in readings(&spec, 1, &truth).into_iter().enumerate() {
            let expected = 80.0 - 50.0 * (-(poll as f64) * 0.1 / 0.45).exp();
            assert!((reading.unwrap() - expected).abs() < 1e-9, "{poll}: {reading:?} {expected}");
        }
    }

    #[test]
    fn lag_does_not_depend_on_how_often_a_constant_truth_is_read() {
        let spec = SyntheticSpec { lag: SimDuration::from_millis(450), ..exact() };
        let level = |polls: &[u64]| {
            let mut source = spec.build(1, 1).unwrap();
            let mut out = [Sample::default()];
            for (first, ms) in polls.iter().enumerate().map(|(index, ms)| (index == 0, *ms)) {
                let temperature = Celsius::new(if first { 30.0 } else { 80.0 });
                let truth = [Truth { temperature, power: Watts::default() }];
                source.sample(SimTime::from_nanos(ms * 1_000_000), &truth, &mut out).unwrap();
            }
            out[0].temperature.unwrap().get()
        };
        assert!((level(&[0, 1000]) - level(&[0, 1, 10, 10, 300, 999, 1000])).abs() < 1e-9);
    }

    #[test]
    fn readings_are_whole_degrees_unless_told_otherwise() {
        let truth = [64.4, 64.5, -0.5, 71.26];
        assert_eq!(readings(&SyntheticSpec::default(), 1, &truth), [64.0, 65.0, -1.0, 71.0].map(Some));
        let quarter = SyntheticSpec { resolution: TempDelta::new(0.25), ..SyntheticSpec::default() };
        assert_eq!(readings(&quarter, 1, &truth), [64.5, 64.5, -0.5, 71.25].map(Some));
        assert_eq!(readings(&exact(), 1, &truth), truth.map(Some));
    }

    #[test]
    fn noise_has_the_given_deviation_and_scales_the_same_deviates() {
        let noise = |kelvin| SyntheticSpec { noise: TempDelta::new(kelvin), ..exact() };
        let n = 20_000;
        let truth = vec![50.0; n];
        let small: Vec<f64> = readings(&noise(0.5), 1, &truth).into_iter().map(|r| r.unwrap() - 50.0).collect();
        let large: Vec<f64> = readings(&noise(2.0), 1, &truth).into_iter().map(|r| r.unwrap() - 50.0).collect();
        assert!(small.iter().zip(&large).all(|(a, b)| (4.0 * a - b).abs() < 1e-9));
        let mean = small.iter().sum::<f64>() / n as f64;
        let deviation = (small.iter().map(|x| x * x).sum::<f64>() / n as f64).sqrt();
        // Five standard errors: s / sqrt(n) of a mean, s / sqrt(2 n) of a standard deviation.
        assert!(mean.abs() < 5.0 * 0.5 / (n as f64).sqrt(), "{mean}");
        assert!((deviation - 0.5).abs() < 5.0 * 0.5 / (2.0 * n as f64).sqrt(), "{deviation}");
        assert_ne!(readings(&noise(0.5), 2, &truth[..1]), readings(&noise(0.5), 1, &truth[..1]));
    }

    #[test]
    fn what_the_model_does_not_know_is_absent_and_moves_nothing_else() {
        let spec = SyntheticSpec { noise: TempDelta::new(1.0), ..exact() };
        let whole = readings(&spec, 1, &[50.0, 50.0, 50.0]);
        let gap = readings(&spec, 1, &[50.0, f64::NAN, 50.0]);
        assert_eq!(gap, [whole[0], None, whole[2]]);

        let mut source = spec.build(1, 1).unwrap();
        let mut out = [Sample { power: Some(Watts::new(9.0)), ..Sample::default() }];
        let truth = [Truth { temperature: Celsius::new(50.0), power: Watts::new(f64::NAN) }];
        source.sample(SimTime::ZERO, &truth, &mut out).unwrap();
        assert_eq!(out[0].power, None);
    }

    #[test]
    fn negative_options_are_refused() {
        let refused = |spec: SyntheticSpec| spec.build(1, 1).err().unwrap().to_string();
        assert_eq!(
            refused(SyntheticSpec { resolution: TempDelta::new(-1.0), ..exact() }),
            "`resolution`: -1 K is not allowed; expected \"0 K\" or more, for example \"1 K\""
        );
        assert!(refused(SyntheticSpec { noise: TempDelta::new(-1.0), ..exact() }).starts_with("`noise`: -1 K"));
    }

    #[test]
    fn a_state_of_another_run_is_refused_and_changes_nothing() {
        let spec = SyntheticSpec::default();
        let saved = spec.build(2, 1).unwrap().save();
        let mut source = spec.build(2, 1).unwrap();
        assert!(source.load(&saved).is_ok());
        let mut longer = saved.clone();
        longer.push(0);
        let others = [spec.build(3, 1).unwrap().save(), spec.build(2, 9).unwrap().save(), longer, vec![]];
        for other in others {
            assert!(matches!(source.load(&other), Err(TelemetryError::State(_))));
            assert_eq!(source.save(), saved);
        }
    }

    #[test]
    fn the_table_is_written_back_with_its_defaults() {
        let written = toml::to_string(&toml::from_str::<SyntheticSpec>("noise = \"0.5 K\"").unwrap()).unwrap();
        assert_eq!(written, "period = \"100 ms\"\nlag = \"0 s\"\nresolution = \"1 K\"\nnoise = \"0.5 K\"\n");
    }
}
