//! The host's side of plugins: finds libraries, reads what they are before anything of them runs, loads them, and makes what they offer
//! usable under the traits that the built-in kinds implement.
//!
//! A native library has every right of the process. So only what a scenario, a flag or the user's own folders name is ever opened, and
//! never the current directory.

mod copies;
mod discovery;
mod environment;
mod failure;
mod file_kind;
mod float_control;
mod host_table;
mod inspection;
mod instance;
mod label;
mod leaked;
mod library;
mod load;
mod log;
mod manifest;
mod offer;
pub mod options;
mod placement;
mod plugins;
mod refusal;
mod router;
mod samples;
mod state;
mod tables;
mod telemetry;
mod text;

pub use discovery::{Candidate, Discovery, Places, Searched, Shadowed, Source, UnknownName};
pub use environment::{Environment, PLUGIN_PATH};
pub use file_kind::{FileKind, Machine, System, file_kind};
pub use float_control::FloatControl;
pub use inspection::{Inspection, inspect};
pub use label::{Item, Kind, Label, LabelFault, find_label, is_plugin_name};
pub use library::Library;
pub use log::{Level, LogSink, set_log};
pub use manifest::{Manifest, ManifestEntry};
pub use plugins::{Plugins, Provenance};
pub use refusal::{Refusal, RefusalKind};
pub use tables::Functions;
