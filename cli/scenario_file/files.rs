//! The files that a scenario names: where relative paths start, and the sections of the hardware that are files of their own.

use std::path::{Path, PathBuf};

use isotherm_core::config::{self, Faults, Node, Origin, Segment, SourceMap, Tree, Value};

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

/// Rewrites the paths of data files so that they can be opened from the current directory, and collects them; those of a sweep too.
pub(super) fn resolve_paths(tree: &mut Tree, folder: &Path, paths: &mut Vec<PathBuf>) {
    for (section, key) in FILE_KEYS {
        for wanted in places_of(&format!("{section}.{key}")) {
            let mut found = Vec::new();
            for place in tree.paths_matching(&wanted) {
                let Some(node) = tree.get(&place).cloned() else { continue };
                let value = opened_from(folder, &node, &mut found);
                // The place was found in this very tree.
                let _ = tree.set(&place, value, node.origin);
            }
            let is_swept = matches!(wanted.segments().first(), Some(Segment::Key(first)) if first == SWEEP);
            // Excludes name the files of the axes again.
            found.retain(|path| !is_swept || !paths.contains(path));
            paths.extend(found);
        }
    }
}

/// The section of the axes.
const SWEEP: &str = "sweep";

/// Where a key may stand: in its section, and as an axis or a part of one.
fn places_of(key: &str) -> Vec<config::Path> {
    let whole = |name: &str| config::Path::root().child(Segment::Key(name.to_owned()));
    let own: config::Path = key.parse().unwrap_or_default();
    let below = |outer: &config::Path, inner: &config::Path| {
        inner.segments().iter().fold(outer.clone(), |path, segment| path.child(segment.clone()))
    };
    let sweep = whole(SWEEP);
    let lists = ["zip", "exclude"].map(|list| below(&sweep, &whole(list)));
    let in_sweep =
        [&sweep, &lists[0], &lists[1]].into_iter().flat_map(|outer| [below(outer, &own), below(outer, &whole(key))]);
    std::iter::once(own.clone()).chain(in_sweep.collect::<Vec<_>>()).collect()
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
