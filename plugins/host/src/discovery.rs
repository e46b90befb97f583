//! Finding plugins: which files there are, what each says it offers, and which one a name means. Nothing of a library runs here.

mod unknown;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::environment::{Environment, PLUGIN_PATH};
use crate::inspection::{Inspection, inspect};
use crate::label::{Item, Kind};
use crate::refusal::{Refusal, RefusalKind};

/// Where a search looks.
#[derive(Clone, Copy, Debug)]
pub struct Places<'p> {
    /// Files that the user names: `--plugin FILE`.
    pub named: &'p [PathBuf],
    /// The scenario's file, if there is one.
    pub scenario: Option<&'p Path>,
    /// What the environment says.
    pub environment: &'p Environment,
}

/// Why a file is a candidate, in the order in which they are searched: the first that offers a name is the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Named by `--plugin`.
    Named,
    /// Of `ISOTHERM_PLUGIN_PATH`.
    Variable,
    /// In `plugins` beside the scenario.
    ScenarioPlugins,
    /// Beside the scenario.
    ScenarioFolder,
    /// In the user's own folder.
    DataFolder,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "named",
            Self::Variable => PLUGIN_PATH,
            Self::ScenarioPlugins => "plugins beside the scenario",
            Self::ScenarioFolder => "beside the scenario",
            Self::DataFolder => "the user's folder",
        })
    }
}

/// A place that was searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// The folder or file.
    pub path: PathBuf,
    /// Why it was searched.
    pub source: Source,
    /// Whether anything is there.
    pub exists: bool,
}

/// A file that may be a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Why it is one.
    pub source: Source,
    /// The file.
    pub file: PathBuf,
    /// What it says of itself, or why it cannot be used.
    pub outcome: Result<Inspection, Refusal>,
}

/// A name that a library offers in vain, because one before it offers it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed<'d> {
    /// The name.
    pub item: &'d Item,
    /// The library that is used.
    pub used: &'d Path,
    /// The library that is not.
    pub hidden: &'d Path,
}

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    candidates: Vec<Candidate>,
    searched: Vec<Searched>,
}

impl Discovery {
    /// Looks in all places, in order. A file that several places have counts once, at the first.
    ///
    /// ```
    /// use isotherm_plugin_host::{Discovery, Environment, Kind, Places};
    /// let named = ["no-such-library.so".into()];
    /// let found = Discovery::search(&Places { named: &named, scenario: None, environment: &Environment::default() });
    /// let refusal = found.refused_by_name().next().unwrap();
    /// assert!(refusal.to_string().starts_with("no-such-library.so: found nothing there"));
    /// assert!(found.resolve(Kind::Router, "acme/x").is_err());
    /// ```
    #[must_use]
    pub fn search(places: &Places<'_>) -> Self {
        Self::search_with(places, inspect)
    }

    /// [`Discovery::search`] for a program that can open more than native libraries: `look` is asked about every file once, in order.
    ///
    /// ```
    /// use isotherm_plugin_host::{Discovery, Environment, FileKind, Inspection, Kind, Places};
    /// let named = ["acme.wasm".into()];
    /// let places = Places { named: &named, scenario: None, environment: &Environment::default() };
    /// let found = Discovery::search_with(&places, |file| {
    ///     let label = "abi 1.0\npackage acme\nversion 0.3.1\nrouter acme/x\n".parse().expect("a label");
    ///     Ok(Inspection::new(file, file.to_owned(), FileKind::WebAssembly, label, b"\0asm"))
    /// });
    /// assert_eq!(found.resolve(Kind::Router, "acme/x").map(|module| &module.format), Ok(&FileKind::WebAssembly));
    /// ```
    #[must_use]
    pub fn search_with(places: &Places<'_>, look: fn(&Path) -> Result<Inspection, Refusal>) -> Self {
        let mut search = Search { look, found: Self::default(), seen: BTreeSet::new() };
        for file in places.named {
            search.file(file, Source::Named);
        }
        for entry in places.environment.plugin_path() {
            search.folder_or_file(&entry, Source::Variable);
        }
        if let Some(scenario) = places.scenario {
            // The folder of `a.toml` is the one that the path is relative to.
            let folder = scenario.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            search.folder(&folder.join("plugins"), Source::ScenarioPlugins);
            search.folder(folder, Source::ScenarioFolder);
        }
        if let Some(folder) = places.environment.data_folder() {
            search.folder(&folder, Source::DataFolder);
        }
        search.found
    }

    /// Every file that may be a plugin, in the order of the search.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Where the search has looked.
    #[must_use]
    pub fn searched(&self) -> &[Searched] {
        &self.searched
    }

    /// Files that can be used.
    pub fn usable(&self) -> impl Iterator<Item = &Inspection> {
        self.candidates.iter().filter_map(|candidate| candidate.outcome.as_ref().ok())
    }

    /// Files that the user has named and that cannot be used: whoever names a file wants to hear of it, whatever the scenario needs.
    pub fn refused_by_name(&self) -> impl Iterator<Item = &Refusal> {
        let named = self.candidates.iter().filter(|candidate| candidate.source == Source::Named);
        named.filter_map(|candidate| candidate.outcome.as_ref().err())
    }

    /// The library that a name means: the first that offers it.
    ///
    /// # Errors
    /// What there is to say where none does: where was looked, which name is near, which files could not be used.
    pub fn resolve(&self, kind: Kind, name: &str) -> Result<&Inspection, UnknownName> {
        let offers =
            |inspection: &&Inspection| inspection.label.items.iter().any(|item| item.kind == kind && item.name == name);
        self.usable().find(offers).ok_or_else(|| unknown::explain(self, kind, name))
    }

    /// Names that are offered in vain.
    #[must_use]
    pub fn shadowed(&self) -> Vec<Shadowed<'_>> {
        let mut offered: Vec<(&Item, &Path)> = Vec::new();
        let mut shadowed = Vec::new();
        for inspection in self.usable() {
            let hidden = inspection.file.as_path();
            for item in &inspection.label.items {
                match offered.iter().find(|(other, _)| *other == item) {
                    Some((_, used)) => shadowed.push(Shadowed { item, used, hidden }),
                    None => offered.push((item, hidden)),
                }
            }
        }
        shadowed
    }
}

impl fmt::Display for Shadowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { item, used, hidden } = self;
        write!(f, "{}: its {} `{}` is not used; ", hidden.display(), item.kind.noun(), item.name)?;
        write!(f, "{} is searched before it and offers the same name", used.display())
    }
}

/// Why no library is meant by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownName {
    /// What is wrong, in one sentence.
    pub message: String,
    /// Reads on after the word "expected": the names that are offered.
    pub expected: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; expected {}; {}", self.message, self.expected, self.hint)
    }
}

impl std::error::Error for UnknownName {}

struct Search {
    look: fn(&Path) -> Result<Inspection, Refusal>,
    found: Discovery,
    /// Files without links and relative parts that have been looked at.
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn folder_or_file(&mut self, path: &Path, source: Source) {
        // What is missing is told as a missing place, not as a missing library: `PATH` is written once for many projects.
        if path.is_file() { self.file(path, source) } else { self.folder(path, source) }
    }

    fn file(&mut self, file: &Path, source: Source) {
        self.found.searched.push(Searched { path: file.to_owned(), source, exists: file.exists() });
        self.candidate(file, source);
    }

    /// The libraries of a folder, by name; not those of the folders in it.
    fn folder(&mut self, folder: &Path, source: Source) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let exists = folder.exists();
                self.found.searched.push(Searched { path: folder.to_owned(), source, exists });
                if exists {
                    let found = format!("a folder that cannot be read ({error})");
                    let (kind, expected) = (RefusalKind::Unreadable, "a folder of plugins");
                    let refusal = Refusal::new(folder, kind, found, expected, "check its permissions");
                    let file = folder.to_owned();
                    self.found.candidates.push(Candidate { source, file, outcome: Err(refusal) });
                }
                return;
            }
        };
        self.found.searched.push(Searched { path: folder.to_owned(), source, exists: true });
        let mut files: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| is_library_name(path)).collect();
        files.sort();
        for file in &files {
            self.candidate(file, source);
        }
    }

    fn candidate(&mut self, file: &Path, source: Source) {
        let same = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        if self.seen.insert(same) {
            self.found.candidates.push(Candidate { source, file: file.to_owned(), outcome: (self.look)(file) });
        }
    }
}

/// Whether a file is called like a library, also like one of another system: it is listed with the reason why it cannot be used.
fn is_library_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["so", "dylib", "dll", "wasm"].iter().any(|known| extension == *known))
}
