//! `isotherm list`: what a scenario can name, from the registries of the plugin crates.

use isotherm_core::metrics::METRICS;
use isotherm_core::registry::Kind;
use isotherm_core::router::RouterSpec;
use isotherm_core::tier::{Tier, Tiers};
use isotherm_recording::MeterError;
use serde_json::{Value, json};

use crate::args::List;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// The registries, by the section of the scenario that names their kinds.
pub(crate) const REGISTRIES: [(&str, &[&[Kind]]); 5] = [
    ("routers", &[isotherm_routers::KINDS]),
    ("placements", &[isotherm_placements::KINDS]),
    ("workloads", &[isotherm_workloads::WORKLOADS]),
    ("arrivals", &[isotherm_workloads::ARRIVALS]),
    ("telemetry", &[isotherm_telemetry::KINDS, isotherm_nvml::KINDS]),
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
        for kind in kinds.iter().copied().flatten() {
            let needs_tokens = tiers(kind).is_some_and(|tiers| !tiers.serves(Tier::Counts));
            let tier = if needs_tokens { "; tier token only" } else { "" };
            text.push_str(&format!("  {:<16} {}{tier}\n", kind.name, kind.summary));
            if let Some(Err(why)) = availability(kind) {
                text.push_str(&format!("  {:<16} {why}\n", ""));
            }
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

/// The tiers that a router serves, with the options of its example; none for a kind that is no router.
fn tiers(kind: &Kind) -> Option<Tiers> {
    if !isotherm_routers::KINDS.contains(kind) {
        return None;
    }
    let spec: Result<Box<dyn RouterSpec>, _> = toml::from_str(kind.example);
    spec.ok().map(|spec| spec.tiers())
}

/// Whether this machine has what a kind needs, and what it found; none for one that needs nothing.
fn availability(kind: &Kind) -> Option<Result<String, MeterError>> {
    isotherm_nvml::KINDS.contains(kind).then(isotherm_nvml::availability)
}

fn kind_as_json(kind: &Kind) -> Value {
    let mut value = json!({ "kind": kind.name, "summary": kind.summary, "example": kind.example });
    if let Some(tiers) = tiers(kind) {
        let served = Tier::ALL.into_iter().filter(|tier| tiers.serves(*tier));
        value["tiers"] = served.map(Tier::name).collect();
    }
    if let Some(found) = availability(kind) {
        value["available"] = json!(found.is_ok());
        value["found"] = json!(found.unwrap_or_else(|why| why.to_string()));
    }
    value
}

fn as_json(wanted: &dyn Fn(&str) -> bool) -> Result<String, Fault> {
    let mut sections = serde_json::Map::new();
    for (section, kinds) in REGISTRIES.iter().filter(|(section, _)| wanted(section)) {
        sections.insert((*section).to_owned(), kinds.iter().copied().flatten().map(kind_as_json).collect());
    }
    if wanted("metrics") {
        let metrics = METRICS.iter().map(|m| json!({ "name": m.name, "unit": m.unit, "meaning": m.meaning }));
        sections.insert("metrics".to_owned(), metrics.collect());
    }
    let text = serde_json::to_string_pretty(&sections).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(text + "\n")
}
