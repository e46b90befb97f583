//! Options as a plugin meets them: text without an end mark at the end of a page, and what it makes of them.

use isotherm_plugin_abi::{self as abi, Str};
use isotherm_plugin_host::Functions;
use serde_json::Value;

use crate::finding::{Checked, Finding, Refused, fault};
use crate::memory::{Access, Array, Edge};
use crate::scene::Scene;
use crate::subject::Opened;
use crate::{load, placement, router, telemetry};

/// Text between guard pages.
#[derive(Debug)]
pub(crate) struct Text(Array<u8>, usize);

impl Text {
    pub(crate) fn new(text: &str, edge: Edge) -> Self {
        Self(Array::new("the options", text.as_bytes(), edge, Access::Read), text.len())
    }

    pub(crate) fn handed(&self) -> Str {
        Str { ptr: self.0.as_ptr().cast_const().cast(), len: self.1 }
    }
}

impl Opened {
    /// Whether the plugin checks options at all.
    pub(crate) fn configures(&self) -> bool {
        match &self.functions {
            Functions::Router(table) => table.configure.is_some(),
            Functions::Placement(table) => table.configure.is_some(),
            Functions::Load(table) => table.configure.is_some(),
            _ => true,
        }
    }

    /// Options with all defaults filled in.
    pub(crate) fn configure(&self, options: &str, scene: &Scene) -> Checked<String> {
        Ok(match &self.functions {
            Functions::Router(table) => router::configure(table, options, scene)?.0,
            Functions::Telemetry(table) => telemetry::configure(table, options, scene)?.0,
            Functions::Placement(table) => placement::configure(table, options, scene)?.0,
            Functions::Load(table) => load::configure(table, options, scene)?,
            _ => return fault("a kind that this checker does not know"),
        })
    }

    /// Why the plugin refuses options, if it does: in `configure` or in `create`. Refusing without a word or by a panic is a fault.
    pub(crate) fn refusal(&self, options: &str, scene: &Scene) -> Checked<Option<Refused>> {
        match self.actor_with(scene, options) {
            Ok(_) => Ok(None),
            Err(Finding::Refused(refused)) if refused.status == abi::PANIC => Err(Finding::Refused(refused)),
            Err(Finding::Refused(refused)) if refused.said.trim().is_empty() => Err(Finding::Refused(refused)),
            Err(Finding::Refused(refused)) => Ok(Some(refused)),
            Err(other) => Err(other),
        }
    }
}

/// Options in few words, for messages.
pub(crate) fn shown(options: &str) -> String {
    const MOST: usize = 60;
    if options.chars().count() <= MOST {
        return format!("`{options}`");
    }
    let start: String = options.chars().take(MOST / 2).collect();
    format!("`{start}...` ({} bytes)", options.len())
}

/// Text as JSON object.
pub(crate) fn object(text: &str) -> Result<serde_json::Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(format!("{} is no JSON object", shown(text))),
        Err(error) => Err(format!("{} is no JSON: {error}", shown(text))),
    }
}
