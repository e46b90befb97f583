//! What a simulated device shows, as a reading.

use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Hertz, Joules, Watts};
use isotherm_recording::{DeviceFacts, Entry, Missing, Reading, Signal};

/// The state of a simulated device, as far as the model has it. What is absent has no row on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shown {
    /// Temperature of the die.
    pub temperature: Option<Celsius>,
    /// Temperature of the memory.
    pub memory_temperature: Option<Celsius>,
    /// Electrical power.
    pub power: Option<Watts>,
    /// Electrical energy since the start of the run.
    pub energy: Option<Joules>,
    /// Clock of the multiprocessors.
    pub clock: Option<Hertz>,
    /// Share of time in which it worked, 0 to 1.
    pub utilisation: Option<f64>,
    /// Power limit in force.
    pub power_limit: Option<Watts>,
}

impl From<Sample> for Shown {
    fn from(sample: Sample) -> Self {
        Self { temperature: sample.temperature, power: sample.power, ..Self::default() }
    }
}

/// The facts of simulated device `index` of a product.
#[must_use]
pub fn facts(index: u32, product: &str) -> DeviceFacts {
    DeviceFacts { index, name: product.to_owned(), ..DeviceFacts::default() }
}

/// The reading of simulated device `index` at `now`, in the whole units that a driver would give. Time 0 of the run is 1970 here.
///
/// What is no number, or beyond any driver's integer, is missing.
///
/// ```
/// use isotherm_core::time::SimTime;
/// use isotherm_core::units::{Celsius, Watts};
/// use isotherm_recording::Signal;
/// use isotherm_telemetry::exposition::simulated::{Shown, reading};
///
/// let shown = Shown { temperature: Some(Celsius::new(61.4)), power: Some(Watts::new(512.25)), ..Shown::default() };
/// let reading = reading(3, SimTime::from_nanos(5), &shown);
/// assert_eq!(reading.value(Signal::Temperature), Some(61));
/// assert_eq!(reading.value(Signal::Power), Some(512_250));
/// assert_eq!(reading.value(Signal::SmClock), None, "nothing is filled in");
/// ```
#[must_use]
pub fn reading(index: u32, now: SimTime, shown: &Shown) -> Reading {
    let instant = i64::try_from(now.nanos()).unwrap_or(i64::MAX);
    let mut reading = Reading { device: index, begun: instant, ended: instant, ..Reading::default() };
    let values = [
        (Signal::Temperature, shown.temperature.map(Celsius::get)),
        (Signal::MemoryTemperature, shown.memory_temperature.map(Celsius::get)),
        (Signal::Power, shown.power.map(|power| power.get() * 1e3)),
        (Signal::Energy, shown.energy.map(|energy| energy.get() * 1e3)),
        (Signal::SmClock, shown.clock.map(|clock| clock.get() / 1e6)),
        (Signal::Utilisation, shown.utilisation.map(|share| share * 1e2)),
        (Signal::PowerLimit, shown.power_limit.map(|limit| limit.get() * 1e3)),
    ];
    for (signal, value) in values {
        let Some(value) = value else { continue };
        let value = value.round();
        let entry = if value.abs() < i64::MAX as f64 {
            Entry::Value { value: value as i64, changed: instant }
        } else {
            Entry::Missing(Missing::Invalid)
        };
        reading.set(signal, entry);
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_is_in_the_unit_of_its_signal() {
        let shown = Shown {
            temperature: Some(Celsius::new(-0.6)),
            memory_temperature: Some(Celsius::new(71.5)),
            power: Some(Watts::new(0.0004)),
            energy: Some(Joules::new(12_345.678_4)),
            clock: Some(Hertz::new(1.98e9)),
            utilisation: Some(0.994),
            power_limit: Some(Watts::new(700.0)),
        };
        let reading = reading(0, SimTime::ZERO, &shown);
        let values: Vec<_> =
            Signal::ALL.into_iter().filter_map(|signal| Some((signal, reading.value(signal)?))).collect();
        assert_eq!(
            values,
            [
                (Signal::Power, 0),
                (Signal::Energy, 12_345_678),
                (Signal::Temperature, -1),
                (Signal::MemoryTemperature, 72),
                (Signal::SmClock, 1980),
                (Signal::Utilisation, 99),
                (Signal::PowerLimit, 700_000),
            ]
        );
    }

    #[test]
    fn what_is_no_number_is_missing() {
        for value in [f64::NAN, f64::INFINITY, 1e300] {
            let shown = Shown { power: Some(Watts::new(value)), ..Shown::default() };
            let reading = reading(0, SimTime::MAX, &shown);
            assert_eq!(reading.get(Signal::Power), Entry::Missing(Missing::Invalid));
        }
    }

    #[test]
    fn a_sample_shows_what_it_has() {
        let sample = Sample { power: Some(Watts::new(1.0)), ..Sample::default() };
        assert_eq!(Shown::from(sample), Shown { power: Some(Watts::new(1.0)), ..Shown::default() });
    }
}
