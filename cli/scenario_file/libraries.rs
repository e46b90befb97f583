//! The plugin libraries of a scenario: which it names, which it used, and how a resolved scenario names them again.

use std::path::{Path, PathBuf};

use isotherm_core::config::{Fault, FaultKind, Faults, Tree, Value};
use isotherm_plugin_host::Plugins;
use serde::{Deserialize, Serialize};

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

/// The libraries that a scenario's specs came from, each once.
pub(super) fn used(plugins: &Plugins) -> Vec<UsedPlugin> {
    let mut used: Vec<UsedPlugin> = Vec::new();
    for provenance in plugins.used() {
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
