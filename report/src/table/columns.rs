//! The columns of the table, and how their numbers are written.

use crate::number::{percent, with_unit};
use crate::results::{Estimate, Row};

/// A column of the table: its heading, the metric, and how its number is written.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) heading: &'static str,
    pub(super) metric: &'static str,
    form: Form,
    /// Whether the 95 % interval stands beside the mean. Those of what is saved and of what it costs do; `summary.json` has all.
    interval: bool,
    /// Which values are the better ones, where one can say so.
    pub(super) better: Option<Better>,
    /// In which order columns leave a narrow terminal: the largest goes first, 0 stays.
    pub(super) leaves: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    Lower,
    Higher,
}

#[derive(Debug)]
enum Form {
    /// With its unit and a prefix.
    Unit(&'static str),
    /// As it is, with a sign: percent already.
    SignedPercent,
    /// A share, as percent.
    Share,
    /// A pure number.
    Plain,
}

/// The metric that is the answer.
pub(super) const SAVED: &str = "energy_savings_percent";

const HOT_SHARE: &str = "hot_share";

/// Stands before a saving that may be luck: `not significant`, as papers abbreviate it.
pub(super) const LUCK: &str = "n.s.";

const fn shown(heading: &'static str, metric: &'static str, form: Form, better: Option<Better>, leaves: u8) -> Shown {
    Shown { heading, metric, form, interval: false, better, leaves }
}

const fn with_interval(shown: Shown) -> Shown {
    Shown { interval: true, ..shown }
}

pub(super) const COLUMNS: &[Shown] = {
    use Better::{Higher, Lower};
    use Form::{Plain, Share, SignedPercent, Unit};
    &[
        with_interval(shown("energy", "energy_j", Unit("J"), Some(Lower), 0)),
        with_interval(shown("saved", SAVED, SignedPercent, Some(Higher), 0)),
        // Neither good nor bad by itself.
        shown("hot share", HOT_SHARE, Share, None, 7),
        with_interval(shown("mass regret", "mass_regret", Share, Some(Lower), 1)),
        shown("frontier", "frontier_efficiency", Share, Some(Higher), 5),
        shown("weight TV", "combine_weight_tv", Plain, Some(Lower), 8),
        shown("agreement", "topk_agreement", Share, Some(Higher), 6),
        shown("p50", "latency_p50_s", Unit("s"), Some(Lower), 6),
        with_interval(shown("p99", "latency_p99_s", Unit("s"), Some(Lower), 3)),
        shown("in SLO", "slo_attainment", Share, Some(Higher), 4),
        shown("CO2", "carbon_g", Unit("g"), Some(Lower), 4),
        shown("peak", "peak_temperature_degc", Unit("degC"), Some(Lower), 4),
        shown("vs constant (not a result)", "savings_vs_constant_percent", SignedPercent, None, 9),
    ]
};

impl Shown {
    /// Whether the column has anything to say of these rows. Where no pool is hot, its share says nothing.
    pub(super) fn says_something(&self, rows: &[Row]) -> bool {
        let mut values = rows.iter().filter_map(|row| row.metrics.get(self.metric));
        values.any(|estimate| self.metric != HOT_SHARE || estimate.mean > 0.0)
    }

    /// The cell of a row.
    pub(super) fn cell(&self, row: &Row) -> String {
        let Some(estimate) = row.metrics.get(self.metric) else { return "-".to_owned() };
        let estimate = &Estimate { ci95: estimate.ci95.filter(|_| self.interval), ..*estimate };
        match self.form {
            Form::Unit(unit) => with_unit(estimate.mean, estimate.ci95, unit),
            Form::SignedPercent if self.is_own_baseline(row) => "baseline".to_owned(),
            Form::SignedPercent if self.metric == SAVED && row.is_luck() => {
                format!("{LUCK} {}", percent(estimate.mean, estimate.ci95, 1.0, true))
            }
            Form::SignedPercent => percent(estimate.mean, estimate.ci95, 1.0, true),
            Form::Share => percent(estimate.mean, estimate.ci95, 100.0, false),
            Form::Plain => format!("{:.4}", estimate.mean),
        }
    }

    /// Whether the row is what this column measures against.
    pub(super) fn is_own_baseline(&self, row: &Row) -> bool {
        row.baseline && self.metric == SAVED
    }
}
