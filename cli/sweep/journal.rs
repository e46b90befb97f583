//! Journals: what a worker has finished of work that is not finished.
//!
//! A journal belongs to one worker, which only ever writes at its end; whoever does the same work next reads all journals of it. A worker that
//! was killed in mid-word leaves a tail that its checksum does not fit: reading ends there, and what is lost is done again. Runs are found by
//! their ids, which are hashes of everything that decides them: a journal of something else does no harm.

mod read;

pub(crate) use read::{Journals, discard};

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// The first bytes of a journal; the number changes with its form.
const MAGIC: &[u8] = b"isotherm journal 2\n";
const SUFFIX: &str = ".journal";

/// What is on its way to the disk after this long is waited for: what a power cut can cost.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// A journal that this process writes.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Bytes that are whole entries.
    whole: u64,
    /// What the system said when an entry could not be written whole: nothing may follow it.
    broken: Option<i32>,
    synced: Instant,
}

impl Journal {
    /// Begins a journal of the work called `work`, under a name that nobody else has.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(crate) fn begin(folder: &Path, work: &str) -> Result<Self, Fault> {
        let begin = || -> std::io::Result<(File, PathBuf)> {
            std::fs::create_dir_all(folder)?;
            let prefix = format!("{work}.");
            let file = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).rand_bytes(12).tempfile_in(folder)?;
            let (mut file, path) = file.keep().map_err(|error| error.error)?;
            file.write_all(MAGIC)?;
            Ok((file, path))
        };
        let (file, path) = begin().map_err(|error| Fault::unwritable(folder, error))?;
        let open = Open { file, whole: MAGIC.len() as u64, broken: None, synced: Instant::now() };
        Ok(Self { path, open: Mutex::new(open) })
    }

    /// Appends kept runs in one go. They survive the end of this process at once, and a power cut after some seconds.
    ///
    /// # Errors
    /// [`Fault::Unwritable`]; what was appended before stays readable.
    pub(crate) fn append<'e>(&self, entries: impl IntoIterator<Item = &'e [u8]>) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        for entry in entries {
            let length = u32::try_from(entry.len())
                .map_err(|_| Fault::Internal(format!("a record of {} bytes is too long to keep", entry.len())))?;
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(entry);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.append(&bytes).map_err(|error| Fault::unwritable(&self.path, error))
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.file.sync_data().map_err(|error| Fault::unwritable(&self.path, error))
    }
}

impl Open {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(code) = self.broken {
            return Err(std::io::Error::from_raw_os_error(code));
        }
        if let Err(error) = self.file.write_all(bytes) {
            // Half an entry would hide all that follow.
            self.broken = Some(error.raw_os_error().unwrap_or_default());
            let _ = self.file.set_len(self.whole);
            return Err(error);
        }
        self.whole += bytes.len() as u64;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.file.sync_data()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}
