//! What the page draws over time, and how it comes out of a row of the series.

use serde::Serialize;

use crate::results::{BatchRow, Column, Scenario};

/// A plot of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    /// Name in the data block.
    pub(super) name: &'static str,
    /// Title of the plot.
    pub(super) title: &'static str,
    /// Unit; `%` for shares.
    pub(super) unit: &'static str,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The column itself.
    Value(Column),
    /// From arrival to end.
    Latency,
    /// Largest of a list.
    Largest(Column),
    /// Sum of a list.
    Sum(Column),
    /// A line for every member of a list, which are such things.
    Each(Column, &'static str),
}

const fn measure(name: &'static str, title: &'static str, unit: &'static str, source: Source) -> Measure {
    Measure { name, title, unit, source }
}

/// All plots in their order: first those with a line for every router, then those with a line for every GPU or expert of one run.
pub(super) const MEASURES: &[Measure] = &[
    measure("energy_j", "Energy of a batch", "J", Source::Value(Column::EnergyJ)),
    measure("latency_s", "Latency of a batch", "s", Source::Latency),
    measure("mass_regret", "Gate mass given up (mass regret)", "%", Source::Value(Column::MassRegret)),
    measure("hottest_degc", "Hottest GPU", "degC", Source::Largest(Column::TemperatureDegc)),
    measure("power_all_w", "Power of all GPUs", "W", Source::Sum(Column::PowerW)),
    measure("hot_share", "Assignments at hot experts", "%", Source::Value(Column::HotShare)),
    measure(
        "expert_diversity_nats",
        "Expert diversity (entropy of use)",
        "nats",
        Source::Value(Column::ExpertDiversityNats),
    ),
    measure("load_max_over_mean", "Busiest expert over the mean", "", Source::Value(Column::LoadMaxOverMean)),
    measure("throttled_work_share", "Work served while held back", "%", Source::Value(Column::ThrottledWorkShare)),
    measure("temperature_degc", "Die temperature of each GPU", "degC", Source::Each(Column::TemperatureDegc, "GPU")),
    measure(
        "memory_temperature_degc",
        "Memory temperature of each GPU",
        "degC",
        Source::Each(Column::MemoryTemperatureDegc, "GPU"),
    ),
    measure("power_w", "Power of each GPU", "W", Source::Each(Column::PowerW, "GPU")),
    measure("clock_mhz", "Clock of each GPU", "MHz", Source::Each(Column::ClockMhz, "GPU")),
    measure("usage", "Assignments of each expert", "", Source::Each(Column::Usage, "expert")),
];

/// More lines than this are no plot any more. Temperatures of more GPUs are on the floor map all the same.
const MOST_EXPERTS: usize = 32;

/// How experts are put together into lines: each alone while there is room, then so many neighbours as their mean, the same expert of all
/// layers at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Experts {
    /// Experts of a layer; 0 where the scenario does not say.
    count: usize,
    /// Neighbours of a line.
    group: usize,
}

impl Experts {
    /// As the scenario has them, `model.experts`.
    pub(super) fn of(scenario: Option<&Scenario>) -> Self {
        let count = scenario.and_then(|scenario| scenario.get(&["model", "experts"])?.as_integer());
        let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        Self { count, group: count.div_ceil(MOST_EXPERTS).max(1) }
    }

    /// Lines of a list of so many; each member of the list alone where it is short or nobody knows whose they are.
    fn lines(self, members: usize) -> usize {
        match (self.is_grouped(members), members) {
            (true, _) => self.count.div_ceil(self.group),
            (false, ..=MOST_EXPERTS) => members,
            (false, _) => 0,
        }
    }

    fn is_grouped(self, members: usize) -> bool {
        members > MOST_EXPERTS && self.count > 0 && members.is_multiple_of(self.count)
    }

    /// The mean of each line's experts, over all layers.
    fn values(self, list: &[f64], lines: usize, into: &mut Vec<f64>) {
        if !self.is_grouped(list.len()) {
            into.extend((0..lines).map(|line| list.get(line).copied().unwrap_or(f64::NAN)));
            return;
        }
        let first = into.len();
        into.resize(first + lines, 0.0);
        for (place, value) in list.iter().enumerate() {
            into[first + place % self.count / self.group] += value;
        }
        let layers = list.len() / self.count;
        for (line, sum) in into[first..].iter_mut().enumerate() {
            let of_line = ((line + 1) * self.group).min(self.count) - line * self.group;
            *sum /= (of_line * layers) as f64;
        }
    }
}

/// The columns that all of them need.
pub(super) fn columns() -> Vec<Column> {
    let mut columns = vec![Column::ArrivedNs, Column::FinishedNs];
    columns.extend(MEASURES.iter().filter_map(|measure| match measure.source {
        Source::Value(column) | Source::Largest(column) | Source::Sum(column) | Source::Each(column, _) => Some(column),
        Source::Latency => None,
    }));
    columns.sort_unstable();
    columns.dedup();
    columns
}

impl Measure {
    /// What its lines are of: `GPU` or `expert`; `None` where there is one line for the run.
    pub(super) fn each(&self) -> Option<&'static str> {
        match self.source {
            Source::Each(_, each) => Some(each),
            _ => None,
        }
    }

    /// How many lines it has in a run with such rows; none where it does not apply, or has too many.
    pub(super) fn lines(&self, row: &BatchRow<'_>, experts: Experts) -> usize {
        match self.source {
            Source::Each(Column::Usage, _) => experts.lines(row.list(Column::Usage).len()),
            Source::Each(column, _) => row.list(column).len(),
            _ => 1,
        }
    }

    /// Adds the values of its `lines` lines; `NaN` where there is none.
    pub(super) fn values(&self, row: &BatchRow<'_>, lines: usize, experts: Experts, into: &mut Vec<f64>) {
        let known = |column| Some(row.list(column)).filter(|list| !list.is_empty());
        match self.source {
            Source::Value(column) => into.push(row.value(column).unwrap_or(f64::NAN)),
            Source::Latency => into.push(latency(row).unwrap_or(f64::NAN)),
            Source::Largest(column) => {
                into.push(known(column).map_or(f64::NAN, |list| list.iter().copied().fold(f64::NAN, f64::max)));
            }
            Source::Sum(column) => into.push(known(column).map_or(f64::NAN, |list| list.iter().sum())),
            Source::Each(Column::Usage, _) => experts.values(row.list(Column::Usage), lines, into),
            Source::Each(column, _) => {
                let list = row.list(column);
                into.extend((0..lines).map(|line| list.get(line).copied().unwrap_or(f64::NAN)));
            }
        }
    }
}

/// From arrival to the end of the work (s).
fn latency(row: &BatchRow<'_>) -> Option<f64> {
    let (arrived, finished) = (row.whole(Column::ArrivedNs)?, row.whole(Column::FinishedNs)?);
    Some(finished.checked_sub(arrived)? as f64 * 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_experts_are_means_of_neighbours_over_all_layers() {
        let experts = Experts { count: 66, group: 3 };
        let list: Vec<f64> = (0..132).map(f64::from).collect();
        let lines = experts.lines(list.len());
        let mut values = vec![-1.0];
        experts.values(&list, lines, &mut values);
        // Experts 3 to 5 of both layers: 3, 4, 5, 69, 70, 71.
        assert_eq!((lines, values.len(), values[2]), (22, 23, 37.0));
        assert_eq!(values[1..].iter().sum::<f64>() * 6.0, list.iter().sum());
    }

    #[test]
    fn few_experts_and_unknown_ones_are_left_as_they_are() {
        assert_eq!(Experts { count: 8, group: 1 }.lines(8), 8);
        assert_eq!(Experts { count: 0, group: 1 }.lines(64), 0);
        assert_eq!(Experts::of(None), Experts { count: 0, group: 1 });
        let mut values = Vec::new();
        Experts { count: 2, group: 1 }.values(&[4.0, 5.0], 3, &mut values);
        assert!(values[..2] == [4.0, 5.0] && values[2].is_nan());
    }
}
