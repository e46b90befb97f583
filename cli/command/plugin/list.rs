//! `isotherm plugin list`: every library that is found, what it offers, and of the unusable ones why. Nothing of them runs.

use isotherm_plugin_host::{Candidate, Discovery, Environment, Places};
use serde_json::{Value, json};

use crate::args::PluginList;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::plugin_files;
use crate::scenario_file::libraries::named_by;

pub(super) fn run(options: &PluginList) -> Result<Code, Fault> {
    let environment = Environment::of_process();
    let mut named = options.libraries.files.clone();
    named.extend(options.scenario.as_deref().map(named_by).unwrap_or_default());
    let discovery = plugin_files::search(&Places {
        named: &named,
        scenario: options.scenario.as_deref(),
        environment: &environment,
    });
    let text = if options.json { as_json(&discovery)? } else { as_text(&discovery) };
    super::super::print(&text)?;
    // What was merely found may be anything; what was named is meant to work.
    Ok(if discovery.refused_by_name().next().is_none() { exit::SUCCESS } else { exit::INPUT })
}

fn as_text(discovery: &Discovery) -> String {
    let mut text = String::new();
    for candidate in discovery.candidates() {
        match &candidate.outcome {
            Ok(inspection) => {
                let label = &inspection.label;
                let (major, minor) = label.abi;
                text.push_str(&format!(
                    "{} {}  interface {major}.{minor}  {}  ({})\n",
                    label.package,
                    label.version,
                    candidate.file.display(),
                    candidate.source
                ));
                for item in &label.items {
                    text.push_str(&format!("  {:<10} {}\n", item.kind.word(), item.name));
                }
            }
            Err(refusal) => text.push_str(&format!("unusable: {refusal}\n")),
        }
    }
    for shadowed in discovery.shadowed() {
        text.push_str(&format!("note: {shadowed}\n"));
    }
    if discovery.candidates().is_empty() {
        text.push_str("no plugins are found; looked in\n");
        for searched in discovery.searched() {
            let missing = if searched.exists { "" } else { ", which is not there" };
            text.push_str(&format!("  {} ({}){missing}\n", searched.path.display(), searched.source));
        }
    }
    text
}

fn as_json(discovery: &Discovery) -> Result<String, Fault> {
    let candidates: Vec<Value> = discovery.candidates().iter().map(candidate_json).collect();
    let searched = discovery
        .searched()
        .iter()
        .map(|place| json!({ "path": place.path, "source": place.source.to_string(), "exists": place.exists }));
    let shadowed = discovery.shadowed();
    let shadowed = shadowed.iter().map(|s| json!({ "name": s.item.name, "used": s.used, "hidden": s.hidden }));
    let all = json!({
        "plugins": candidates,
        "shadowed": shadowed.collect::<Vec<_>>(),
        "searched": searched.collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&all).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(text + "\n")
}

fn candidate_json(candidate: &Candidate) -> Value {
    let (file, source) = (&candidate.file, candidate.source.to_string());
    match &candidate.outcome {
        Ok(inspection) => {
            let label = &inspection.label;
            let offers = label.items.iter().map(|item| json!({ "kind": item.kind.word(), "name": item.name }));
            json!({
                "file": file,
                "source": source,
                "usable": true,
                "package": label.package,
                "version": label.version,
                "abi": format!("{}.{}", label.abi.0, label.abi.1),
                "sha256": inspection.sha256,
                "offers": offers.collect::<Vec<_>>(),
            })
        }
        Err(refusal) => json!({
            "file": file,
            "source": source,
            "usable": false,
            "found": refusal.found,
            "expected": refusal.expected,
            "remedy": refusal.remedy,
        }),
    }
}
