//! The thing under test, as the child of one case opens it.

use std::path::PathBuf;

use isotherm_plugin_host::{Functions, Item, Library, ManifestEntry};
use serde_json::Value;

use crate::finding::{Checked, Finding};
use crate::memory::heap::Before;
use crate::options::object;

/// Names what is to be tested.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The library.
    pub(crate) file: PathBuf,
    /// Which of the things it offers.
    pub(crate) item: Item,
    /// Options that take the place of the manifest's example.
    pub(crate) options: Option<String>,
    /// Root of all that is random.
    pub(crate) seed: u64,
    /// Whether clocks are to be wrong and the heap is to be filled.
    pub(crate) elsewhere: bool,
}

/// An open library and one thing that it offers.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) library: &'static Library,
    pub(crate) functions: Functions,
    /// What the manifest says of it.
    pub(crate) entry: ManifestEntry,
    /// Options that work, as JSON.
    pub(crate) options: String,
    /// What was loaded before.
    before: Before,
}

impl Subject {
    /// Opens the library as isotherm does.
    pub(crate) fn open(&self) -> Checked<Opened> {
        let before = Before::now();
        let library = Library::open(&self.file).map_err(|refusal| Finding::Fault(refusal.to_string()))?;
        let functions = *library
            .functions(&self.item)
            .ok_or_else(|| Finding::Fault(format!("offers no {} `{}`", self.item.kind.noun(), self.item.name)))?;
        if self.elsewhere {
            before.displace_newer();
        }
        let mut entry = library.manifest().entry(&self.item).cloned().unwrap_or_default();
        if let Some(options) = &self.options {
            let given = object(options).map_err(|what| Finding::Fault(format!("the options given: {what}")))?;
            entry.example = Value::Object(given);
        }
        let options = if entry.example.is_object() { entry.example.to_string() } else { "{}".to_owned() };
        Ok(Opened { library, functions, entry, options, before })
    }
}

impl Opened {
    /// Watches the library's heap from now on.
    pub(crate) fn watch_heap(&self) -> Checked {
        if self.before.watch_newer() {
            return Ok(());
        }
        let reason = "it calls no malloc that can be watched";
        Err(Finding::NotApplicable(reason.to_owned()))
    }
}
