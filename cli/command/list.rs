//! `isotherm list`: what a scenario can name, from the registries of the plugin crates.

use isotherm_core::metrics::METRICS;
use isotherm_core::registry::Kind;
use serde_json::json;

use crate::args::List;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// The registries, by the section of the scenario that names their kinds.
pub(crate) const REGISTRIES: [(&str, &[Kind]); 5] = [
    ("routers", isotherm_routers::KINDS),
    ("placements", isotherm_placements::KINDS),
    ("workloads", isotherm_workloads::WORKLOADS),
    ("arrivals", isotherm_workloads::ARRIVALS),
    ("telemetry", isotherm_telemetry::KINDS),
];

/// Prints the kinds and metrics asked for.
pub(super) fn run(options: &List) -> Result<Code, Fault> {
    let wanted = |what: &str| options.what.as_deref().is_none_or(|only| only == what);
    let text = if options.json { as_json(&wanted)? } else { as_text(&wanted) };
    super::print(&text)?;
    Ok(exit::SUCCESS)
}

fn as_text(wanted: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for (section, kinds) in REGISTRIES.iter().filter(|(section, _)| wanted(section)) {
        text.push_str(&format!("{section}\n"));
        for kind in *kinds {
            text.push_str(&format!("  {:<16} {}\n", kind.name, kind.summary));
        }
    }
    if wanted("metrics") {
        text.push_str("metrics\n");
        for metric in METRICS {
            let unit = if metric.unit.is_empty() { String::new() } else { format!(" [{}]", metric.unit) };
            text.push_str(&format!("  {:<28} {}{unit}\n", metric.name, metric.meaning));
        }
    }
    text
}

fn as_json(wanted: &dyn Fn(&str) -> bool) -> Result<String, Fault> {
    let mut sections = serde_json::Map::new();
    for (section, kinds) in REGISTRIES.iter().filter(|(section, _)| wanted(section)) {
        let kinds = kinds.iter().map(|k| json!({ "kind": k.name, "summary": k.summary, "example": k.example }));
        sections.insert((*section).to_owned(), kinds.collect());
    }
    if wanted("metrics") {
        let metrics = METRICS.iter().map(|m| json!({ "name": m.name, "unit": m.unit, "meaning": m.meaning }));
        sections.insert("metrics".to_owned(), metrics.collect());
    }
    let text = serde_json::to_string_pretty(&sections).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(text + "\n")
}
