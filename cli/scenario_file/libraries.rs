//! The plugin libraries of a scenario: which it names, which it used, and how a resolved scenario names them again.

use std::path::{Path, PathBuf};

use isotherm_core::config::{Fault, FaultKind, Faults, Node, SourceMap, TAG, Tree, Value};
#[cfg(not(feature = "wasm"))]
pub(super) use isotherm_plugin_host::Plugins;
use isotherm_plugin_host::{Discovery, Environment, Places, Provenance};
use serde::{Deserialize, Serialize};

#[cfg(feature = "wasm")]
pub(super) use super::modules::PluginsAndModules as Plugins;
use crate::{fault, plugin_files};

/// The key of a scenario that names libraries, relative to its own folder.
pub(super) const KEY: &str = "plugins";

/// A library that a scenario has used, as its results remember it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedPlugin {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the library.
    pub sha256: String,
    /// Where it is; part of no results, which are the same wherever the library lies.
    #[serde(skip)]
    pub path: PathBuf,
}

impl UsedPlugin {
    /// Whether two are the same, wherever they lie.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.package, &self.version, &self.sha256) == (&other.package, &other.version, &other.sha256)
    }
}

/// The libraries that the text of a scenario names; none where it cannot be read, which whoever runs it is told.
pub(crate) fn named_by(scenario: &Path) -> Vec<PathBuf> {
    let Ok(text) = std::fs::read_to_string(scenario) else { return Vec::new() };
    let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
    let source = sources.add(scenario.display().to_string(), text);
    let folder = scenario.parent().unwrap_or(Path::new(""));
    Tree::parse(&sources, source, &mut faults)
        .map(|mut tree| take_named(&mut tree, folder, &mut faults))
        .unwrap_or_default()
}

/// Takes the libraries that a scenario names out of it.
pub(super) fn take_named(tree: &mut Tree, folder: &Path, faults: &mut Faults) -> Vec<PathBuf> {
    let Value::Table(mut table) = tree.root().value.clone() else { return Vec::new() };
    let Some(node) = table.remove(KEY) else { return Vec::new() };
    *tree = Tree::new(table, tree.root().origin.clone());
    let mut files = Vec::new();
    let mut misplaced = Vec::new();
    match node.value {
        Value::Array(items) => {
            for item in items {
                match item.value {
                    Value::String(file) => files.push(folder.join(file)),
                    _ => misplaced.push(item.origin),
                }
            }
        }
        _ => misplaced.push(node.origin),
    }
    for origin in misplaced {
        faults.push(
            Fault::new(FaultKind::WrongType, KEY, "plugins are a list of files")
                .origin(origin)
                .expected("paths of libraries, relative to the scenario")
                .example("plugins = [\"plugins/libcool_first.so\"]"),
        );
    }
    files
}

/// What libraries offer. Those that were named must be usable; of those that are merely found the others do. Where none is named and nothing is
/// asked of any, none is looked for: each would be read whole.
pub(super) fn find(tree: &Tree, named: &[PathBuf], scenario: Option<&Path>) -> Result<Plugins, fault::Fault> {
    if named.is_empty() && !asks_for_any(tree.root()) {
        return Ok(Plugins::new(Discovery::default()));
    }
    let environment = Environment::of_process();
    let discovery = plugin_files::search(&Places { named, scenario, environment: &environment });
    let refused: Vec<String> = discovery.refused_by_name().map(ToString::to_string).collect();
    if refused.is_empty() {
        return Ok(Plugins::new(discovery));
    }
    Err(fault::Fault::Input(refused.join("\nerror: ")))
}

/// Whether some `kind` of a scenario, or of a sweep over it, has a slash.
fn asks_for_any(node: &Node) -> bool {
    let is_kind = |name: &str| name.rsplit('.').next() == Some(TAG);
    match &node.value {
        Value::Table(table) => (table.entries().iter())
            .any(|entry| is_kind(&entry.key.name) && has_slash(&entry.node) || asks_for_any(&entry.node)),
        Value::Array(items) => items.iter().any(asks_for_any),
        _ => false,
    }
}

fn has_slash(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => text.contains('/'),
        Value::Array(items) => items.iter().any(has_slash),
        _ => false,
    }
}

/// The libraries that a scenario's specs came from, each once.
pub(super) fn used(provenances: Vec<Provenance>) -> Vec<UsedPlugin> {
    let mut used: Vec<UsedPlugin> = Vec::new();
    for provenance in provenances {
        if !used.iter().any(|known| known.path == provenance.path) {
            used.push(UsedPlugin {
                package: provenance.package,
                version: provenance.version,
                sha256: provenance.sha256,
                path: provenance.path,
            });
        }
    }
    used
}
