//! Scenario files: the only place where a scenario, its device profile and the paths in it meet the file system.

pub(crate) mod libraries;
#[cfg(feature = "wasm")]
mod modules;
mod telemetry;

use std::path::{Path, PathBuf};

use isotherm_core::config::{Assignment, Faults, Node, Origin, SourceMap, Tree, Value};
use isotherm_core::scenario::Plan;
use sha2::{Digest, Sha256};

pub use libraries::UsedPlugin;
pub use telemetry::TelemetryFlag;

use crate::exit;
use crate::fault::Fault;

/// A scenario that has been read and found in order, with everything that identifies its results.
#[derive(Debug)]
pub struct ScenarioFile {
    /// What is to be simulated.
    pub plan: Plan,
    /// The scenario with the assignments of the command line and the device profile in it, paths as they are opened.
    pub resolved: String,
    /// Data files it names, with the SHA-256 of their contents, in the order in which they are named.
    pub data_files: Vec<DataFile>,
    /// Plugin libraries it has used, by the first name that it has used of each.
    pub plugins: Vec<UsedPlugin>,
    /// SHA-256 over the resolved scenario, the data files and the version of isotherm: equal hashes and the same plugins mean equal results.
    pub hash: String,
}

/// What the command line says about a scenario, beside its file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides<'a> {
    /// Telemetry in the place of the scenario's.
    pub telemetry: Option<&'a TelemetryFlag>,
    /// Assignments `key=value`, applied after it in their order.
    pub set: &'a [String],
    /// Plugin libraries that may be used, beside those that are found.
    pub libraries: &'a [PathBuf],
}

/// A file a scenario names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DataFile {
    /// The path as it is opened.
    pub path: String,
    /// SHA-256 of its contents.
    pub sha256: String,
}

impl ScenarioFile {
    /// Reads a scenario file and the device profile it names, with `--set` assignments applied.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if it cannot be read, [`Fault::Scenario`] with all faults of its text.
    pub fn read(path: &Path, assignments: &[String]) -> Result<Self, Fault> {
        Self::read_with(path, assignments, &[])
    }

    /// [`ScenarioFile::read`] with plugin libraries that may be used, beside those that are found.
    ///
    /// # Errors
    /// As [`ScenarioFile::read`], and [`Fault::Input`] for a library of these that cannot be used.
    pub fn read_with(path: &Path, assignments: &[String], libraries: &[PathBuf]) -> Result<Self, Fault> {
        Self::read_as(path, &Overrides { set: assignments, libraries, ..Overrides::default() })
    }

    /// [`ScenarioFile::read`] with everything that a command line can say.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_with`].
    pub fn read_as(path: &Path, overrides: &Overrides<'_>) -> Result<Self, Fault> {
        let help = "give the path of a scenario file, for example scenarios/classic.toml";
        let bytes = std::fs::read(path).map_err(|source| Fault::Unreadable {
            path: path.to_owned(),
            source,
            help,
            code: exit::SCENARIO,
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Fault::Scenario(format!("error: {} is not text: byte {at} is not UTF-8\n  = help: {help}", path.display()))
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::from_source(&path.display().to_string(), &text, &folder, overrides, Some(path))
    }

    /// The same for a text in memory; relative paths in it start from `folder`.
    ///
    /// # Errors
    /// As [`ScenarioFile::read`].
    pub fn from_text(name: &str, text: &str, folder: &Path, assignments: &[String]) -> Result<Self, Fault> {
        Self::from_text_as(name, text, folder, &Overrides { set: assignments, ..Overrides::default() })
    }

    /// [`ScenarioFile::from_text`] with everything that a command line can say.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_with`].
    pub fn from_text_as(name: &str, text: &str, folder: &Path, overrides: &Overrides<'_>) -> Result<Self, Fault> {
        Self::from_source(name, text, folder, overrides, None)
    }

    fn from_source(
        name: &str,
        text: &str,
        folder: &Path,
        overrides: &Overrides<'_>,
        scenario: Option<&Path>,
    ) -> Result<Self, Fault> {
        let mut sources = SourceMap::new();
        let mut faults = Faults::new();
        let source = sources.add(name, text);
        let tree = Tree::parse(&sources, source, &mut faults);
        let Some(mut tree) = tree else { return Err(shown(faults, &sources)) };
        if let Some(Err(fault)) = overrides.telemetry.map(|flag| flag.apply(&mut tree)) {
            faults.push(*fault);
        }
        for text in overrides.set {
            match text.parse::<Assignment>().and_then(|assignment| assignment.apply(&mut tree)) {
                Ok(_) => {}
                Err(fault) => faults.push(*fault),
            }
        }
        let folder = base_folder(&mut tree, folder);
        let mut named = overrides.libraries.to_vec();
        named.extend(libraries::take_named(&mut tree, &folder, &mut faults));
        let plugins = libraries::find(&tree, &named, scenario)?;
        let mut paths = Vec::new();
        resolve_paths(&mut tree, &folder, &mut paths);
        load_hardware(&mut tree, &folder, &mut sources, &mut faults)?;
        match Plan::read_with(&tree, &plugins) {
            Err(more) => {
                // A file that could not be read stays a path, which is not a second fault.
                let missing: Vec<&str> = HARDWARE_FILES
                    .iter()
                    .map(|(key, ..)| *key)
                    .filter(|key| faults.iter().any(|fault| fault.pointer == *key))
                    .collect();
                faults.extend(more.into_iter().filter(|fault| !missing.contains(&fault.pointer.as_str())));
                Err(shown(faults, &sources))
            }
            Ok(_) if !faults.is_empty() => Err(shown(faults, &sources)),
            Ok(plan) => Self::identified(plan, &tree, paths, libraries::used(plugins.used())),
        }
    }

    fn identified(plan: Plan, tree: &Tree, paths: Vec<PathBuf>, plugins: Vec<UsedPlugin>) -> Result<Self, Fault> {
        // A scenario stays the same when a library of it is built anew or moved; which one was used stands beside the hash.
        let lasting = resolved_text(&plan, tree, &[])?;
        let mut data_files = Vec::new();
        for path in paths {
            let sha256 = match std::fs::read(&path) {
                Ok(bytes) => hex(&Sha256::digest(&bytes)),
                // Whoever opens it says what is wrong with it.
                Err(_) => "missing".to_owned(),
            };
            data_files.push(DataFile { path: path.display().to_string(), sha256 });
        }
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION").as_bytes());
        hash.update(lasting.as_bytes());
        for file in &data_files {
            hash.update(file.sha256.as_bytes());
        }
        let resolved = if plugins.is_empty() { lasting } else { resolved_text(&plan, tree, &plugins)? };
        Ok(Self { plan, resolved, data_files, plugins, hash: hex(&hash.finalize()) })
    }
}

fn shown(mut faults: Faults, sources: &SourceMap) -> Fault {
    faults.sort();
    Fault::Scenario(faults.render(sources))
}

/// First hexadecimal form of a digest.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keys of a scenario that name files, by section; `switch` is a list of tables with a `file` each.
const FILE_KEYS: [(&str, &str); 5] = [
    ("workload", "file"),
    ("workload.switch", "file"),
    ("arrivals", "file"),
    ("telemetry", "files"),
    ("telemetry", "runs"),
];

/// Takes `base_dir` out of the scenario: the folder relative paths start from, if not the scenario's own.
fn base_folder(tree: &mut Tree, own: &Path) -> PathBuf {
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
fn resolve_paths(tree: &mut Tree, folder: &Path, paths: &mut Vec<PathBuf>) {
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
const HARDWARE_FILES: [(&str, &str, &str); 2] = [
    ("hardware.profile", "device profile", "profile = \"hardware/h200-sxm.toml\""),
    ("hardware.cooling", "cooling", "cooling = \"hardware/hgx-h200-8-air.toml\""),
];

/// Puts the sections of the hardware in the place of their paths.
fn load_hardware(tree: &mut Tree, folder: &Path, sources: &mut SourceMap, faults: &mut Faults) -> Result<(), Fault> {
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

/// The scenario as it will be run: every default written out, the sweep and the routers as given.
fn resolved_text(plan: &Plan, tree: &Tree, plugins: &[UsedPlugin]) -> Result<String, Fault> {
    let internal =
        |error: &dyn std::fmt::Display| Fault::Internal(format!("the scenario cannot be written back: {error}"));
    let Some(world) = plan.worlds.first() else { return Err(Fault::Internal("a plan without worlds".to_owned())) };
    let mut table = toml::Table::try_from(&world.scenario).map_err(|error| internal(&error))?;
    table.insert("base_dir".to_owned(), toml::Value::String(".".to_owned()));
    if !plugins.is_empty() {
        let files = plugins.iter().map(|plugin| toml::Value::String(plugin.path.display().to_string()));
        table.insert(libraries::KEY.to_owned(), toml::Value::Array(files.collect()));
    }
    let mut routers = Vec::new();
    let mut last = None;
    for variant in world.variants.iter().filter(|variant| variant.index.is_some()) {
        if last == variant.index {
            continue;
        }
        last = variant.index;
        let mut router = toml::Table::new();
        router.insert("name".to_owned(), toml::Value::String(variant.label.clone()));
        router.extend(toml::Table::try_from(variant.spec.as_ref()).map_err(|error| internal(&error))?);
        router.extend(toml::Table::try_from(&variant.options).map_err(|error| internal(&error))?);
        routers.push(toml::Value::Table(router));
    }
    table.insert("router".to_owned(), toml::Value::Array(routers));
    if let Some(sweep) = tree.at("sweep") {
        table.insert("sweep".to_owned(), toml::Value::try_from(sweep).map_err(|error| internal(&error))?);
    }
    let text = toml::to_string(&table).map_err(|error| internal(&error))?;
    Ok(format!(
        "# The scenario as it was run: all defaults written out, paths from the directory isotherm was started in.\n{text}"
    ))
}
