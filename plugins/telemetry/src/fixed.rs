//! `kind = "fixed"`: die temperatures that are given, one per GPU, and never change.

use isotherm_core::rng::{Domain, Stream};
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::Celsius;
use serde::{Deserialize, Serialize};

use crate::option::{check_period, fault};

/// Given die temperatures: the classic experiment, in which some GPUs are hot and stay hot.
///
/// Exists because it isolates a router's choice from the physics that its choice would change. Two forms, of which a
/// scenario uses one:
///
/// - `cold`, `hot_range`, `hot_gpus`: GPU g of `hot_gpus` is at `T_lo + u_g (T_hi - T_lo)` (degC) with `u_g` uniform in
///   (0, 1), drawn once per run from the stream (seed, sensor, g, "fixed hot temperature"); all others are at `cold`.
///   Naming one more hot GPU therefore changes no other GPU's temperature, and all routers of a seed meet the same
///   ones.
/// - `temperatures`: one per GPU, in order.
///
/// Samples carry the time of the poll: a temperature that never changes is true at every instant. Power is absent, for
/// nothing was measured. Runs are marked "fixed temperature", and the model's GPUs take these temperatures as theirs.
///
/// ```
/// use isotherm_core::telemetry::{Sample, TelemetrySpec, Truth};
/// use isotherm_core::time::SimTime;
/// use isotherm_core::units::Celsius;
/// use isotherm_telemetry::FixedSpec;
///
/// let mut spec = FixedSpec::hot_and_cold(Celsius::new(0.0), [Celsius::new(60.0), Celsius::new(80.0)], vec![2]);
/// let mut source = spec.build(3, 7)?;
/// let mut samples = [Sample::default(); 3];
/// source.sample(SimTime::ZERO, &[Truth::default(); 3], &mut samples)?;
/// assert_eq!(samples[0].temperature, Some(Celsius::new(0.0)));
/// assert!(samples[2].temperature.is_some_and(|t| t.get() > 60.0 && t.get() < 80.0));
///
/// spec.hot_gpus = Some(vec![3]);
/// assert!(spec.build(3, 7).err().unwrap().to_string().starts_with("`hot_gpus`: there is no GPU 3"));
/// # Ok::<(), isotherm_core::telemetry::TelemetryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedSpec {
    /// Time between two polls; matters only where a change of the scenario should be seen.
    #[serde(default = "default_period")]
    pub period: SimDuration,
    /// Temperature of every GPU that is not in `hot_gpus` (degC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<Celsius>,
    /// Lowest and highest temperature a hot GPU may draw (degC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_range: Option<[Celsius; 2]>,
    /// Indices of the hot GPUs, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_gpus: Option<Vec<u32>>,
    /// Temperature of every GPU, in order (degC); stands instead of the three above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperatures: Option<Vec<Celsius>>,
}

const fn default_period() -> SimDuration {
    SimDuration::from_millis(1000)
}

const COLDEST: Celsius = Celsius::new(-273.15);
const HOT_FORM: &str = "cold = \"0 degC\", hot_range = [\"60 degC\", \"80 degC\"], hot_gpus = [6, 7]";
const LIST_FORM: &str = "temperatures = [\"35 degC\", \"70 degC\"]";

impl FixedSpec {
    /// Hot GPUs in a cold cluster, polled every second.
    #[must_use]
    pub const fn hot_and_cold(cold: Celsius, hot_range: [Celsius; 2], hot_gpus: Vec<u32>) -> Self {
        Self {
            period: default_period(),
            cold: Some(cold),
            hot_range: Some(hot_range),
            hot_gpus: Some(hot_gpus),
            temperatures: None,
        }
    }

    /// One given temperature per GPU, polled every second.
    #[must_use]
    pub const fn listed(temperatures: Vec<Celsius>) -> Self {
        Self { period: default_period(), cold: None, hot_range: None, hot_gpus: None, temperatures: Some(temperatures) }
    }

    fn temperatures(&self, gpus: usize, seed: u64) -> Result<Vec<Celsius>, TelemetryError> {
        let Some(listed) = &self.temperatures else { return self.drawn(gpus, seed) };
        if self.cold.is_some() || self.hot_range.is_some() || self.hot_gpus.is_some() {
            return Err(fault(
                "temperatures",
                format!(
                    "given together with `cold`, `hot_range` or `hot_gpus`; expected one form: {LIST_FORM}, or {HOT_FORM}"
                ),
            ));
        }
        if listed.len() != gpus {
            return Err(fault(
                "temperatures",
                format!(
                    "{} given for {gpus} GPUs; expected one per GPU, for example {LIST_FORM} for two",
                    listed.len()
                ),
            ));
        }
        for temperature in listed {
            check_temperature("temperatures", *temperature)?;
        }
        Ok(listed.clone())
    }

    fn drawn(&self, gpus: usize, seed: u64) -> Result<Vec<Celsius>, TelemetryError> {
        let Some(cold) = self.cold else {
            return Err(fault("cold", format!("missing; expected {HOT_FORM}, or {LIST_FORM}")));
        };
        check_temperature("cold", cold)?;
        if self.hot_range.is_some() != self.hot_gpus.is_some() {
            let missing = if self.hot_range.is_none() { "hot_range" } else { "hot_gpus" };
            return Err(fault(
                missing,
                format!("missing; `hot_range` and `hot_gpus` go together, for example {HOT_FORM}"),
            ));
        }
        let mut temperatures = vec![cold; gpus];
        if let (Some(range), Some(hot)) = (self.hot_range, &self.hot_gpus) {
            draw_hot(range, hot, seed, &mut temperatures)?;
        }
        Ok(temperatures)
    }
}

/// Overwrites the entries of `hot` with temperatures drawn from `range`.
fn draw_hot(
    [low, high]: [Celsius; 2],
    hot: &[u32],
    seed: u64,
    temperatures: &mut [Celsius],
) -> Result<(), TelemetryError> {
    check_temperature("hot_range", low)?;
    check_temperature("hot_range", high)?;
    if low > high {
        return Err(fault(
            "hot_range",
            format!("{low} to {high} runs downwards; expected the lower end first: [\"{high}\", \"{low}\"]"),
        ));
    }
    let gpus = temperatures.len();
    for (position, &gpu) in hot.iter().enumerate() {
        if hot[..position].contains(&gpu) {
            return Err(fault(
                "hot_gpus",
                format!("names GPU {gpu} twice; expected every GPU once, for example [6, 7]"),
            ));
        }
        let Some(temperature) = temperatures.get_mut(gpu as usize) else {
            let last = gpus.saturating_sub(1);
            return Err(fault(
                "hot_gpus",
                format!("there is no GPU {gpu} among {gpus}; expected indices from 0 to {last}, for example [{last}]"),
            ));
        };
        let share = Stream::open(seed, Domain::Sensor, u64::from(gpu), "fixed hot temperature").uniform();
        *temperature = Celsius::new(low.get() + share * (high.get() - low.get()));
    }
    Ok(())
}

fn check_temperature(option: &'static str, temperature: Celsius) -> Result<(), TelemetryError> {
    // Written so that NaN, which only code can make, fails too.
    if temperature >= COLDEST && temperature.get().is_finite() {
        return Ok(());
    }
    Err(fault(option, format!("{temperature} is no temperature; expected {COLDEST} or more, for example \"35 degC\"")))
}

#[typetag::serde(name = "fixed")]
impl TelemetrySpec for FixedSpec {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        check_period(self.period)?;
        Ok(Box::new(Fixed { temperatures: self.temperatures(gpus, seed)? }))
    }

    fn prescribes_temperature(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<&'static str> {
        Some("fixed temperature")
    }
}

/// The source: it has no memory, and answers alike whatever is true.
#[derive(Debug)]
struct Fixed {
    temperatures: Vec<Celsius>,
}

impl TelemetrySource for Fixed {
    fn sample(&mut self, now: SimTime, _: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        for (sample, temperature) in out.iter_mut().zip(&self.temperatures) {
            *sample = Sample { taken_at: now, temperature: Some(*temperature), power: None };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn celsius(value: f64) -> Celsius {
        Celsius::new(value)
    }

    fn classic(hot_gpus: Vec<u32>) -> FixedSpec {
        FixedSpec::hot_and_cold(celsius(0.0), [celsius(60.0), celsius(80.0)], hot_gpus)
    }

    fn message(spec: &FixedSpec) -> String {
        spec.build(8, 1).err().unwrap().to_string()
    }

    #[test]
    fn hot_gpus_draw_once_from_the_range_and_the_rest_are_cold() {
        let temperatures = classic(vec![6, 7]).temperatures(8, 1).unwrap();
        assert_eq!(temperatures[..6], [celsius(0.0); 6]);
        assert!(temperatures[6..].iter().all(|t| t.get() > 60.0 && t.get() < 80.0));
        assert_ne!(temperatures[6], temperatures[7]);
        assert_ne!(temperatures[6], classic(vec![6, 7]).temperatures(8, 2).unwrap()[6]);
    }

    #[test]
    fn a_further_hot_gpu_changes_no_other() {
        let two = classic(vec![6, 7]).temperatures(8, 1).unwrap();
        let three = classic(vec![2, 7, 6]).temperatures(8, 1).unwrap();
        assert_eq!(two[3..], three[3..]);
    }

    #[test]
    fn hot_temperatures_fill_the_range_evenly() {
        let n = 4000;
        let drawn = classic((0..n).collect()).temperatures(n as usize, 3).unwrap();
        let mean = drawn.iter().map(|t| t.get()).sum::<f64>() / f64::from(n);
        // Five standard errors of the mean of a uniform deviate of width 20.
        assert!((mean - 70.0).abs() < 5.0 * 20.0 / 12_f64.sqrt() / f64::from(n).sqrt(), "{mean}");
    }

    #[test]
    fn cold_alone_and_no_hot_gpus_are_an_even_cluster() {
        let mut spec = classic(vec![]);
        assert_eq!(spec.temperatures(2, 1).unwrap(), [celsius(0.0); 2]);
        (spec.hot_range, spec.hot_gpus) = (None, None);
        assert_eq!(spec.temperatures(2, 1).unwrap(), [celsius(0.0); 2]);
    }

    #[test]
    fn faults_name_the_option_what_was_expected_and_an_example() {
        let cases = [
            (
                classic(vec![6, 8]),
                "`hot_gpus`: there is no GPU 8 among 8; expected indices from 0 to 7, for example [7]",
            ),
            (classic(vec![6, 6]), "`hot_gpus`: names GPU 6 twice; expected every GPU once, for example [6, 7]"),
            (
                FixedSpec { temperatures: Some(vec![celsius(1.0); 8]), ..classic(vec![6]) },
                "`temperatures`: given together with `cold`, `hot_range` or `hot_gpus`; expected one form: ",
            ),
            (
                FixedSpec::hot_and_cold(celsius(0.0), [celsius(80.0), celsius(60.0)], vec![6]),
                "`hot_range`: 80 degC to 60 degC runs downwards; expected the lower end first: [\"60 degC\", \"80 degC\"]",
            ),
            (
                FixedSpec::listed(vec![celsius(1.0); 3]),
                "`temperatures`: 3 given for 8 GPUs; expected one per GPU, for example temperatures = [",
            ),
            (FixedSpec { cold: None, ..classic(vec![6]) }, "`cold`: missing; expected cold = \"0 degC\", hot_range"),
            (FixedSpec { hot_range: None, ..classic(vec![6]) }, "`hot_range`: missing; "),
            (FixedSpec { hot_gpus: None, ..classic(vec![6]) }, "`hot_gpus`: missing; "),
            (
                FixedSpec::listed(vec![celsius(-300.0); 8]),
                "`temperatures`: -300 degC is no temperature; expected -273.15 degC or more, for example \"35 degC\"",
            ),
            (FixedSpec::listed(vec![celsius(f64::NAN); 8]), "`temperatures`: NaN degC is no temperature; "),
        ];
        for (spec, expected) in cases {
            let message = message(&spec);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn the_table_is_written_back_with_its_defaults() {
        let text = "temperatures = [\"35 degC\", \"70.5 degC\"]";
        let written = toml::to_string(&toml::from_str::<FixedSpec>(text).unwrap()).unwrap();
        assert_eq!(written, format!("period = \"1 s\"\n{text}\n"));
    }
}
