//! A scenario between its text and its plan: overrides applied, paths resolved, sections of the hardware read, libraries found.

use std::path::{Path, PathBuf};

use isotherm_core::config::{self, Assignment, Faults, SourceMap, Tree};
use isotherm_core::registry::Catalogue;
use isotherm_core::scenario::{WorldPlan, fix};
use isotherm_report::results::sha256_of_file;
use sha2::{Digest, Sha256};

use super::files::{HARDWARE_FILES, base_folder, load_hardware, resolve_paths};
use super::libraries::{self, Plugins, UsedPlugin};
use super::{DataFile, Overrides, hex, written};
use crate::fault::Fault;

/// What is known of a scenario before its worlds are.
#[derive(Debug)]
pub(super) struct Draft {
    /// The scenario as it is planned from.
    pub(super) tree: Tree,
    /// Libraries that it may ask for.
    pub(super) plugins: Plugins,
    /// Texts that its values come from.
    sources: SourceMap,
    /// What is wrong with it so far.
    faults: Faults,
    /// Data files that it names.
    paths: Vec<PathBuf>,
}

/// What tells a scenario from others; the fields are those of [`SweepFile`](super::SweepFile).
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) resolved: String,
    pub(super) frozen: String,
    pub(super) data_files: Vec<DataFile>,
    pub(super) plugins: Vec<UsedPlugin>,
    pub(super) hash: String,
}

impl Draft {
    pub(super) fn of(
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
            if let Err(fault) = assign(&mut tree, text) {
                faults.push(*fault);
            }
        }
        let folder = base_folder(&mut tree, folder);
        let mut named = overrides.libraries.to_vec();
        named.extend(libraries::take_named(&mut tree, &folder, &mut faults));
        let plugins = libraries::find(&tree, &named, scenario)?;
        let mut paths = Vec::new();
        resolve_paths(&mut tree, &folder, &mut paths);
        load_hardware(&mut tree, &folder, &mut sources, &mut faults)?;
        Ok(Self { tree, plugins, sources, faults, paths })
    }

    /// Plans with `read`; its faults are shown together with those that were there before.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Tree, &dyn Catalogue) -> Result<T, Faults>) -> Result<T, Fault> {
        match read(&self.tree, &self.plugins) {
            Ok(value) if self.faults.is_empty() => Ok(value),
            Ok(_) => Err(shown(self.faults.clone(), &self.sources)),
            Err(more) => {
                // A file that could not be read stays a path, which is not a second fault.
                let missing: Vec<&str> = HARDWARE_FILES
                    .iter()
                    .map(|(key, ..)| *key)
                    .filter(|key| self.faults.iter().any(|fault| fault.pointer == *key))
                    .collect();
                let mut faults = self.faults.clone();
                faults.extend(more.into_iter().filter(|fault| !missing.contains(&fault.pointer.as_str())));
                Err(shown(faults, &self.sources))
            }
        }
    }

    /// What identifies the results of the scenario, once all its libraries have been asked. `first` is its first world with all routers.
    pub(super) fn identity(&self, first: &WorldPlan) -> Result<Identity, Fault> {
        let plugins = libraries::used(self.plugins.used());
        // A scenario stays the same when a library of it is built anew or moved; which one was used stands beside the hash.
        let lasting = written::resolved(first, &self.tree, &[])?;
        let mut data_files = Vec::new();
        for path in &self.paths {
            // Whoever opens it says what is wrong with it.
            let sha256 = sha256_of_file(path).unwrap_or_else(|_| "missing".to_owned());
            data_files.push(DataFile { path: path.display().to_string(), sha256 });
        }
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION").as_bytes());
        hash.update(lasting.as_bytes());
        for file in &data_files {
            hash.update(file.sha256.as_bytes());
        }
        let resolved = if plugins.is_empty() { lasting } else { written::resolved(first, &self.tree, &plugins)? };
        let frozen = written::frozen(&self.tree, &plugins)?;
        Ok(Identity { resolved, frozen, data_files, plugins, hash: hex(&hash.finalize()) })
    }
}

/// Carries out one `--set`; a key that is swept has this one value then.
fn assign(tree: &mut Tree, text: &str) -> Result<(), Box<config::Fault>> {
    let assignment: Assignment = text.parse()?;
    fix(tree, &assignment)?;
    assignment.apply(tree).map(|_| ())
}

fn shown(mut faults: Faults, sources: &SourceMap) -> Fault {
    faults.sort();
    Fault::Scenario(faults.render(sources))
}
