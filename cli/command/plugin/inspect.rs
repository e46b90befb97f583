//! `isotherm plugin inspect`: what a plugin says of itself, options and documentation.
//!
//! A library's code runs when its tables are read. That happens in a process of its own, so that a library that crashes is told of and not
//! suffered.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use isotherm_plugin_host::{Environment, Inspection, Kind, Manifest, Places, is_plugin_name};
use serde_json::Value;

use crate::args::PluginInspect;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::plugin_files;

pub(super) fn run(options: &PluginInspect) -> Result<Code, Fault> {
    let inspection = find(options)?;
    let manifest = manifest_of(&inspection)?;
    let text = if options.json { as_json(&inspection, &manifest)? } else { as_text(&inspection, &manifest) };
    super::super::print(&text)?;
    Ok(exit::SUCCESS)
}

/// Opens a library and prints its manifest: the child's part.
pub(super) fn describe(file: &Path) -> Result<Code, Fault> {
    let manifest = plugin_files::manifest(file).map_err(|refusal| Fault::Input(refusal.to_string()))?;
    let text = serde_json::to_string(&manifest).map_err(|error| Fault::Internal(error.to_string()))?;
    super::super::print(&text)?;
    Ok(exit::SUCCESS)
}

fn find(options: &PluginInspect) -> Result<Inspection, Fault> {
    let path = PathBuf::from(&options.subject);
    if path.exists() || !is_plugin_name(&options.subject) {
        return plugin_files::inspect(&path).map_err(|refusal| Fault::Input(refusal.to_string()));
    }
    let environment = Environment::of_process();
    let places = Places { named: &options.libraries.files, scenario: None, environment: &environment };
    let discovery = plugin_files::search(&places);
    let found = Kind::ALL.iter().find_map(|kind| discovery.resolve(*kind, &options.subject).ok());
    match found {
        Some(inspection) => Ok(inspection.clone()),
        None => match discovery.resolve(Kind::Router, &options.subject) {
            Ok(inspection) => Ok(inspection.clone()),
            Err(unknown) => Err(Fault::Input(unknown.to_string())),
        },
    }
}

fn manifest_of(inspection: &Inspection) -> Result<Manifest, Fault> {
    let program = std::env::current_exe().map_err(|error| Fault::Internal(error.to_string()))?;
    let output = Command::new(program)
        .args(["plugin", "describe"])
        .arg(&inspection.path)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Fault::Internal(format!("cannot start a process to open the library in: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match serde_json::from_slice(&output.stdout) {
        Ok(manifest) if output.status.success() => Ok(manifest),
        _ if said.trim().is_empty() => Err(Fault::Input(format!(
            "{}: opening it ended the process ({}); this is a fault of the plugin: tell its author",
            inspection.file.display(),
            output.status
        ))),
        _ => Err(Fault::Input(said.trim().trim_start_matches("error: ").to_owned())),
    }
}

fn as_text(inspection: &Inspection, manifest: &Manifest) -> String {
    let label = &inspection.label;
    let mut text = format!("{} {}\n", label.package, label.version);
    let abi = format!("{}.{}", label.abi.0, label.abi.1);
    let file = inspection.file.display().to_string();
    for (word, value) in [
        ("", manifest.description.as_str()),
        ("file", &file),
        ("sha256", &inspection.sha256),
        ("interface", &abi),
        ("sdk", &manifest.sdk),
        ("panic", &manifest.panic),
        ("licence", &manifest.license),
        ("homepage", &manifest.homepage),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("  {word:<10} {value}\n"));
        }
    }
    for item in &label.items {
        text.push_str(&format!("\n{} {}\n", item.kind.noun(), item.name));
        let Some(entry) = manifest.entry(item) else { continue };
        let about = if entry.docs.is_empty() { &entry.summary } else { &entry.docs };
        for line in about.lines() {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str(&options_text(&entry.options));
        if entry.example.is_object() {
            text.push_str(&format!("  example: {}\n", entry.example));
        }
    }
    text
}

/// A line for each option of a schema.
fn options_text(schema: &Value) -> String {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return String::new() };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut text = String::from(if properties.is_empty() { "  no options\n" } else { "  options\n" });
    for (name, property) in properties {
        let of = |key: &str| property.get(key);
        let sort = of("type").map_or_else(|| "see the schema".to_owned(), type_text);
        let default = match of("default") {
            Some(default) => format!(", default {default}"),
            None if required.contains(&name.as_str()) => ", required".to_owned(),
            None => String::new(),
        };
        let about = of("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        text.push_str(&format!("    {name:<20} {sort}{default}. {about}\n"));
    }
    text
}

fn type_text(sort: &Value) -> String {
    match sort {
        Value::String(one) => one.clone(),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        other => other.to_string(),
    }
}

fn as_json(inspection: &Inspection, manifest: &Manifest) -> Result<String, Fault> {
    let label = &inspection.label;
    let all = serde_json::json!({
        "file": inspection.file,
        "sha256": inspection.sha256,
        "package": label.package,
        "version": label.version,
        "abi": format!("{}.{}", label.abi.0, label.abi.1),
        "manifest": manifest,
    });
    let text = serde_json::to_string_pretty(&all).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(text + "\n")
}
