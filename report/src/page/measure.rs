//! What the page draws over time, and how it comes out of a row of the series.

use crate::results::{BatchRow, Column};

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
pub(super) const MOST_EXPERTS: usize = 32;

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
    pub(super) fn lines(&self, row: &BatchRow<'_>) -> usize {
        match self.source {
            Source::Each(Column::Usage, _) if row.list(Column::Usage).len() > MOST_EXPERTS => 0,
            Source::Each(column, _) => row.list(column).len(),
            _ => 1,
        }
    }

    /// Adds the values of its `lines` lines; `NaN` where there is none.
    pub(super) fn values(&self, row: &BatchRow<'_>, lines: usize, into: &mut Vec<f64>) {
        let known = |column| Some(row.list(column)).filter(|list| !list.is_empty());
        match self.source {
            Source::Value(column) => into.push(row.value(column).unwrap_or(f64::NAN)),
            Source::Latency => into.push(latency(row).unwrap_or(f64::NAN)),
            Source::Largest(column) => {
                into.push(known(column).map_or(f64::NAN, |list| list.iter().copied().fold(f64::NAN, f64::max)));
            }
            Source::Sum(column) => into.push(known(column).map_or(f64::NAN, |list| list.iter().sum())),
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
