//! The table for other programs: every metric of every row, as in `summary.json`, without JSON.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::stream::{self, See};
use crate::results::{Estimate, Gap, ReadError, Results, Row};

/// Writes every row of a results folder as CSV, in the order of the plan: `router`, `baseline`, the swept keys by their whole names, `seeds`,
/// three columns a metric (`NAME`, `NAME_low`, `NAME_high`: the mean and the ends of its 95 % interval), the test against the baseline and
/// the warnings. What does not apply is empty. Names carry units as everywhere in the results.
///
/// The summary is read twice, first for its columns, so that memory does not grow with it.
///
/// What is odd about the folder comes back: another program reads the table, and nobody would see it there.
///
/// # Errors
/// As [`text`](super::text()); the inner error where `out` takes nothing more.
pub fn csv(folder: &Path, out: impl Write) -> Result<io::Result<Vec<Gap>>, ReadError> {
    let mut names = Names::default();
    if let Ok(summary) = stream::read(folder, &mut names) {
        let mut rows = Rows::new(names, out);
        let written = rows.begin().and_then(|()| stream::read(folder, &mut rows)).and_then(|_| rows.out.flush());
        // What the output said, before it was wrapped as if the input had said it.
        let written = rows.refused.take().map_or(written, Err);
        return Ok(written.map(|()| summary.version_gap().into_iter().collect()));
    }
    // What is left of a folder, or the reason why it is of no use.
    let results = Results::open(folder)?;
    let mut names = Names::default();
    results.summary.rows.iter().for_each(|row| names.add(row));
    let mut rows = Rows::new(names, out);
    let written = rows.begin().and_then(|()| results.summary.rows.iter().try_for_each(|row| rows.add(row)));
    Ok(written.and_then(|()| rows.out.flush()).map(|()| results.gaps))
}

/// Writes the table as JSON: `summary.json` as it is, once it was found to be one. What is odd about it comes back.
///
/// # Errors
/// If there is no summary that can be read; the inner error where `out` takes nothing more.
pub fn json(folder: &Path, mut out: impl Write) -> Result<io::Result<Vec<Gap>>, ReadError> {
    let path = folder.join("summary.json");
    let opened = stream::read(folder, &mut Nothing).and_then(|summary| Ok((summary, std::fs::File::open(&path)?)));
    let (summary, mut file) = opened.map_err(|error| {
        let expected =
            "expected the summary of a results folder; `isotherm report` without --json shows what is left of one";
        ReadError::new(&path, format!("it cannot be read ({error})"), expected)
    })?;
    let written = io::copy(&mut file, &mut out).and_then(|_| out.flush());
    Ok(written.map(|()| summary.version_gap().into_iter().collect()))
}

/// Who looks at no row.
struct Nothing;

impl See for Nothing {
    fn row(&mut self, _: &Row) -> io::Result<()> {
        Ok(())
    }
}

/// What the columns are called that not every folder has.
#[derive(Debug, Default)]
struct Names {
    axes: BTreeSet<String>,
    metrics: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, row: &Row) {
        let new = |names: &mut BTreeSet<String>, name: &String| {
            if !names.contains(name) {
                names.insert(name.clone());
            }
        };
        row.point.keys().for_each(|axis| new(&mut self.axes, axis));
        row.metrics.keys().for_each(|metric| new(&mut self.metrics, metric));
    }
}

impl See for Names {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.add(row);
        Ok(())
    }
}

/// A table that is being written.
struct Rows<W: Write> {
    names: Names,
    out: ::csv::Writer<W>,
    /// Why it takes nothing more.
    refused: Option<io::Error>,
}

impl<W: Write> See for Rows<W> {
    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.add(row).map_err(|error| {
            let kind = error.kind();
            self.refused = Some(error);
            kind.into()
        })
    }
}

impl<W: Write> Rows<W> {
    fn new(names: Names, out: W) -> Self {
        Self { names, out: ::csv::Writer::from_writer(out), refused: None }
    }

    fn begin(&mut self) -> io::Result<()> {
        let mut cells = vec!["router".to_owned(), "baseline".to_owned()];
        cells.extend(self.names.axes.iter().cloned());
        cells.push("seeds".to_owned());
        for name in self.names.metrics.iter().map(String::as_str).chain(["energy_difference_j"]) {
            cells.extend(["", "_low", "_high"].map(|end| format!("{name}{end}")));
        }
        cells.extend(["p_value", "p_holm", "significant", "warnings"].map(str::to_owned));
        self.write(&cells)
    }

    fn write(&mut self, cells: &[String]) -> io::Result<()> {
        self.out.write_record(cells).map_err(|error| match error.into_kind() {
            ::csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        })
    }

    fn add(&mut self, row: &Row) -> io::Result<()> {
        let mut cells = vec![row.router.clone(), row.baseline.to_string()];
        cells.extend(self.names.axes.iter().map(|axis| row.point.get(axis).cloned().unwrap_or_default()));
        cells.push(row.seeds.to_string());
        for metric in &self.names.metrics {
            cells.extend(ends(row.metric(metric)));
        }
        let versus = row.versus_baseline;
        cells.extend(ends(versus.and_then(|versus| versus.energy_difference_j)));
        cells.push(number(versus.and_then(|versus| versus.p_value)));
        cells.push(number(versus.and_then(|versus| versus.p_holm)));
        let tested = versus.filter(|versus| versus.p_holm.is_some());
        cells.push(tested.map_or_else(String::new, |versus| versus.significant.to_string()));
        cells.push(row.warnings.join("; "));
        self.write(&cells)
    }
}

fn ends(estimate: Option<Estimate>) -> [String; 3] {
    let interval = estimate.and_then(|estimate| estimate.interval());
    [estimate.map(|e| e.mean), interval.map(|[low, _]| low), interval.map(|[_, high]| high)].map(number)
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}
