//! Reading a shard: what it is, and the records in it.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::super::kept::{self, Heading};
use super::{SHARD_VERSION, SweepPlan, check_contents};
use crate::execute::Outcome;
use crate::fault::Fault;

/// What a shard says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShardInfo {
    /// Where it is.
    pub(crate) path: PathBuf,
    schema_version: u32,
    isotherm: String,
    scenario: String,
    scenario_hash: String,
    plugins: String,
    chunk: usize,
    chunks: usize,
    /// Its points.
    pub(crate) points: Range<usize>,
    /// How many of them failed.
    pub(crate) failed: usize,
}

impl ShardInfo {
    /// Reads a shard whose contents are as they were written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        check_contents(path)?;
        let reader = open(path)?;
        let entries = reader.metadata().file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
        let text = |key: &str| {
            let entry = entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone());
            entry.ok_or_else(|| format!("it does not say `{key}`"))
        };
        let number = |key: &str| {
            let text = text(key)?;
            text.parse::<usize>().map_err(|_| format!("its `{key}` is `{text}`, which is no number"))
        };
        let first = number("isotherm.first_point")?;
        Ok(Self {
            path: path.to_owned(),
            schema_version: number("isotherm.schema_version")? as u32,
            isotherm: text("isotherm.version")?,
            scenario: text("isotherm.scenario")?,
            scenario_hash: text("isotherm.scenario_hash")?,
            plugins: text("isotherm.plugins")?,
            chunk: number("isotherm.chunk")?,
            chunks: number("isotherm.chunks")?,
            points: first..first + number("isotherm.points")?,
            failed: number("isotherm.failed_points")?,
        })
    }

    /// Refuses a shard that another plan has made.
    ///
    /// # Errors
    /// [`Fault::Input`] with both sides.
    pub(crate) fn belongs_to(&self, plan: &SweepPlan, chunk: usize) -> Result<(), Fault> {
        let plugins = serde_json::to_string(&plan.plugins).map_err(|error| Fault::Internal(error.to_string()))?;
        let sides = if self.isotherm != plan.isotherm {
            Some((format!("isotherm {}", self.isotherm), format!("isotherm {}", plan.isotherm)))
        } else if self.schema_version != SHARD_VERSION {
            Some((format!("form {}", self.schema_version), format!("form {SHARD_VERSION}")))
        } else if self.scenario_hash != plan.scenario_hash {
            let sides = |name: &str, hash: &str| format!("the scenario `{name}` with digest {hash}");
            Some((sides(&self.scenario, &self.scenario_hash), sides(&plan.scenario, &plan.scenario_hash)))
        } else if self.plugins != plugins {
            Some((format!("the plugins {}", self.plugins), format!("the plugins {plugins}")))
        } else if (self.chunk, self.chunks, &self.points) != (chunk, plan.chunks, &plan.chunk(chunk)) {
            Some((
                format!("chunk {} of {}, points {:?}", self.chunk, self.chunks, self.points),
                format!("chunk {chunk} of {}, points {:?}", plan.chunks, plan.chunk(chunk)),
            ))
        } else {
            None
        };
        let Some((found, expected)) = sides else { return Ok(()) };
        Err(Fault::Input(format!(
            "{} is of {found}, and the plan is of {expected}\n  = help: results of different sweeps are not mixed; move that file away",
            self.path.display()
        )))
    }

    /// The better of two shards of one chunk.
    pub(super) fn or(self, other: Self) -> Result<Self, Fault> {
        match self.failed.cmp(&other.failed) {
            std::cmp::Ordering::Less => Ok(self),
            std::cmp::Ordering::Greater => Ok(other),
            std::cmp::Ordering::Equal => Err(Fault::Input(format!(
                "{} and {} hold the same points with differing contents\n  = help: one of them was not made by this isotherm on this plan; move it away",
                self.path.display(),
                other.path.display()
            ))),
        }
    }
}

/// The records of a shard in their order, a row group in memory at a time.
pub(crate) struct Records {
    reader: SerializedFileReader<File>,
    column: usize,
    group: usize,
    rows: std::vec::IntoIter<ByteArray>,
}

impl Records {
    /// Opens a shard.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let reader = open(path)?;
        let columns = reader.metadata().file_metadata().schema_descr().columns().iter();
        let column = columns.map(|column| column.name()).position(|name| name == "record");
        let column = column.ok_or("it has no column `record`")?;
        Ok(Self { reader, column, group: 0, rows: Vec::new().into_iter() })
    }

    fn read_group(&mut self) -> Result<(), String> {
        let describe = |error: parquet::errors::ParquetError| error.to_string();
        let group = self.reader.get_row_group(self.group).map_err(describe)?;
        let rows = group.metadata().num_rows() as usize;
        let mut column =
            get_typed_column_reader::<ByteArrayType>(group.get_column_reader(self.column).map_err(describe)?);
        let mut values = Vec::with_capacity(rows);
        while values.len() < rows {
            let (read, ..) = column.read_records(rows - values.len(), None, None, &mut values).map_err(describe)?;
            if read == 0 {
                return Err(format!("row group {} ends after {} of {rows} rows", self.group, values.len()));
            }
        }
        self.group += 1;
        self.rows = values.into_iter();
        Ok(())
    }
}

impl Iterator for Records {
    type Item = Result<(Heading, Outcome), String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(kept::open(row.data()).ok_or_else(|| "the checksum of a record does not fit".to_owned()));
            }
            if self.group == self.reader.num_row_groups() {
                return None;
            }
            if let Err(why) = self.read_group() {
                self.group = self.reader.num_row_groups();
                return Some(Err(why));
            }
        }
    }
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    SerializedFileReader::new(file).map_err(|error| error.to_string())
}
