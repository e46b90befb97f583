//! Tables whose `kind` has a slash: what they describe comes from a library, through the catalogue.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{EXAMPLES, Scenario};
use crate::config::{Faults, Node, TAG, Table, Tree, Value, deserialize_rest, deserialize_with};
use crate::hardware::DeviceProfile;
use crate::registry::Catalogue;
use crate::router::RouterSpec;
use crate::routing::RoutingOptions;

/// Whether a table is about something that a library offers.
fn is_loaded(table: &Table) -> bool {
    matches!(table.get(TAG).map(|kind| &kind.value), Some(Value::String(kind)) if kind.contains('/'))
}

/// The `kind` of such a table and the table without it; `None` for what is linked in.
fn split(node: &Node) -> Option<(Node, Node)> {
    let Value::Table(table) = &node.value else { return None };
    if !is_loaded(table) {
        return None;
    }
    let mut options = table.clone();
    let kind = options.remove(TAG)?;
    Some((kind, Node::new(Value::Table(options), node.origin.clone())))
}

/// A router from its own table, without name and shared options.
pub(super) fn router(
    node: &Node,
    place: &str,
    catalogue: &dyn Catalogue,
    faults: &mut Faults,
) -> Option<Box<dyn RouterSpec>> {
    match split(node) {
        Some((kind, options)) => catalogue.router(&kind, &options, place, faults),
        None => deserialize_rest(node, place, &taken_keys(), EXAMPLES, faults),
    }
}

/// Keys of a `[[router]]` that its strategy never sees.
fn taken_keys() -> Vec<&'static str> {
    RoutingOptions::KEYS.iter().map(|(option, _)| *option).chain(["name"]).collect()
}

/// Everything of a scenario but routers and sweep. A device `profile` that has been read already stands for the one of the tree.
pub(super) fn scenario(
    tree: &Tree,
    profile: Option<&DeviceProfile>,
    catalogue: &dyn Catalogue,
    faults: &mut Faults,
) -> Option<Scenario> {
    let mut table = without_routers(tree);
    require_telemetry(tree, faults);
    let mut take = |section: &str| {
        let loaded = split(table.get(section)?)?;
        table.remove(section);
        Some(loaded)
    };
    let (telemetry, placement) = (take("telemetry"), take("placement"));
    let node = Node::new(Value::Table(table), tree.root().origin.clone());
    // All three are read before any is missed, so that all faults are found.
    let scenario: Option<Scenario> = deserialize_with(&node, "", EXAMPLES, faults);
    let telemetry = telemetry.map(|(kind, options)| catalogue.telemetry(&kind, &options, "telemetry", faults));
    let placement = placement.map(|(kind, options)| catalogue.placement(&kind, &options, "placement", faults));
    let mut scenario = scenario?;
    if let Some(telemetry) = telemetry {
        scenario.telemetry = telemetry?;
    }
    if let Some(placement) = placement {
        scenario.placement = Some(placement?.into());
    }
    if let Some(profile) = profile {
        scenario.hardware.profile = Some(profile.clone());
    }
    scenario.telemetry.for_hardware(&scenario.hardware);
    Some(scenario)
}

/// The sections that describe a world. Routers are large, and are not copied to be thrown away.
fn without_routers(tree: &Tree) -> Table {
    let mut table = Table::default();
    if let Value::Table(whole) = &tree.root().value {
        for entry in whole.entries().iter().filter(|entry| !["router", "sweep"].contains(&entry.key.name.as_str())) {
            table.insert(entry.key.clone(), entry.node.clone());
        }
    }
    table
}

/// Misses the section that a scenario may leave out for the reader's sake only.
fn require_telemetry(tree: &Tree, faults: &mut Faults) {
    #[derive(Deserialize)]
    struct Required {
        #[serde(rename = "telemetry")]
        _telemetry: IgnoredAny,
    }

    if tree.at("telemetry").is_none() {
        let empty = Node::new(Value::Table(Table::default()), tree.root().origin.clone());
        let _: Option<Required> = deserialize_with(&empty, "", EXAMPLES, faults);
    }
}
