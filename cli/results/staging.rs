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
    origin: Vec<(&'static str, String)>,
    waiting: TempDir,
    /// Held as long as the folder is in use; `None` where the file system knows no locks.
    _lock: Option<File>,
}

/// How the folders are called.
const PREFIX: &str = ".writing";

/// The file whose lock tells that somebody writes. Nothing but tidying up depends on it.
const LOCK: &str = "lock";

impl Staging {
    /// Makes it. `origin` is what tables say of where they are from.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(super) fn begin(results: &Path, origin: Vec<(&'static str, String)>) -> Result<Self, Fault> {
        let begin = || {
            remove_abandoned(results)?;
            let waiting = tempfile::Builder::new().prefix(PREFIX).tempdir_in(results)?;
            let lock = lock(&waiting)?;
            Ok(Self { results: results.to_owned(), origin, waiting, _lock: lock })
        };
        begin().map_err(|error| Fault::unwritable(results, error))
    }

    /// What tables say of where they are from, key by key.
    pub(super) fn origin(&self) -> &[(&'static str, String)] {
        &self.origin
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
    /// the names and is not there this time goes away. The summary that was there goes before other files change and the new one comes last, so
    /// that a folder with a summary is complete at every instant.
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
        if names.iter().any(|name| *name != SUMMARY) {
            remove_if_there(&self.results.join(SUMMARY))?;
        }
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

/// Locks a folder. The file gets its name when it is locked: whoever finds it free finds it abandoned.
fn lock(waiting: &TempDir) -> std::io::Result<Option<File>> {
    let file = tempfile::NamedTempFile::new_in(waiting.path())?;
    if file.as_file().try_lock().is_err() {
        return Ok(None);
    }
    Ok(Some(file.persist(waiting.path().join(LOCK)).map_err(|error| error.error)?))
}

/// Removes what writers have left that were killed; what somebody still writes stays.
fn remove_abandoned(results: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(results)? {
        let path = entry?.path();
        let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let opened = || File::options().write(true).open(path.join(LOCK));
        let is_free = || opened().is_ok_and(|lock| lock.try_lock().is_ok());
        if is_ours && is_free() {
            // Another start may be removing it, too.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_together_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "other", SUMMARY] {
            std::fs::write(folder.path().join(name), "old").unwrap();
        }
        let staging = Staging::begin(folder.path(), Vec::new()).unwrap();
        staging.put("a", b"new").unwrap();
        staging.put(SUMMARY, b"new").unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((read("a"), read(SUMMARY)), ("old".to_owned(), "old".to_owned()));
        staging.publish(&["a", "b", SUMMARY]).unwrap();
        assert_eq!((read("a"), read(SUMMARY)), ("new".to_owned(), "new".to_owned()));
        assert_eq!(names(folder.path()), ["a", "other", SUMMARY]);
    }

    #[test]
    fn what_a_killed_writer_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let killed = Staging::begin(folder.path(), Vec::new()).unwrap();
        killed.put("a", b"half").unwrap();
        let Staging { waiting, _lock: lock, .. } = killed;
        let left = waiting.keep();
        let busy = Staging::begin(folder.path(), Vec::new()).unwrap();
        assert!(left.is_dir(), "its lock is held");
        drop(lock);
        let next = Staging::begin(folder.path(), Vec::new()).unwrap();
        assert!(!left.exists() && busy.path().is_dir() && next.path().is_dir());
        drop((busy, next));
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
