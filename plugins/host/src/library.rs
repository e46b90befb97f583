//! Opening a library: once in a process, with its promises checked, and never closed again.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use isotherm_plugin_abi::{ENTRY, Entry, Host, Plugin};

use crate::float_control::FloatControl;
use crate::host_table::host_for;
use crate::inspection::{Inspection, check_kind, inspect};
use crate::label::{Item, Label};
use crate::log::{Level, log};
use crate::manifest::Manifest;
use crate::refusal::{Refusal, RefusalKind};
use crate::tables::{self, Functions};

/// A library that is open. It stays so as long as the process lives: code of it may stand in destructors of threads, and pointers into it
/// everywhere.
#[derive(Debug)]
pub struct Library {
    inspection: Inspection,
    manifest: Manifest,
    offers: Vec<(Item, Functions)>,
    host: &'static Host,
    entry: Entry,
    plugin: *const Plugin,
}

#[expect(unsafe_code, reason = "a pointer to a table of a library")]
// SAFETY: the contract makes the table read-only for the life of the process, and its functions callable from all threads.
unsafe impl Send for Library {}
#[expect(unsafe_code, reason = "a pointer to a table of a library")]
// SAFETY: as above.
unsafe impl Sync for Library {}

/// The libraries of this process by the files they come from.
static OPENED: Mutex<BTreeMap<PathBuf, &'static Library>> = Mutex::new(BTreeMap::new());

impl Library {
    /// Opens a library, or answers with the one that has been opened from this file before. Its code runs: it has every right of this
    /// process.
    ///
    /// # Errors
    /// A [`Refusal`] that says what was found and what is needed.
    pub fn open(file: &Path) -> Result<&'static Self, Refusal> {
        Self::open_inspected(&inspect(file)?)
    }

    /// [`Library::open`] for a file that has been looked at already.
    ///
    /// # Errors
    /// As [`Library::open`].
    pub fn open_inspected(inspection: &Inspection) -> Result<&'static Self, Refusal> {
        check_kind(&inspection.file, &inspection.format)?;
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = opened.get(&inspection.path) {
            return Ok(library);
        }
        let library: &'static Self = Box::leak(Box::new(Self::load(inspection)?));
        opened.insert(inspection.path.clone(), library);
        Ok(library)
    }

    fn load(inspection: &Inspection) -> Result<Self, Refusal> {
        let file = inspection.file.as_path();
        let title = title(&inspection.label, file);
        let entry = guarded(&title, "loading it", || symbol(inspection))?;
        let host = host_for(title.clone());
        #[expect(unsafe_code, reason = "the library's entry function")]
        // SAFETY: a library with a label promises that the function of this name is an entry of this interface.
        let plugin = guarded(&title, "its entry function", || unsafe { entry(host) });
        #[expect(unsafe_code, reason = "the library's tables")]
        // SAFETY: `plugin` is what the entry function has answered.
        let tables = unsafe { tables::read(file, plugin)? };
        let manifest = read_manifest(file, &tables.manifest)?;
        check_label(file, &inspection.label, &manifest, &tables.offers)?;
        Ok(Self { inspection: inspection.clone(), manifest, offers: tables.offers, host, entry, plugin })
    }

    /// The file, its label and the SHA-256 of its bytes.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// What the file said of itself before it was opened.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.inspection.label
    }

    /// What it says of itself now.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it offers, with the functions of each, in its own order.
    #[must_use]
    pub fn offers(&self) -> &[(Item, Functions)] {
        &self.offers
    }

    /// The functions of one thing that it offers.
    #[must_use]
    pub fn functions(&self, item: &Item) -> Option<&Functions> {
        self.offers.iter().find(|(offered, _)| offered == item).map(|(_, functions)| functions)
    }

    /// What this program offers to the library.
    #[must_use]
    pub fn host(&self) -> &'static Host {
        self.host
    }

    /// The entry function itself, for tests that call it as other hosts would.
    #[must_use]
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// What the entry function has answered; it lives as long as the process.
    #[must_use]
    pub fn plugin(&self) -> *const Plugin {
        self.plugin
    }

    /// How messages name it: package, version and file.
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.inspection.label, &self.inspection.file)
    }

    /// How messages name one thing that it offers: "plugin `acme/x` 0.3.1 (libacme.so)".
    pub(crate) fn subject(&self, name: &str) -> String {
        format!("plugin `{name}` {} ({})", self.inspection.label.version, file_name(&self.inspection.file))
    }
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

fn title(label: &Label, file: &Path) -> String {
    format!("{} {} ({})", label.package, label.version, file_name(file))
}

/// Calls into a library, and puts the floating-point control word back if that has changed it.
pub(crate) fn guarded<T>(title: &str, what: &str, call: impl FnOnce() -> T) -> T {
    let before = FloatControl::read();
    let value = call();
    if before.restore() {
        let message = format!(
            "{what} changed how this thread computes with floating-point numbers; that has been undone. \
             Build it without -ffast-math"
        );
        log(Level::Warning, title, &message);
    }
    value
}

/// Opens the file and finds the entry function.
fn symbol(inspection: &Inspection) -> Result<Entry, Refusal> {
    let file = inspection.file.as_path();
    let library = open(&inspection.path).map_err(|error| {
        let said = error_text(&error, &inspection.path);
        let found = format!("a library that the system cannot load ({said})");
        let remedy = format!("install or build what it needs; `ldd {}` lists that on Linux", inspection.path.display());
        Refusal::new(file, RefusalKind::OpenFailed, found, "one whose needs are met on this computer", remedy)
    })?;
    #[expect(unsafe_code, reason = "an address in a library")]
    // SAFETY: the symbol is only looked at as an address.
    let address = unsafe { library.get::<*const c_void>(ENTRY) }.map_or(std::ptr::null(), |symbol| *symbol);
    // Never closed: see `Library`.
    std::mem::forget(library);
    if address.is_null() {
        let found = format!("a label, but no function `{ENTRY}`");
        let remedy = "export the function; linkers and `strip` may have dropped it";
        return Err(Refusal::new(file, RefusalKind::NoEntry, found, format!("`{ENTRY}` to be exported"), remedy));
    }
    #[expect(unsafe_code, reason = "an address in a library")]
    // SAFETY: not null; a library with a label promises that the function of this name has this type.
    Ok(unsafe { std::mem::transmute::<*const c_void, Entry>(address) })
}

#[cfg(unix)]
type Opened = libloading::os::unix::Library;
#[cfg(not(unix))]
type Opened = libloading::Library;

#[cfg(unix)]
#[expect(unsafe_code, reason = "runs the library's constructors")]
fn open(path: &Path) -> Result<Opened, libloading::Error> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    /// The library stays even if something else closes it; 0 where the system has no such flag.
    const RTLD_NODELETE: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
        0x1000
    } else if cfg!(target_vendor = "apple") {
        0x80
    } else {
        0
    };
    // SAFETY: whoever names a plugin trusts its code, as the documentation of `Library::open` says.
    unsafe { Opened::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }
}

#[cfg(not(unix))]
#[expect(unsafe_code, reason = "runs the library's constructors")]
fn open(path: &Path) -> Result<Opened, libloading::Error> {
    // SAFETY: whoever names a plugin trusts its code, as the documentation of `Library::open` says.
    unsafe { Opened::new(path) }
}

/// What the system's loader says, without the path that stands before it anyway.
fn error_text(error: &libloading::Error, path: &Path) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
}

fn read_manifest(file: &Path, text: &str) -> Result<Manifest, Refusal> {
    text.parse().map_err(|error: serde_json::Error| {
        let found = format!("a manifest that is none ({error})");
        let remedy = "this is a fault of the plugin: tell its author";
        Refusal::new(file, RefusalKind::BadTable, found, "a JSON object", remedy)
    })
}

/// What was read from the file must be what the code says: lists are made from labels, runs from code.
fn check_label(file: &Path, label: &Label, manifest: &Manifest, offers: &[(Item, Functions)]) -> Result<(), Refusal> {
    let mismatch = |found: String, expected: String| {
        let remedy = "build it anew; label and code are of different versions";
        Err(Refusal::new(file, RefusalKind::LabelMismatch, found, expected, remedy))
    };
    if !manifest.version.is_empty() && manifest.version != label.version {
        let expected = format!("version {}, as its label says", label.version);
        return mismatch(format!("version {}", manifest.version), expected);
    }
    let offered = |item: &Item| offers.iter().any(|(offered, _)| offered == item);
    if let Some(item) = label.items.iter().find(|item| !offered(item)) {
        let what = format!("{} `{}`", item.kind.noun(), item.name);
        return mismatch(format!("no {what}"), format!("the {what} of its label"));
    }
    if let Some((item, _)) = offers.iter().find(|(item, _)| !label.items.contains(item)) {
        let found = format!("the {} `{}`", item.kind.noun(), item.name);
        return mismatch(found, "only what its label says".to_owned());
    }
    Ok(())
}
