//! A file that somebody names for a command to write into: what is never replaced, and how it is written.
//!
//! A file that is already there is replaced only if the same command made it: a mistyped `-o` must not cost anybody a table. It is replaced
//! when the new one is whole. What is no file, a pipe for instance, is written into.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::exit;
use crate::fault::Fault;

/// What a command makes, and may therefore replace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// In a sentence: "is no ...".
    pub(crate) what: &'static str,
    /// Another name for it.
    pub(crate) example: &'static str,
    /// Whether a file is one.
    pub(crate) is_one: fn(File) -> bool,
}

/// A place that can be written to without harm.
#[derive(Debug)]
pub(crate) struct OutputFile {
    /// As it was named.
    named: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// There is nothing, or a file that may be replaced.
    File(PathBuf),
    /// A pipe or a device.
    Stream,
}

impl OutputFile {
    /// Looks at a place before anything is made for it.
    ///
    /// # Errors
    /// [`Fault::Usage`] for a folder or a file that this command did not make, [`Fault::Unwritable`] where there is no folder for it.
    pub(crate) fn at(path: &Path, kind: Kind) -> Result<Self, Fault> {
        let unwritable = |error| unwritable(path, error);
        let place = match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(refused(path, "is a folder", kind)),
            Ok(found) if !found.is_file() => Place::Stream,
            Ok(_) if !File::open(path).is_ok_and(kind.is_one) => {
                return Err(refused(path, &format!("is there already and is no {}", kind.what), kind));
            }
            // Behind a link its target is replaced, and the link stays.
            Ok(_) => Place::File(path.canonicalize().map_err(unwritable)?),
            Err(_) if path.is_symlink() => return Err(refused(path, "is a link that leads nowhere", kind)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::metadata(folder_of(path)).map_err(unwritable)?;
                Place::File(path.to_owned())
            }
            Err(error) => return Err(unwritable(error)),
        };
        Ok(Self { named: path.to_owned(), place })
    }

    /// Writes what `fill` writes; a file is there when all of it is, or not at all. A reader of a pipe that has gone away is no error.
    ///
    /// # Errors
    /// Those of `fill`, of which the inner one is that nothing more could be written: [`Fault::Unwritable`].
    pub(crate) fn write(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> Result<io::Result<()>, Fault>,
    ) -> Result<(), Fault> {
        let unwritable = |error| unwritable(&self.named, error);
        let Place::File(path) = &self.place else {
            let mut out = BufWriter::new(File::options().write(true).open(&self.named).map_err(unwritable)?);
            return match fill(&mut out)?.and_then(|()| out.flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(error)),
                _ => Ok(()),
            };
        };
        let mut file = tempfile::Builder::new().prefix(".writing").tempfile_in(folder_of(path)).map_err(unwritable)?;
        wait(Some(file.path()));
        let mut out = BufWriter::new(file.as_file_mut());
        let filled = fill(&mut out)?.and_then(|()| out.flush());
        drop(out);
        filled.and_then(|()| readable_by_all(file.as_file())).map_err(unwritable)?;
        file.persist(path).map_err(|error| unwritable(error.error))?;
        wait(None);
        Ok(())
    }

    /// Where it is, as it was named.
    pub(crate) fn path(&self) -> &Path {
        &self.named
    }
}

/// Writes a file whole or not at all, in the place of whatever has its name.
pub(crate) fn write_whole(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), Fault> {
    let place = Place::File(path.to_owned());
    OutputFile { named: path.to_owned(), place }.write(|out| Ok(out.write_all(contents.as_ref())))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refused(path: &Path, found: &str, Kind { example, .. }: Kind) -> Fault {
    Fault::Usage(format!("{} {found}\n  = help: choose another name with -o, for example -o {example}", path.display()))
}

fn unwritable(path: &Path, source: io::Error) -> Fault {
    let help = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room, or choose a file on another disk"
        }
        _ => "choose a file you may write to, in a folder that exists",
    };
    Fault::Unwritable { path: path.to_owned(), source, help }
}

/// The file that is being written under another name.
static WAITING: Mutex<Option<PathBuf>> = Mutex::new(None);

fn wait(path: Option<&Path>) {
    *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = path.map(Path::to_owned);
}

/// From now on Ctrl-C leaves no half of a file. Not for commands that listen to it for themselves.
pub(crate) fn tidy_when_interrupted() {
    // Without a handler the program ends all the same, and what it was writing stays under its other name.
    let _ = ctrlc::set_handler(|| {
        if let Some(path) = WAITING.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = std::fs::remove_file(path);
        }
        std::process::exit(i32::from(exit::INTERRUPTED.get()));
    });
}

/// Temporary files are for their owner alone; results are not.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}
