//! A module that has been compiled: what it offers, and instances of it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use isotherm_plugin_host::{Inspection, Label, Level, LogSink, Manifest, Refusal, RefusalKind};
use serde_json::{Map, Value};

use crate::engine::compile;
use crate::guest::{Functions, Sandbox, Settings, Tables, TablesFault};
use crate::inspection::{inspect_bytes, is_usable, other_interface};
use crate::limits::Limits;
use crate::options::{OptionsFault, configure};
use crate::router::WasmRouter;
use crate::stop::{LONGEST_LINE, Stop, clean};

/// A WebAssembly plugin, compiled once. Cheap to clone; its routers keep it alive.
#[derive(Clone)]
pub struct Module(Arc<Compiled>);

#[derive(Clone)]
struct Compiled {
    inspection: Inspection,
    manifest: Manifest,
    routers: Vec<String>,
    module: wasmtime::Module,
    settings: Settings,
}

impl Module {
    /// Compiles a file and asks it what it offers, within `limits`, which also hold for every instance made later.
    ///
    /// # Errors
    /// A [`Refusal`] that says what was found, what was expected and what to do.
    pub fn open(file: &Path, limits: Limits) -> Result<Self, Refusal> {
        let (inspection, bytes) = inspect_bytes(file)?;
        let module = compile(file, &bytes)?;
        let label = &inspection.label;
        let title = format!("{} {} ({})", label.package, label.version, file_name(file));
        let settings = Settings { limits, title: title.into(), log: to_stderr };
        let (manifest, routers) = (Manifest::default(), Vec::new());
        let mut compiled = Compiled { inspection, manifest, routers, module, settings };
        let (_, tables) = compiled.start().map_err(|fault| compiled.refusal(fault))?;
        compiled.manifest = compiled.read_manifest(&tables.manifest)?;
        compiled.routers = tables.routers.into_iter().map(|(name, _)| name).collect();
        compiled.check_label()?;
        Ok(Self(Arc::new(compiled)))
    }

    /// This module with its messages sent somewhere else than to standard error; instances made from now on use it.
    #[must_use]
    pub fn with_log(self, log: LogSink) -> Self {
        let mut compiled = Arc::unwrap_or_clone(self.0);
        compiled.settings.log = log;
        Self(Arc::new(compiled))
    }

    /// The file, its label and the SHA-256 of the bytes that were compiled.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.0.inspection
    }

    /// The file as it was named.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.inspection.file
    }

    /// SHA-256 of the file's bytes, in hexadecimal digits: enough to tie a result to it.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.0.inspection.sha256
    }

    /// What the file said of itself before it was compiled.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.0.inspection.label
    }

    /// What it says of itself now: documentation, and the schemas of options.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// Names of the routers it offers, in its own order; at least one.
    #[must_use]
    pub fn routers(&self) -> &[String] {
        &self.0.routers
    }

    /// What each instance may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.settings.limits
    }

    /// A router with options: the module checks them and fills in what was left out.
    ///
    /// # Errors
    /// An [`OptionsFault`] with what the module reports to be wrong, or why it was stopped.
    pub fn router(&self, name: &str, options: &Map<String, Value>) -> Result<WasmRouter, OptionsFault> {
        configure(self, name, options)
    }

    /// How messages name one of its routers: "plugin `acme/x` 0.3.1 (acme.wasm)".
    pub(crate) fn subject(&self, name: &str) -> String {
        let Inspection { label, file, .. } = self.inspection();
        format!("plugin `{name}` {} ({})", label.version, file_name(file))
    }

    /// A new instance, with the functions of one of its routers. Reads the tables anew: a module may fill them in when it is asked.
    pub(crate) fn instance(&self, name: &str) -> Result<(Sandbox, Functions), Stop> {
        let changed = || Stop::Engine("it no longer offers what it has offered".to_owned());
        let (sandbox, tables) = self.0.start().map_err(|fault| match fault {
            TablesFault::Stopped(stop) => stop,
            _ => changed(),
        })?;
        let functions = tables.routers.into_iter().find(|(offered, _)| offered == name).ok_or_else(changed)?.1;
        Ok((sandbox, functions))
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Inspection { file, label, .. }, limits) = (self.inspection(), self.limits());
        f.debug_struct("Module").field("file", file).field("label", label).field("limits", &limits).finish()
    }
}

impl Compiled {
    fn start(&self) -> Result<(Sandbox, Tables), TablesFault> {
        let mut sandbox = Sandbox::new(&self.module, &self.settings)?;
        let tables = Tables::of(&mut sandbox, is_usable)?;
        Ok((sandbox, tables))
    }

    fn refusal(&self, fault: TablesFault) -> Refusal {
        let (file, tell) = (self.inspection.file.as_path(), "this is a fault of the plugin: tell its author");
        match fault {
            TablesFault::Refused => {
                let found = "that the plugin refuses this host: its entry function answered null";
                let remedy = "its messages above may say why; ask for a version for this isotherm";
                Refusal::new(file, RefusalKind::EntryNull, found, "a table of what it offers", remedy)
            }
            TablesFault::Interface(interface) => other_interface(file, interface),
            TablesFault::Unusable { found, expected } => {
                Refusal::new(file, RefusalKind::BadTable, found, expected, tell)
            }
            TablesFault::Stopped(stop) => {
                let found = format!("a module that {stop}");
                Refusal::new(file, RefusalKind::Stopped, found, "one that says what it offers", tell)
            }
        }
    }

    fn read_manifest(&self, text: &str) -> Result<Manifest, Refusal> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let read = serde_json::from_str::<Value>(text).and_then(|value| serde_json::from_value(shown(value)));
        read.map_err(|error: serde_json::Error| {
            let found = format!("a manifest that is none ({})", clean(&error.to_string(), LONGEST_LINE));
            let remedy = "this is a fault of the plugin: tell its author";
            Refusal::new(&self.inspection.file, RefusalKind::BadTable, found, "a JSON object", remedy)
        })
    }

    /// What was read from the file must be what the code says: lists are made from labels, runs from code.
    fn check_label(&self) -> Result<(), Refusal> {
        let Self { inspection: Inspection { file, label, .. }, manifest, routers, .. } = self;
        let refuse = |found: String, expected: String| {
            let remedy = "build it anew; label and code are of different versions";
            Err(Refusal::new(file, RefusalKind::LabelMismatch, found, expected, remedy))
        };
        if !manifest.version.is_empty() && manifest.version != label.version {
            let found = format!("version {}", manifest.version);
            let expected = format!("version {}, as its label says", label.version);
            return refuse(found, expected);
        }
        let labelled = || label.items.iter().map(|item| &item.name);
        if let Some(name) = labelled().find(|name| !routers.contains(name)) {
            let expected = format!("the router `{name}` of its label");
            return refuse(format!("no router `{name}`"), expected);
        }
        if let Some(name) = routers.iter().find(|name| !labelled().any(|labelled| labelled == *name)) {
            let expected = "only what its label says".to_owned();
            return refuse(format!("the router `{name}`"), expected);
        }
        Ok(())
    }
}

/// The same with all texts fit for a terminal: commands show them.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => clean(&text, usize::MAX).into(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(object) => {
            let entry = |(key, value): (String, Value)| (clean(&key, usize::MAX), shown(value));
            Value::Object(object.into_iter().map(entry).collect())
        }
        other => other,
    }
}

fn file_name(file: &Path) -> String {
    clean(&file.file_name().unwrap_or(file.as_os_str()).to_string_lossy(), LONGEST_LINE)
}

/// Details are for authors, who set a sink of their own.
fn to_stderr(level: Level, plugin: &str, message: &str) {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Information => "note",
        Level::Detail => return,
    };
    eprintln!("{word}: plugin {plugin}: {message}");
}
