//! Shards: the runs of a chunk that is done, in one Parquet file.
//!
//! A row is a run: `point_index`, `point_id`, the columns of `runs.parquet`, `status` (`done` or `failed`), and `record`, everything the run
//! measured in isotherm's own form behind its SHA-256. Readers such as DuckDB, pandas and Polars take the file as it is; merging needs only
//! `record`. Where savings are against the first point of the sweep (`compare.baseline = "first-point"`), the metrics of the worlds after the
//! first are empty here, because no task has both; the merged result has them.
//!
//! The name ends in the first half of the SHA-256 of the contents: `chunk-000012-1f2e3d4c5b6a7988.parquet`. A file whose contents have another
//! hash is damaged, wherever the damage is.

mod read;
mod table;
mod write;

pub(crate) use read::{Records, ShardInfo};
pub(crate) use write::ShardWriter;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isotherm_report::results::sha256_of_file;

use super::SweepPlan;
use crate::fault::Fault;
use crate::scenario_file::hex;

/// Version of the columns and of what stands in the metadata.
pub(crate) const SHARD_VERSION: u32 = 2;
const SUFFIX: &str = ".parquet";
/// Bytes of the digest that a name holds.
const DIGEST: usize = 8;

/// All files that look like shards, by their chunks.
///
/// # Errors
/// [`Fault::Input`] if the folder is there and cannot be read.
pub(crate) fn list(tasks: &Path) -> Result<BTreeMap<usize, Vec<PathBuf>>, Fault> {
    let mut found: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    let unreadable = |error: std::io::Error| Fault::Input(format!("cannot read {}: {error}", tasks.display()));
    let entries = match std::fs::read_dir(tasks) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if let Some((chunk, _)) = parsed(&path) {
            found.entry(chunk).or_default().push(path);
        }
    }
    found.values_mut().for_each(|paths| paths.sort());
    Ok(found)
}

/// Chunk and digest in the name of a shard.
fn parsed(path: &Path) -> Option<(usize, &str)> {
    let name = path.file_name()?.to_str()?.strip_prefix("chunk-")?.strip_suffix(SUFFIX)?;
    let (chunk, digest) = name.split_once('-')?;
    Some((chunk.parse().ok()?, digest))
}

fn name(chunk: usize, digest: &[u8]) -> String {
    format!("{}-{}{SUFFIX}", SweepPlan::chunk_name(chunk), hex(&digest[..DIGEST]))
}

/// Removes what stands in the way of nobody now that the shard of a chunk is in place: damaged ones, those of before a retry, and what workers
/// left that were ended in mid-word.
pub(crate) fn clear(tasks: &Path, chunk: usize, shard: &Path) {
    write::discard_unfinished(tasks, chunk);
    let others = list(tasks).unwrap_or_default().remove(&chunk).unwrap_or_default();
    for path in others.iter().filter(|path| path.file_name() != shard.file_name()) {
        // What stays is looked at again by whoever reads the chunk.
        let _ = std::fs::remove_file(path);
    }
}

/// Whether the contents of a shard are those that its name says.
///
/// # Errors
/// Why they are not.
fn check_contents(path: &Path) -> Result<(), String> {
    let (_, expected) = parsed(path).ok_or("its name is not that of a shard")?;
    let mut found = sha256_of_file(path).map_err(|error| error.to_string())?;
    found.truncate(2 * DIGEST);
    if found == expected {
        return Ok(());
    }
    Err(format!("its contents have the digest {found}, and its name says {expected}"))
}

/// What is there of a chunk.
#[derive(Debug)]
pub(crate) enum Found {
    /// No shard.
    Nothing,
    /// One that can be used.
    Whole(ShardInfo),
    /// Only some that cannot, and why.
    Damaged(PathBuf, String),
}

/// Looks through the shards of a chunk, contents included. Of several whole ones the one with the fewest failed points is taken: a worker that
/// was cut off may have brought one back from before a retry.
///
/// # Errors
/// [`Fault::Input`] for a shard of another sweep, and for two that differ although neither is better.
pub(crate) fn find(plan: &SweepPlan, chunk: usize, paths: &[PathBuf]) -> Result<Found, Fault> {
    let mut found = Found::Nothing;
    for path in paths {
        match ShardInfo::read(path) {
            Err(why) => {
                if matches!(found, Found::Nothing) {
                    found = Found::Damaged(path.clone(), why);
                }
            }
            Ok(info) => {
                info.belongs_to(plan, chunk)?;
                found = match found {
                    Found::Whole(other) => Found::Whole(other.or(info)?),
                    _ => Found::Whole(info),
                };
            }
        }
    }
    Ok(found)
}
