//! The label of a library: text in its data that says what it offers, to be read from the file before any of its code runs.
//!
//! A label begins with [`MAGIC`] and ends with a zero byte. Between them stand lines of `key value`:
//!
//! ```text
//! abi 1.0
//! package acme-routers
//! version 0.3.1
//! router acme/cool-first
//! telemetry acme/csv-pipe
//! ```
//!
//! `abi`, `package` and `version` stand once; `router`, `telemetry`, `placement` and `load` once for each thing that scenarios can name. Readers pass over
//! keys they do not know. Rust plugins get it from the export macros, C plugins from `ISOTHERM_LABEL`.

/// First bytes of a label. They stand in a library's data once, and in no other program: this crate holds them apart.
pub const MAGIC: [&str; 2] = ["isotherm:", "plugin:label\n"];

/// The keys that name what scenarios can name.
pub const KINDS: [&str; 4] = ["router", "telemetry", "placement", "load"];
