//! Writing a shard: under another name, row group by row group, renamed when it is whole and on the disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use tempfile::NamedTempFile;

use super::table::Rows;
use super::{SHARD_VERSION, SweepPlan, name};
use crate::execute::{Outcome, Run};
use crate::fault::Fault;
use crate::results::{Baselines, Column, Hashed, Streams, parquet_field, write_parquet};
use crate::sweep::Part;

/// A row group ends with the point at which it has so many rows, or so many bytes of records.
const GROUP_ROWS: usize = 16_384;
const GROUP_BYTES: usize = 8 << 20;

/// Beginning of the name that a shard has while it is written.
const UNFINISHED: &str = ".writing-";

/// A shard under way. What it writes depends on the runs and on nothing else.
pub(crate) struct ShardWriter<'p> {
    plan: &'p SweepPlan,
    chunk: usize,
    tasks: PathBuf,
    file: NamedTempFile,
    /// None until the first rows say what the columns are.
    parquet: Option<SerializedFileWriter<Hashed<File>>>,
    rows: Rows,
    failed: usize,
}

impl<'p> ShardWriter<'p> {
    /// Begins the shard of a chunk.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(crate) fn begin(tasks: &Path, plan: &'p SweepPlan, chunk: usize) -> Result<Self, Fault> {
        let prefix = format!("{UNFINISHED}{}.", SweepPlan::chunk_name(chunk));
        let file = std::fs::create_dir_all(tasks)
            .and_then(|()| tempfile::Builder::new().prefix(&prefix).tempfile_in(tasks))
            .map_err(|error| Fault::unwritable(tasks, error))?;
        let (tasks, rows) = (tasks.to_owned(), Rows::default());
        Ok(Self { plan, chunk, tasks, file, parquet: None, rows, failed: 0 })
    }

    /// Appends whole points of one world; points come in their order.
    ///
    /// # Errors
    /// [`Fault::Unwritable`], [`Fault::Internal`].
    pub(crate) fn add(&mut self, part: &Part, runs: Vec<(Run, Outcome)>) -> Result<(), Fault> {
        let streams = Streams::of(&part.file, 0)?;
        // Point by point, so that row groups end where the points say and not where calls do.
        let mut runs = runs.into_iter().peekable();
        while let Some(first) = runs.next() {
            let seed = first.0.seed;
            let point = std::iter::once(first);
            let point: Vec<_> = point.chain(std::iter::from_fn(|| runs.next_if(|(run, _)| run.seed == seed))).collect();
            let measured = Baselines::default().measure(&part.file, part.world, point);
            self.failed += usize::from(measured.runs.iter().any(|f| f.outcome.is_err()));
            self.rows.add(part, &streams, &measured.runs)?;
            if self.rows.rows >= GROUP_ROWS || self.rows.bytes >= GROUP_BYTES {
                self.write_group()?;
            }
        }
        Ok(())
    }

    /// Ends the shard and gives it its name. The second answer is the number of failed points.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(crate) fn finish(mut self) -> Result<(PathBuf, usize), Fault> {
        if self.rows.rows > 0 {
            self.write_group()?;
        }
        let Some(mut parquet) = self.parquet.take() else {
            return Err(Fault::Internal("a chunk without points".to_owned()));
        };
        for entry in metadata(self.plan, self.chunk, self.failed)? {
            parquet.append_key_value_metadata(entry);
        }
        let hashed = parquet.into_inner().map_err(|error| self.unwritable(&error))?;
        let (file, hash) = hashed.finish();
        let path = self.tasks.join(name(self.chunk, &hash));
        let finish = || -> std::io::Result<()> {
            file.sync_all()?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
            }
            self.file.persist(&path).map_err(|error| error.error)?;
            // The name is on the disk, too, before anything that it stands for goes away; where folders can be flushed at all.
            #[cfg(unix)]
            let _ = File::open(&self.tasks).and_then(|folder| folder.sync_all());
            Ok(())
        };
        finish().map_err(|error| Fault::unwritable(&path, error))?;
        Ok((path, self.failed))
    }

    fn write_group(&mut self) -> Result<(), Fault> {
        let columns = self.rows.take();
        if self.parquet.is_none() {
            self.parquet = Some(self.open(&columns)?);
        }
        let Some(parquet) = &mut self.parquet else { return Ok(()) };
        let write = |parquet: &mut SerializedFileWriter<Hashed<File>>| {
            let mut group = parquet.next_row_group()?;
            for column in &columns {
                if let Some(mut out) = group.next_column()? {
                    write_parquet(&mut out, &column.values)?;
                    out.close()?;
                }
            }
            group.close().map(|_| ())
        };
        write(parquet).map_err(|error| self.unwritable(&error))
    }

    fn open(&self, columns: &[Column]) -> Result<SerializedFileWriter<Hashed<File>>, Fault> {
        let fields: Result<Vec<TypePtr>, _> = columns.iter().map(|c| parquet_field(c).map(Arc::new)).collect();
        let schema = fields.and_then(|fields| Type::group_type_builder("shard").with_fields(fields).build());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_column_statistics_enabled("record".into(), EnabledStatistics::None)
            .set_column_dictionary_enabled("record".into(), false)
            .set_created_by(format!("isotherm {}", env!("CARGO_PKG_VERSION")))
            .build();
        let file = self.file.reopen().map_err(|error| Fault::unwritable(self.file.path(), error))?;
        let hashed = Hashed::new(file);
        schema
            .and_then(|schema| SerializedFileWriter::new(hashed, Arc::new(schema), Arc::new(properties)))
            .map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &parquet::errors::ParquetError) -> Fault {
        use std::error::Error;
        let system = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        let error = match system.and_then(std::io::Error::raw_os_error) {
            Some(code) => std::io::Error::from_raw_os_error(code),
            None => std::io::Error::other(error.to_string()),
        };
        Fault::unwritable(&self.tasks, error)
    }
}

/// What every reader finds in the file about where it comes from.
fn metadata(plan: &SweepPlan, chunk: usize, failed: usize) -> Result<Vec<KeyValue>, Fault> {
    let json = |error: serde_json::Error| Fault::Internal(error.to_string());
    let points = plan.chunk(chunk);
    let entries = [
        ("isotherm.schema_version", SHARD_VERSION.to_string()),
        ("isotherm.version", plan.isotherm.clone()),
        ("isotherm.scenario", plan.scenario.clone()),
        ("isotherm.scenario_hash", plan.scenario_hash.clone()),
        ("isotherm.data_files", serde_json::to_string(&plan.data_files).map_err(json)?),
        ("isotherm.plugins", serde_json::to_string(&plan.plugins).map_err(json)?),
        ("isotherm.chunk", chunk.to_string()),
        ("isotherm.chunks", plan.chunks.to_string()),
        ("isotherm.first_point", points.start.to_string()),
        ("isotherm.points", points.len().to_string()),
        ("isotherm.failed_points", failed.to_string()),
    ];
    Ok(entries.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect())
}

/// Removes what workers left that were ended while they wrote a shard of this chunk, which is in place now.
pub(super) fn discard_unfinished(tasks: &Path, chunk: usize) {
    let prefix = format!("{UNFINISHED}{}.", SweepPlan::chunk_name(chunk));
    for entry in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
            // Somebody else may have been faster.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
