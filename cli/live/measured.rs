//! What a meter's polls say of a stretch of time.

use serde::{Deserialize, Serialize};

use super::monitor::Row;

/// Half of the second that power readings are the mean of (ns): so much later does the reading speak of an instant.
const HALF_WINDOW: i64 = 500_000_000;

/// One GPU over a stretch of time. What could not be measured is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuMeasured {
    /// Energy by the counter, its steps interpolated to the ends of the stretch (J).
    pub counter_joules: Option<f64>,
    /// Energy by integrating the power readings, which are means of the last second: taken half a second later (J).
    pub integrated_joules: Option<f64>,
    /// Mean temperature of the die (degC).
    pub die_mean_degc: Option<f64>,
    /// Highest temperature of the die (degC).
    pub die_peak_degc: Option<f64>,
    /// Mean temperature of the memory (degC).
    pub memory_mean_degc: Option<f64>,
    /// Highest temperature of the memory (degC).
    pub memory_peak_degc: Option<f64>,
    /// Mean clock of the multiprocessors (MHz).
    pub mean_mhz: Option<f64>,
}

impl GpuMeasured {
    /// Measures from `from` to `until` (ns, Unix time). For the energies rows from a second before to a second after are needed.
    #[must_use]
    pub fn of(rows: &[Row], from: i64, until: i64) -> Self {
        let within = |row: &&Row| (from..=until).contains(&row.at);
        let all = |of: fn(&Row) -> Option<f64>| rows.iter().filter(within).filter_map(of);
        let steps = steps(rows);
        let counter = energy_at(&steps, until).zip(energy_at(&steps, from)).map(|(end, start)| end - start);
        Self {
            counter_joules: counter,
            integrated_joules: integral(rows, from + HALF_WINDOW, until + HALF_WINDOW),
            die_mean_degc: mean(all(|row| row.die)),
            die_peak_degc: all(|row| row.die).reduce(f64::max),
            memory_mean_degc: mean(all(|row| row.memory)),
            memory_peak_degc: all(|row| row.memory).reduce(f64::max),
            mean_mhz: mean(all(|row| row.mhz)),
        }
    }

    /// Energy by the counter, else by the power readings (J).
    #[must_use]
    pub fn joules(&self) -> Option<f64> {
        self.counter_joules.or(self.integrated_joules)
    }
}

/// Steps of the energy counter: when it was seen to change, and what to. A counter that went back began anew: only what came after counts.
fn steps(rows: &[Row]) -> Vec<(i64, f64)> {
    let mut steps: Vec<(i64, f64)> = Vec::new();
    for (at, joules) in rows.iter().filter_map(|row| row.energy) {
        match steps.last() {
            Some((_, last)) if *last == joules => {}
            Some((_, last)) if *last > joules => steps = vec![(at, joules)],
            _ => steps.push((at, joules)),
        }
    }
    steps
}

/// The counter at an instant, between two of its steps; `None` outside of them.
fn energy_at(steps: &[(i64, f64)], at: i64) -> Option<f64> {
    let after = steps.partition_point(|(step, _)| *step <= at);
    let (before, joules) = *steps.get(after.checked_sub(1)?)?;
    if before == at {
        return Some(joules);
    }
    let (next, more) = *steps.get(after)?;
    Some(joules + (more - joules) * (at - before) as f64 / (next - before) as f64)
}

/// Power over time from `from` to `until`, each reading holding until the next (J).
fn integral(rows: &[Row], from: i64, until: i64) -> Option<f64> {
    let mut known = rows.iter().filter_map(|row| Some((row.at, row.watts?))).peekable();
    let mut sum = None;
    while let Some((at, watts)) = known.next() {
        let next = known.peek().map_or(at, |(next, _)| *next);
        let seconds = (next.min(until) - at.max(from)) as f64 * 1e-9;
        if seconds > 0.0 {
            *sum.get_or_insert(0.0) += watts * seconds;
        }
    }
    sum
}

/// Mean power over the last `window` (ns) up to `until` (W): by the counter where it has steps enough, else of the readings.
#[must_use]
pub fn mean_watts(rows: &[Row], from: i64, until: i64) -> Option<f64> {
    let inside: Vec<(i64, f64)> = steps(rows).into_iter().filter(|(at, _)| (from..=until).contains(at)).collect();
    if let (Some((start, first)), Some((end, last))) = (inside.first(), inside.last())
        && end - start > (until - from) / 2
    {
        return Some((last - first) / ((end - start) as f64 * 1e-9));
    }
    mean(rows.iter().filter(|row| (from..=until).contains(&row.at)).filter_map(|row| row.watts))
}

/// Mean of numbers; `None` of none.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, number) = values.fold((0.0, 0_u32), |(sum, number), value| (sum + value, number + 1));
    (number > 0).then(|| sum / f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter that steps every 100 ms at 300 W, seen by a poll every 20 ms.
    fn rows() -> Vec<Row> {
        let row = |n: i64| {
            let step = n / 5 * 100_000_000;
            let (at, watts) = (n * 20_000_000, Some(300.0));
            Row { at, watts, die: Some(40.0 + n as f64), energy: Some((step, step as f64 * 3e-7)), ..Row::default() }
        };
        (0..200).map(row).collect()
    }

    #[test]
    fn energy_is_interpolated_between_the_steps_of_the_counter() {
        let measured = GpuMeasured::of(&rows(), 1_050_000_000, 2_030_000_000);
        assert!((measured.counter_joules.unwrap() - 0.98 * 300.0).abs() < 1e-9, "{measured:?}");
        assert!((measured.integrated_joules.unwrap() - 0.98 * 300.0).abs() < 1e-9);
        assert_eq!((measured.die_peak_degc, measured.mean_mhz), (Some(141.0), None), "nothing is filled in");
        assert!((mean_watts(&rows(), 1_000_000_000, 2_000_000_000).unwrap() - 300.0).abs() < 1e-9);
    }

    #[test]
    fn outside_of_its_steps_nothing_is_known_of_the_counter() {
        let late = GpuMeasured::of(&rows(), 3_000_000_000, 4_500_000_000);
        assert_eq!(late.counter_joules, None);
        let mut reset = rows();
        reset[150..].iter_mut().for_each(|row| row.energy = row.energy.map(|(at, joules)| (at, joules - 800.0)));
        assert_eq!(
            GpuMeasured::of(&reset, 1_000_000_000, 3_500_000_000).counter_joules,
            None,
            "its driver was loaded anew"
        );
        assert!(GpuMeasured::of(&reset, 3_200_000_000, 3_500_000_000).counter_joules.is_some());
    }
}
