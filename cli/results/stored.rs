//! Reading `runs.parquet` back: what a comparison has kept of its runs.

use std::collections::BTreeMap;
use std::path::Path;

use isotherm_core::metrics::METRICS;
use isotherm_report::results::sha256_of_file;
use parquet::basic::Type as Physical;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// The table of the runs of a results folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredRuns {
    /// Names of the metrics, in the order of the file: every column of real numbers.
    pub metrics: Vec<String>,
    /// A run a row, in the order of the plan.
    pub runs: Vec<StoredRun>,
}

/// A row of `runs.parquet`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredRun {
    /// Content hash of everything that decided it.
    pub run_id: String,
    /// Name of the router.
    pub router: String,
    /// Sweep point, `key=value` separated by spaces.
    pub point: String,
    /// Its seed.
    pub seed: u64,
    /// Which token stream it met.
    pub stream_id: String,
    /// Why it failed; empty if it did not.
    pub error: String,
    /// The metrics that apply.
    pub metrics: BTreeMap<String, f64>,
}

impl StoredRuns {
    /// Whether a file has the contents with this SHA-256, as its summary says; older summaries say nothing.
    ///
    /// # Errors
    /// What is wrong with the file, without its name.
    pub(crate) fn check(path: &Path, sha256: Option<&String>) -> Result<(), String> {
        let Some(expected) = sha256 else { return Ok(()) };
        let found = sha256_of_file(path).map_err(|error| error.to_string())?;
        if found == *expected {
            Ok(())
        } else {
            Err("it has other contents, by its checksum in summary.json".to_owned())
        }
    }

    /// Reads a file that [`ResultsWriter`](super::ResultsWriter) has written.
    ///
    /// # Errors
    /// What is wrong with the file, without its name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let (metrics, rows) = open(path)?;
        Ok(Self { metrics, runs: rows.collect::<Result<_, String>>()? })
    }
}

/// The names of the metrics of a file, and its runs, a row group at a time.
fn open(path: &Path) -> Result<(Vec<String>, impl Iterator<Item = Result<StoredRun, String>>), String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema();
    let is_real = |field: &&parquet::schema::types::TypePtr| {
        field.is_primitive() && field.get_physical_type() == Physical::DOUBLE
    };
    let metrics = schema.get_fields().iter().filter(is_real).map(|field| field.name().to_owned()).collect();
    let rows = parquet::record::reader::RowIter::from_file_into(Box::new(reader));
    Ok((metrics, rows.map(|row| run(&row.map_err(|error| error.to_string())?))))
}

impl StoredRun {
    /// Gives every run of a file to `each`, in memory that does not grow with the file.
    ///
    /// # Errors
    /// What is wrong with the file, without its name, and what `each` says.
    pub(super) fn each(path: &Path, mut each: impl FnMut(Self) -> Result<(), String>) -> Result<(), String> {
        open(path)?.1.try_for_each(|run| each(run?))
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        (!self.error.is_empty()).then_some(self.error.as_str())
    }

    /// The metrics under the names that this isotherm knows.
    pub(super) fn known_metrics(&self) -> BTreeMap<&'static str, f64> {
        METRICS.iter().filter_map(|info| Some((info.name, *self.metrics.get(info.name)?))).collect()
    }
}

fn run(row: &parquet::record::Row) -> Result<StoredRun, String> {
    let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
    let mut metrics = BTreeMap::new();
    for (name, field) in row.get_column_iter() {
        match field {
            Field::Str(text) => {
                texts.insert(name, text);
            }
            Field::Double(value) if value.is_finite() => {
                metrics.insert(name.clone(), *value);
            }
            _ => {}
        }
    }
    let text = |name: &str| {
        texts.get(name).map(ToString::to_string).ok_or_else(|| format!("it has no column `{name}` of text"))
    };
    let seed = text("seed")?;
    Ok(StoredRun {
        run_id: text("run_id")?,
        router: text("router")?,
        point: text("point")?,
        seed: seed.parse().map_err(|_| format!("`{seed}` is no seed"))?,
        stream_id: text("stream_id")?,
        error: text("error")?,
        metrics,
    })
}
