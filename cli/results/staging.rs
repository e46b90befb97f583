//! Files on their way into a results folder: all of them are complete before the first one takes its place.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::folder::{SUMMARY, remove_if_there};
use crate::fault::Fault;

/// A folder inside the results folder, where files wait. It goes away with this value, and with it what was not published.
#[derive(Debug)]
pub(super) struct Staging {
    results: PathBuf,
    waiting: TempDir,
}

impl Staging {
    /// Makes it.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(super) fn begin(results: &Path) -> Result<Self, Fault> {
        let waiting = tempfile::Builder::new().prefix(".writing").tempdir_in(results);
        Ok(Self { results: results.to_owned(), waiting: waiting.map_err(|error| Fault::unwritable(results, error))? })
    }

    /// Where other temporary files can be.
    pub(super) fn path(&self) -> &Path {
        self.waiting.path()
    }

    /// A new file that is to have this name.
    pub(super) fn create(&self, name: &str) -> std::io::Result<File> {
        File::create(self.waiting.path().join(name))
    }

    /// A whole file that is to have this name.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.create(name).and_then(|mut file| file.write_all(bytes)).map_err(|error| self.unwritable(name, error))
    }

    /// A fault of one of the files, under the name that it is to have.
    pub(super) fn unwritable(&self, name: &str, error: std::io::Error) -> Fault {
        Fault::unwritable(&self.results.join(name), error)
    }

    /// Brings everything to the disk, then moves it to its place, in the order of `names`. What an earlier comparison left under one of
    /// the names and is not there this time goes away. The summary that was there goes first and the new one comes last, so that a folder
    /// with a summary is complete at every instant.
    ///
    /// # Errors
    /// [`Fault::Unwritable`]; before the first file has moved, the folder is as it was.
    pub(super) fn publish(self, names: &[&str]) -> Result<(), Fault> {
        for name in names {
            match File::open(self.waiting.path().join(name)) {
                Ok(file) => readable(&file).and_then(|()| file.sync_data()).map_err(|e| self.unwritable(name, e))?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.unwritable(name, error)),
            }
        }
        remove_if_there(&self.results.join(SUMMARY))?;
        for name in names {
            let (from, to) = (self.waiting.path().join(name), self.results.join(name));
            match std::fs::rename(from, &to) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => remove_if_there(&to)?,
                other => other.map_err(|error| self.unwritable(name, error))?,
            }
        }
        Ok(())
    }
}

/// Results are for everybody whom the folder lets in.
fn readable(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}
