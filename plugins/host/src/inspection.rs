//! Looking at a file without running anything of it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use isotherm_plugin_abi::{ABI_MAJOR, ABI_MINOR};
use sha2::{Digest, Sha256};

use crate::file_kind::{FileKind, Machine, System, file_kind};
use crate::label::{Label, find_label};
use crate::refusal::{Refusal, RefusalKind};

/// A file that looks like a plugin this program can use. None of its code has run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The file as it was named.
    pub file: PathBuf,
    /// The file without links and relative parts: what is opened.
    pub path: PathBuf,
    /// What it says of itself.
    pub label: Label,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// What kind of file it is: who can open it.
    pub format: FileKind,
}

impl Inspection {
    /// For those who look at files of their own kind: `path` is `file` without links and relative parts, `bytes` are all of the file.
    ///
    /// ```
    /// use isotherm_plugin_host::{FileKind, Inspection};
    /// let label = "abi 1.0\npackage acme\nversion 0.3.1\nrouter acme/x\n".parse()?;
    /// let module = Inspection::new("acme.wasm".as_ref(), "/routers/acme.wasm".into(), FileKind::WebAssembly, label, b"\0asm");
    /// assert!(module.sha256.starts_with("cd5d4935a48c"));
    /// # Ok::<(), isotherm_plugin_host::LabelFault>(())
    /// ```
    #[must_use]
    pub fn new(file: &Path, path: PathBuf, format: FileKind, label: Label, bytes: &[u8]) -> Self {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { file: file.to_owned(), path, label, sha256, format }
    }
}

/// Reads a file's kind and label, and whether this program can use it.
///
/// # Errors
/// A [`Refusal`] of its own for each way in which a file can be no plugin.
pub fn inspect(file: &Path) -> Result<Inspection, Refusal> {
    let (path, bytes) = read(file)?;
    let format = file_kind(&bytes);
    check_kind(file, &format)?;
    let label = match find_label(&bytes) {
        Ok(Some(label)) => label,
        Ok(None) => {
            return Err(Refusal::new(
                file,
                RefusalKind::NoLabel,
                "a shared library without a label",
                "a plugin of isotherm",
                "plugins in Rust get their label from the export macros, in C from ISOTHERM_LABEL",
            ));
        }
        Err(fault) => {
            return Err(Refusal::new(
                file,
                RefusalKind::BadLabel,
                format!("a label with {fault}"),
                "lines such as `abi 1.0`, `package acme-routers`, `version 0.3.1` and `router acme/cool-first`",
                "build it anew with the export macros or ISOTHERM_LABEL",
            ));
        }
    };
    check_interface(file, label.abi)?;
    Ok(Inspection::new(file, path, format, label, &bytes))
}

/// The path to open and the bytes of the file.
fn read(file: &Path) -> Result<(PathBuf, Vec<u8>), Refusal> {
    let refuse = |kind, found: String, remedy: &str| Err(Refusal::new(file, kind, found, "a plugin library", remedy));
    let path = match fs::canonicalize(file) {
        Ok(path) => path,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match fs::read_link(file) {
                Ok(target) => refuse(
                    RefusalKind::DanglingLink,
                    format!("a link to `{}`, where nothing is", target.display()),
                    "link to the library's present place or remove the link",
                ),
                Err(_) => refuse(RefusalKind::Missing, "nothing there".to_owned(), "check the path"),
            };
        }
        Err(error) => return refuse(RefusalKind::Unreadable, format!("no way to it ({error})"), "check the path"),
    };
    let unreadable = |error: std::io::Error| {
        refuse(RefusalKind::Unreadable, format!("a file that cannot be read ({error})"), "check its permissions")
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => refuse(
            RefusalKind::Directory,
            "a folder".to_owned(),
            "name a library in it, or put the folder into ISOTHERM_PLUGIN_PATH",
        ),
        Ok(metadata) if !metadata.is_file() => {
            refuse(RefusalKind::NotAFile, "something that is no regular file".to_owned(), "name a regular file")
        }
        Ok(_) => match fs::read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(error) => unreadable(error),
        },
        Err(error) => unreadable(error),
    }
}

/// What to do with a module in a program that has no sandbox for it.
const WITH_SANDBOX: &str = "build isotherm with `--features wasm`, or build it as a native library";

/// A shared library for this system and processor.
fn wanted() -> String {
    let machine = Machine::HERE.map_or_else(|| std::env::consts::ARCH.to_owned(), |machine| machine.to_string());
    format!("a shared library for {machine} on {}", System::HERE)
}

/// Whether the system's loader can be asked to open such a file.
pub(crate) fn check_kind(file: &Path, found: &FileKind) -> Result<(), Refusal> {
    let built = if cfg!(windows) {
        "target\\release\\acme.dll"
    } else if cfg!(target_vendor = "apple") {
        "target/release/libacme.dylib"
    } else {
        "target/release/libacme.so"
    };
    let name_it = format!("give the built library, for example {built}");
    let build_here = "build it on or for this computer".to_owned();
    let (kind, remedy) = match found {
        FileKind::Shared { system, .. } if *system != System::HERE => (RefusalKind::OtherSystem, build_here),
        FileKind::Shared { machines, .. } => match Machine::HERE {
            Some(here) if !machines.contains(&here) => (RefusalKind::OtherMachine, build_here),
            _ => return Ok(()),
        },
        FileKind::Empty => (RefusalKind::Empty, "copy or build it anew".to_owned()),
        FileKind::Text => (RefusalKind::Text, name_it),
        FileKind::Unknown => (RefusalKind::UnknownFormat, name_it),
        FileKind::NotShared(_) => (RefusalKind::NotShared, "in Cargo.toml, crate-type = [\"cdylib\"]".to_owned()),
        FileKind::WebAssembly => (RefusalKind::WebAssembly, WITH_SANDBOX.to_owned()),
        FileKind::Truncated { .. } => (RefusalKind::Truncated, "copy or build it anew".to_owned()),
    };
    Err(Refusal::new(file, kind, found.to_string(), wanted(), remedy))
}

/// Whether a plugin that was built for an interface can be used here.
pub(crate) fn check_interface(file: &Path, (major, minor): (u16, u16)) -> Result<(), Refusal> {
    let found = format!("a plugin for interface {major}.{minor}");
    if major != ABI_MAJOR {
        let expected = format!("one for interface {ABI_MAJOR}.0 to {ABI_MAJOR}.{ABI_MINOR}, which this isotherm has");
        let remedy = if major > ABI_MAJOR {
            "use a later isotherm, or a version of the plugin for this one"
        } else {
            "ask for a newer version of the plugin, or build it anew"
        };
        return Err(Refusal::new(file, RefusalKind::OtherMajor, found, expected, remedy));
    }
    if minor > ABI_MINOR {
        let expected = format!("at most {ABI_MAJOR}.{ABI_MINOR}, which this isotherm has");
        let remedy = "use a later isotherm, or an earlier version of the plugin";
        return Err(Refusal::new(file, RefusalKind::NewerMinor, found, expected, remedy));
    }
    Ok(())
}
