//! Reading journals: which runs are in them, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use isotherm_core::record::RunRecord;

use super::{MAGIC, SUFFIX};
use crate::execute::{Outcome, Run};
use crate::fault::Fault;
use crate::sweep::kept;

/// All journals of some work, as they were when they were read.
#[derive(Debug, Default)]
pub(crate) struct Journals {
    files: Vec<(PathBuf, Mutex<File>)>,
    found: BTreeMap<u64, Location>,
}

#[derive(Clone, Copy, Debug)]
struct Location {
    file: usize,
    at: u64,
    length: u32,
    point: u64,
    failed: bool,
}

impl Journals {
    /// Reads the journals of the work called `work`. Those that cannot be read count as empty: what was in them is done again.
    pub(crate) fn read(folder: &Path, work: &str) -> Self {
        let mut journals = Self::default();
        for path in paths(folder, work) {
            let Ok(file) = File::open(&path) else { continue };
            let position = journals.files.len();
            let entries = entries(&file, position);
            journals.files.push((path, Mutex::new(file)));
            for (run, location) in entries {
                journals.add(run, location);
            }
        }
        journals
    }

    /// A run that succeeded counts more than the same one that failed.
    fn add(&mut self, run: u64, location: Location) {
        let known = self.found.entry(run).or_insert(location);
        if known.failed && !location.failed {
            *known = location;
        }
    }

    /// The record of a run that is over and did not fail.
    pub(crate) fn record(&self, run: &Run) -> Option<RunRecord> {
        self.outcome(run)?.ok()
    }

    /// What came of a run.
    fn outcome(&self, run: &Run) -> Option<Outcome> {
        let key = kept::key(run).ok()?;
        let (heading, outcome) = kept::open(&self.bytes(self.found.get(&key)?)?)?;
        (heading.run == key).then_some(outcome)
    }

    fn bytes(&self, location: &Location) -> Option<Vec<u8>> {
        let mut file = self.files[location.file].1.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; location.length as usize];
        file.seek(SeekFrom::Start(location.at)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Number of runs that did not fail.
    pub(crate) fn succeeded(&self) -> usize {
        self.found.values().filter(|location| !location.failed).count()
    }

    /// Whether there is no journal at all.
    pub(crate) fn is_none(&self) -> bool {
        self.files.is_empty()
    }

    /// Points of which runs were found, and those of them of which a run failed.
    pub(crate) fn points(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let points = self.found.values().map(|location| location.point).collect();
        let failed = self.found.values().filter(|location| location.failed).map(|location| location.point).collect();
        (points, failed)
    }
}

/// Removes the journals of work whose results are in place. A worker that still writes to one of them notices nothing, or finds the results.
///
/// # Errors
/// [`Fault::Unwritable`].
pub(crate) fn discard(folder: &Path, work: &str) -> Result<(), Fault> {
    for path in paths(folder, work) {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Fault::unwritable(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

fn paths(folder: &Path, work: &str) -> Vec<PathBuf> {
    let prefix = format!("{work}.");
    let of_work = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(SUFFIX)
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(of_work).collect();
    paths.sort();
    paths
}

/// The entries of a journal up to the first that is not whole.
fn entries(file: &File, position: usize) -> Vec<(u64, Location)> {
    let mut found = Vec::new();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut magic = vec![0; MAGIC.len()];
    if reader.read_exact(&mut magic).is_err() || magic != MAGIC {
        return found;
    }
    let mut at = MAGIC.len() as u64;
    let (mut length, mut bytes) = ([0; 4], Vec::new());
    while reader.read_exact(&mut length).is_ok() {
        let length = u32::from_le_bytes(length);
        at += 4;
        // A damaged length must not ask for memory that the file does not fill.
        if at + u64::from(length) > size {
            break;
        }
        bytes.resize(length as usize, 0);
        if reader.read_exact(&mut bytes).is_err() {
            break;
        }
        let Some(heading) = kept::heading(&bytes) else { break };
        let location = Location { file: position, at, length, point: heading.point, failed: heading.failed };
        found.push((heading.run, location));
        at += u64::from(length);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::journal::Journal;
    use crate::sweep::kept::Heading;

    fn run(id: u64) -> Run {
        Run { world: 0, variant: 0, seed: 0, id: format!("{id:016x}") }
    }

    fn keep(journal: &Journal, id: u64, outcome: &Outcome) {
        let heading = Heading::of(id as usize, &run(id), outcome).unwrap();
        journal.append([kept::seal(&heading, outcome).unwrap().as_slice()]).unwrap();
    }

    #[test]
    fn a_run_that_once_succeeded_has_succeeded() {
        let folder = tempfile::tempdir().unwrap();
        let (failed, ran) = (Err("no luck".to_owned()), Ok(RunRecord { events: 3, ..RunRecord::default() }));
        for order in [[&failed, &ran], [&ran, &failed]] {
            for outcome in order {
                keep(&Journal::begin(folder.path(), "work").unwrap(), 7, outcome);
            }
            let journals = Journals::read(folder.path(), "work");
            assert_eq!((journals.record(&run(7)), journals.succeeded()), (ran.clone().ok(), 1));
            discard(folder.path(), "work").unwrap();
        }
        keep(&Journal::begin(folder.path(), "work").unwrap(), 7, &failed);
        let journals = Journals::read(folder.path(), "work");
        assert_eq!((journals.record(&run(7)), journals.succeeded()), (None, 0), "it is tried again");
        let (points, failed) = journals.points();
        assert_eq!((points.len(), failed.len()), (1, 1));
        assert!(Journals::read(folder.path(), "wor").is_none(), "other work has other journals");
    }

    #[test]
    fn whatever_is_cut_off_the_end_only_the_end_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), "work").unwrap();
        for id in 0..3 {
            keep(&journal, id, &Ok(RunRecord { events: id, ..RunRecord::default() }));
        }
        let path = paths(folder.path(), "work").remove(0);
        let whole = std::fs::read(&path).unwrap();
        let entry = (whole.len() - MAGIC.len()) / 3;
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let expected = length.saturating_sub(MAGIC.len()) / entry;
            assert_eq!(Journals::read(folder.path(), "work").succeeded(), expected, "{length} bytes");
        }
    }
}
