//! The files that a scenario names: where relative paths start, and the sections of the hardware that are files of their own.

use std::path::{Path, PathBuf};

use isotherm_core::config::{Faults, Node, Origin, SourceMap, Tree, Value};

use crate::fault::Fault;

/// Keys of a scenario that name files, by section; `switch` is a list of tables with a `file` each.
const FILE_KEYS: [(&str, &str); 5] = [
    ("workload", "file"),
    ("workload.switch", "file"),
    ("arrivals", "file"),
    ("telemetry", "files"),
    ("telemetry", "runs"),
];

/// Takes `base_dir` out of the scenario: the folder relative paths start from, if not the scenario's own.
pub(super) fn base_folder(tree: &mut Tree, own: &Path) -> PathBuf {
    let Value::Table(mut table) = tree.root().value.clone() else { return own.to_owned() };
    let base = match table.get("base_dir").map(|node| &node.value) {
        Some(Value::String(base)) => PathBuf::from(base),
        _ => return own.to_owned(),
    };
    table.remove("base_dir");
    *tree = Tree::new(table, tree.root().origin.clone());
    base
}

/// Rewrites the paths of data files so that they can be opened from the current directory, and collects them.
pub(super) fn resolve_paths(tree: &mut Tree, folder: &Path, paths: &mut Vec<PathBuf>) {
    for (section, key) in FILE_KEYS {
        let Ok(wanted) = format!("{section}.{key}").parse() else { continue };
        for place in tree.paths_matching(&wanted) {
            let Some(node) = tree.get(&place).cloned() else { continue };
            let value = opened_from(folder, &node, paths);
            // The place was found in this very tree.
            let _ = tree.set(&place, value, node.origin);
        }
    }
}

fn opened_from(folder: &Path, node: &Node, paths: &mut Vec<PathBuf>) -> Value {
    match &node.value {
        Value::String(text) => {
            // The current directory is not spelt out: a resolved scenario names its files as the first one did.
            let path = if folder == Path::new(".") { PathBuf::from(text) } else { folder.join(text) };
            paths.push(path.clone());
            Value::String(path.display().to_string())
        }
        Value::Array(items) => Value::Array(
            items.iter().map(|item| Node::new(opened_from(folder, item, paths), item.origin.clone())).collect(),
        ),
        other => other.clone(),
    }
}

/// Keys that hold a section of the hardware or the path of a file with it, what the file is, and an example.
pub(super) const HARDWARE_FILES: [(&str, &str, &str); 2] = [
    ("hardware.profile", "device profile", "profile = \"hardware/h200-sxm.toml\""),
    ("hardware.cooling", "cooling", "cooling = \"hardware/hgx-h200-8-air.toml\""),
];

/// Puts the sections of the hardware in the place of their paths.
pub(super) fn load_hardware(
    tree: &mut Tree,
    folder: &Path,
    sources: &mut SourceMap,
    faults: &mut Faults,
) -> Result<(), Fault> {
    for (key, what, example) in HARDWARE_FILES {
        let Some(Node { value: Value::String(text), .. }) = tree.at(key).cloned() else { continue };
        let path = folder.join(&text);
        let content = match std::fs::read_to_string(&path) {
            Ok(content) => content,
            Err(error) => {
                faults.push_at(
                    key,
                    tree,
                    format!("cannot read the {what} {}: {error}", path.display()),
                    format!("the path of a {what}, relative to the scenario"),
                    example,
                );
                continue;
            }
        };
        let source = sources.add(path.display().to_string(), content);
        if let Some(section) = Tree::parse(sources, source, faults) {
            let place = key.parse().map_err(|error| Fault::Internal(format!("{error}")))?;
            let origin = Origin::File { source, span: 0..0 };
            tree.set(&place, section.root().value.clone(), origin)
                .map_err(|error| Fault::Internal(error.to_string()))?;
        }
    }
    Ok(())
}
