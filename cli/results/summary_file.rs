//! `summary.json`, written row by row. Rows wait on the disk for each other: whether one is significant depends on how many there are.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::folder::SUMMARY;
use super::spool::Spool;
use super::staging::Staging;
use super::summary_reader::See;
use super::versus::{Corrected, Family};
use super::{Curve, CurvePoint, Failure, Head, Row, VersusBaseline};
use crate::fault::Fault;
use crate::statistics::Estimate;

/// A summary under way.
#[derive(Debug)]
pub(super) struct SummaryFile {
    rows: Spool<WaitingRow>,
    family: Family,
    curves: Spool<WaitingCurve>,
    failures: Spool<Failure>,
}

impl SummaryFile {
    /// An empty one; what does not fit into memory waits in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        let (rows, curves, failures) = (Spool::new(folder), Spool::new(folder), Spool::new(folder));
        Self { rows, family: Family::default(), curves, failures }
    }

    /// Takes in a row that is not yet corrected.
    pub(super) fn add_row(&mut self, row: Row) -> std::io::Result<()> {
        self.family.add(&row);
        self.rows.push(&row.into())
    }

    /// Takes in a mean frontier.
    pub(super) fn add_curve(&mut self, curve: Curve) -> std::io::Result<()> {
        self.curves.push(&(curve.scenario, curve.router, curve.point, curve.oracle, curve.seeds, curve.points))
    }

    /// Takes in a failed run.
    pub(super) fn add_failure(&mut self, failure: &Failure) -> std::io::Result<()> {
        self.failures.push(failure)
    }

    /// Writes the file, and shows every row and failure to `seen` on its way.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(super) fn finish(self, head: &Head, staging: &Staging, seen: &mut impl See) -> Result<(), Fault> {
        let write = || -> std::io::Result<()> {
            let mut out = BufWriter::new(staging.create(SUMMARY)?);
            self.write(head, &mut out, seen)?;
            out.write_all(b"\n")?;
            out.flush()
        };
        write().map_err(|error| staging.unwritable(SUMMARY, error))
    }

    fn write(self, head: &Head, out: &mut impl Write, seen: &mut impl See) -> std::io::Result<()> {
        let Self { rows, family, curves, failures } = self;
        let mut corrected: Corrected = family.correct();
        let seen = std::cell::RefCell::new(seen);
        let rows = rows.into_elements().map(|row| {
            let mut row = Row::from(row?);
            corrected.complete(&mut row);
            seen.borrow_mut().row(&row);
            Ok(row)
        });
        let failures = failures.into_elements().inspect(|failure| {
            if let Ok(failure) = failure {
                seen.borrow_mut().failure(failure);
            }
        });
        let has_curves = curves.len() > 0;
        let curves = curves.into_elements().map(|curve| curve.map(curve_of));
        let layout = Layout {
            head,
            rows: Listed::of(rows),
            frontier: has_curves.then(|| Listed::of(curves)),
            failures: Listed::of(failures),
        };
        Ok(serde_json::to_writer_pretty(out, &layout)?)
    }
}

/// A [`Summary`](super::Summary) whose lists are not in memory.
#[derive(Serialize)]
struct Layout<'a, R: Serialize, C: Serialize, F: Serialize> {
    #[serde(flatten)]
    head: &'a Head,
    rows: R,
    #[serde(skip_serializing_if = "Option::is_none")]
    frontier: Option<C>,
    failures: F,
}

/// An iterator that is written as a list, once.
struct Listed<I>(Cell<Option<I>>);

impl<I> Listed<I> {
    fn of(elements: I) -> Self {
        Self(Cell::new(Some(elements)))
    }
}

impl<T: Serialize, I: Iterator<Item = std::io::Result<T>>> Serialize for Listed<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut list = serializer.serialize_seq(None)?;
        for element in self.0.take().into_iter().flatten() {
            list.serialize_element(&element.map_err(S::Error::custom)?)?;
        }
        list.end()
    }
}

/// A [`Row`] while it waits: the fields that it leaves out of JSON are in it.
#[derive(Debug, Serialize, Deserialize)]
struct WaitingRow {
    scenario: String,
    router: String,
    baseline: bool,
    point: BTreeMap<String, String>,
    seeds: u32,
    metrics: Vec<(String, Numbers)>,
    versus: Option<(Numbers, u32, Option<f64>)>,
    warnings: Vec<String>,
}

/// An [`Estimate`].
type Numbers = (f64, Option<f64>, Option<[f64; 2]>);

/// A [`Curve`].
type WaitingCurve = (String, Option<String>, BTreeMap<String, String>, bool, u32, Vec<CurvePoint>);

fn numbers(Estimate { mean, ci95, bounds }: Estimate) -> Numbers {
    (mean, ci95, bounds)
}

fn estimate((mean, ci95, bounds): Numbers) -> Estimate {
    Estimate { mean, ci95, bounds }
}

fn curve_of((scenario, router, point, oracle, seeds, points): WaitingCurve) -> Curve {
    Curve { scenario, router, point, oracle, seeds, points }
}

impl From<Row> for WaitingRow {
    fn from(row: Row) -> Self {
        Self {
            scenario: row.scenario,
            router: row.router,
            baseline: row.baseline,
            point: row.point,
            seeds: row.seeds,
            metrics: row.metrics.into_iter().map(|(name, value)| (name, numbers(value))).collect(),
            versus: row.versus_baseline.map(|v| (numbers(v.energy_difference_j), v.pairs, v.p_value)),
            warnings: row.warnings,
        }
    }
}

impl From<WaitingRow> for Row {
    fn from(row: WaitingRow) -> Self {
        Self {
            scenario: row.scenario,
            router: row.router,
            baseline: row.baseline,
            point: row.point,
            seeds: row.seeds,
            metrics: row.metrics.into_iter().map(|(name, value)| (name, estimate(value))).collect(),
            versus_baseline: row
                .versus
                .map(|(difference, pairs, p_value)| VersusBaseline::uncorrected(estimate(difference), pairs, p_value)),
            warnings: row.warnings,
        }
    }
}
