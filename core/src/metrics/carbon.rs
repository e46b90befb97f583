//! Carbon: how much of it a kilowatt-hour stands for, over time, and what a run's energy comes to.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::record::RunRecord;
use crate::time::{SimDuration, SimTime};

/// Joules in a kilowatt-hour.
const JOULES_PER_KWH: f64 = 3.6e6;

/// Carbon intensity of the electricity (g of CO2 per kWh) over the time of a run: steps, each from an instant on, the last one for ever.
///
/// In a scenario it is one number, or a list of pairs of instant and number.
///
/// ```
/// use isotherm_core::metrics::CarbonIntensity;
/// use isotherm_core::scenario::Compare;
/// use isotherm_core::time::SimTime;
/// let compare: Compare = toml::from_str("carbon_g_per_kwh = [[\"0 s\", 400.0], [\"1 h\", 250.0]]").unwrap();
/// let half_an_hour_each = (SimTime::from_nanos(1_800_000_000_000), SimTime::from_nanos(5_400_000_000_000));
/// assert_eq!(compare.carbon_g_per_kwh.unwrap().mean(half_an_hour_each.0, half_an_hour_each.1), 325.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CarbonIntensity {
    steps: Vec<(SimDuration, f64)>,
}

impl CarbonIntensity {
    /// The same intensity (g/kWh) all the time.
    #[must_use]
    pub fn constant(grams_per_kwh: f64) -> Self {
        Self { steps: vec![(SimDuration::ZERO, grams_per_kwh)] }
    }

    /// Mean intensity (g/kWh) over a stretch of time; of no time at all, the one that holds then.
    #[must_use]
    pub fn mean(&self, from: SimTime, until: SimTime) -> f64 {
        let ends = self.steps.iter().skip(1).map(|(at, _)| SimTime::ZERO + *at).chain([SimTime::MAX]);
        let mut sum = 0.0;
        for ((at, grams), end) in self.steps.iter().zip(ends) {
            let at = SimTime::ZERO + *at;
            let ends_here = if until > from { until <= end } else { from < end || end == SimTime::MAX };
            if at <= from && ends_here {
                // All of it within one step: the step's number, to the last bit.
                return *grams;
            }
            sum += grams * (until.min(end) - from.max(at)).seconds();
        }
        sum / (until - from).seconds()
    }

    /// What is wrong with these steps: the index of the step and a sentence.
    ///
    /// # Errors
    /// No step at all, a first one that is not at 0 s, instants that do not rise, an intensity below zero or beyond all numbers.
    pub fn check(&self) -> Result<(), (usize, String)> {
        if self.steps.first().is_none_or(|(at, _)| !at.is_zero()) {
            return Err((0, "the first intensity must hold from \"0 s\" on".to_owned()));
        }
        for (index, (at, grams)) in self.steps.iter().enumerate() {
            if index > 0 && *at <= self.steps[index - 1].0 {
                return Err((index, format!("{at} is not after {}", self.steps[index - 1].0)));
            }
            if !(0.0..=MOST_GRAMS).contains(grams) {
                return Err((index, format!("{grams} g of CO2 per kWh")));
            }
        }
        Ok(())
    }
}

/// No electricity is worse than this (g/kWh): lignite is near 1,200.
const MOST_GRAMS: f64 = 1e5;

/// Grams of CO2 of a run: the sum of energy x intensity. The energy is the facility's where a cooling is modelled, otherwise that of GPUs
/// and router.
///
/// The energy of a batch (its assignments and the router) is spread evenly from its dispatch to its end, everything else (idle, waiting,
/// leakage, cooling, losses) evenly over the run. Written as a deviation from the run's mean intensity, so that a constant intensity
/// gives intensity x energy exactly.
#[must_use]
pub fn grams(run: &RunRecord, intensity: &CarbonIntensity) -> f64 {
    let mean = intensity.mean(SimTime::ZERO, run.ended);
    let deviation: f64 = run
        .batches
        .iter()
        .map(|batch| batch.energy_joules * (intensity.mean(batch.dispatched, batch.finished) - mean))
        .sum();
    (mean * run.facility_joules().unwrap_or_else(|| run.energy_joules()) + deviation) / JOULES_PER_KWH
}

impl Serialize for CarbonIntensity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.steps[..] {
            [(SimDuration::ZERO, grams)] => serializer.serialize_f64(grams),
            _ => serializer.collect_seq(&self.steps),
        }
    }
}

impl<'de> Deserialize<'de> for CarbonIntensity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Steps;

        impl<'de> Visitor<'de> for Steps {
            type Value = CarbonIntensity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "grams of CO2 per kWh, such as 400.0, or a list such as [[\"0 s\", 400.0], [\"1 h\", 250.0]]",
                )
            }

            fn visit_f64<E: Error>(self, grams: f64) -> Result<Self::Value, E> {
                Ok(CarbonIntensity::constant(grams))
            }

            fn visit_i64<E: Error>(self, grams: i64) -> Result<Self::Value, E> {
                Ok(CarbonIntensity::constant(grams as f64))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut steps = Vec::new();
                while let Some(step) = list.next_element()? {
                    steps.push(step);
                }
                Ok(CarbonIntensity { steps })
            }
        }

        deserializer.deserialize_any(Steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchRecord, FacilityEnergy};
    use crate::scenario::Compare;

    fn at(seconds: u64) -> SimTime {
        SimTime::from_nanos(seconds * 1_000_000_000)
    }

    /// 400 g/kWh for 100 s, then 100 g/kWh for 100 s, then 700 g/kWh.
    fn steps() -> CarbonIntensity {
        let at = |seconds: u64| SimDuration::from_millis(1000 * seconds);
        CarbonIntensity { steps: vec![(at(0), 400.0), (at(100), 100.0), (at(200), 700.0)] }
    }

    fn run() -> RunRecord {
        let batch = |from, until, energy_joules| BatchRecord {
            dispatched: at(from),
            finished: at(until),
            energy_joules,
            ..BatchRecord::default()
        };
        RunRecord {
            batches: vec![batch(0, 50, 7.2e6), batch(50, 150, 3.6e6), batch(200, 250, 3.6e6)],
            idle_joules: 9e6,
            ended: at(250),
            ..RunRecord::default()
        }
    }

    #[test]
    fn means_over_time_by_hand() {
        let steps = steps();
        for (from, until, expected) in
            [(0, 100, 400.0), (50, 150, 250.0), (0, 250, 340.0), (150, 150, 100.0), (100, 100, 100.0), (99, 300, 409.7)]
        {
            // The last one: 1 s at 400, 100 s at 100, 100 s at 700, over 201 s.
            let expected = if until == 300 { (400.0 + 10_000.0 + 70_000.0) / 201.0 } else { expected };
            assert!((steps.mean(at(from), at(until)) - expected).abs() < 1e-12, "{from} to {until}");
        }
        assert_eq!(steps.mean(SimTime::MAX, SimTime::MAX), 700.0);
    }

    #[test]
    fn both_forms_survive_a_round_trip() {
        for intensity in [CarbonIntensity::constant(400.0), steps()] {
            let compare = Compare { carbon_g_per_kwh: Some(intensity), ..Compare::default() };
            let text = toml::to_string(&compare).unwrap();
            assert_eq!(toml::from_str(&text), Ok(compare), "{text}");
        }
        let whole: Compare = toml::from_str("carbon_g_per_kwh = 400").unwrap();
        assert_eq!(whole.carbon_g_per_kwh, Some(CarbonIntensity::constant(400.0)));
    }

    #[test]
    fn batches_count_in_their_time_and_the_rest_over_the_run() {
        // 2 kWh at 400, 1 kWh half at 400 and half at 100, 1 kWh at 700; 2.5 kWh at the run's mean of 340.
        let expected = 2.0 * 400.0 + 250.0 + 700.0 + 2.5 * 340.0;
        assert!((grams(&run(), &steps()) - expected).abs() < 1e-9, "{}", grams(&run(), &steps()));
    }

    #[test]
    fn a_constant_intensity_is_exact_and_the_facility_counts_where_it_is_known() {
        let run = run();
        assert_eq!(grams(&run, &CarbonIntensity::constant(400.0)), 400.0 * run.energy_joules() / 3.6e6);
        let facility = FacilityEnergy { fans: 1e6, chillers: 2e6, other: 3e6, distribution: 4e6, inlet_step: 0.0 };
        let run = RunRecord { facility: Some(facility), gpu_joules: 2e7, router_joules: 5e5, ..run };
        assert_eq!(grams(&run, &CarbonIntensity::constant(360.0)), 360.0 * 3.05e7 / 3.6e6);
    }
}
