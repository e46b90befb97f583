//! From options as JSON to a router that has accepted them.

use isotherm_plugin_abi::{CONFIG, IS_REFERENCE, OK, USES_ORACLE};
use isotherm_plugin_host::options::Report;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::failure::failure;
use crate::guest::{Block, Fields, Record, Sandbox};
use crate::module::Module;
use crate::router::{Options, WasmRouter};
use crate::stop::{LONGEST_LINE, clean};

/// Why a module cannot make a router of options. Found before any run starts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionsFault {
    /// It offers no router of this name.
    #[error("{file} offers no router `{name}`, but {}", offers.join(", "))]
    NoSuchRouter {
        /// The module's file.
        file: String,
        /// The name.
        name: String,
        /// What it offers instead.
        offers: Vec<String>,
    },
    /// The module reports what is wrong with the options.
    #[error("{subject}: {}", sentence(reports))]
    Options {
        /// How messages name the plugin.
        subject: String,
        /// Every report, in the module's order; at least one.
        reports: Vec<Report>,
    },
    /// The module failed or was stopped; a sentence that names it.
    #[error("{0}")]
    Failed(String),
}

/// All reports in one line.
pub(crate) fn sentence(reports: &[Report]) -> String {
    let said = |report: &Report| match report.pointer.as_str() {
        "" => report.message.clone(),
        pointer => format!("{pointer}: {}", report.message),
    };
    reports.iter().map(said).collect::<Vec<_>>().join("; ")
}

/// Has a module check options.
pub(crate) fn configure(module: &Module, name: &str, options: &Map<String, Value>) -> Result<WasmRouter, OptionsFault> {
    let Some(name) = module.routers().iter().find(|offered| *offered == name) else {
        let (file, offers) = (module.file().display().to_string(), module.routers().to_vec());
        return Err(OptionsFault::NoSuchRouter { file, name: name.to_owned(), offers });
    };
    let subject = module.subject(name);
    let stopped = |stop| OptionsFault::Failed(format!("{subject} {stop}"));
    let (mut sandbox, functions) = module.instance(name).map_err(stopped)?;
    let config = Value::Object(options.clone()).to_string();
    if functions.configure == 0 {
        return Ok(WasmRouter::new(module, name, Options { config, resolved: options.clone(), traits: 0 }));
    }
    let function = sandbox.function::<(u32, u32, u32, u32), i32>(functions.configure, "configure").map_err(stopped)?;
    let lay = |block: &mut Block<'_>| (block.text(&config), block.record(Record::sized().word(0_u32)));
    let (_, (text, traits)) = sandbox.lay(lay).map_err(stopped)?;
    let callbacks = sandbox.callbacks();
    let status = sandbox.call(&function, (text, callbacks.sink, traits, callbacks.errors)).map_err(stopped)?;
    if status != OK {
        let reports = sandbox.reports().to_vec();
        return Err(if status == CONFIG && !reports.is_empty() {
            OptionsFault::Options { subject, reports }
        } else {
            OptionsFault::Failed(failure(&subject, "checking its options", status, &reports))
        });
    }
    let flags = traits_of(&sandbox, traits).map_err(stopped)?;
    let resolved = resolved(&sandbox, &config).map_err(|written| {
        OptionsFault::Failed(format!("{subject} has written `{written}` as its options; expected a JSON object"))
    })?;
    let written = String::from_utf8_lossy(sandbox.written()).into_owned();
    let config = if written.is_empty() { config } else { written };
    Ok(WasmRouter::new(module, name, Options { config, resolved, traits: flags & (USES_ORACLE | IS_REFERENCE) }))
}

fn traits_of(sandbox: &Sandbox, traits: u32) -> Result<u32, crate::stop::Stop> {
    let mut fields = Fields::of(sandbox.bytes(traits, 8, "traits")?);
    fields.skip::<u32>(1);
    Ok(fields.word())
}

/// What the module has written, or else the beginning of it. A plugin that has nothing to add writes nothing.
fn resolved(sandbox: &Sandbox, config: &str) -> Result<Map<String, Value>, String> {
    let written = String::from_utf8_lossy(sandbox.written());
    let text = if written.is_empty() { config } else { &written };
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(without_null(object)),
        _ => Err(clean(text, LONGEST_LINE.min(40))),
    }
}

/// Scenarios have no null: what is null is left out.
fn without_null(object: Map<String, Value>) -> Map<String, Value> {
    let value = |value| match value {
        Value::Null => None,
        Value::Object(object) => Some(Value::Object(without_null(object))),
        other => Some(other),
    };
    object.into_iter().filter_map(|(key, found)| Some((key, value(found)?))).collect()
}
