//! Where plugins are found, and which one a name means.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use isotherm_plugin_host::{Discovery, Environment, Kind, Places, RefusalKind, Source};

use crate::build::Libraries;

/// A folder with a scenario, a folder of the user and one of the variable; in each a library that offers the same names.
struct World {
    libraries: Libraries,
}

impl World {
    fn new() -> Option<Self> {
        let libraries = Libraries::new()?;
        let root = libraries.folder.path();
        for folder in ["scenario/plugins", "variable", "data/isotherm/plugins"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        Some(Self { libraries })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.libraries.folder.path().join(path)
    }

    /// A library that offers routers of these names.
    fn library(&self, path: &str, names: &[&str]) -> PathBuf {
        let items: String = names.iter().map(|name| format!("router {name}\\n")).collect();
        let built = self.libraries.build("refused", "built", &[&format!("LABEL_ITEMS=\"{items}\"")]);
        let to = self.at(path).with_extension(built.extension().unwrap());
        fs::rename(built, &to).unwrap();
        to
    }

    fn environment(&self, variable: &[&Path]) -> Environment {
        Environment {
            plugin_path: (!variable.is_empty()).then(|| std::env::join_paths(variable).unwrap()),
            home: None,
            data_home: Some(self.at("data")),
        }
    }

    fn search(&self, named: &[PathBuf], environment: &Environment) -> Discovery {
        Discovery::search(&Places { named, scenario: Some(&self.at("scenario/a.toml")), environment })
    }
}

#[test]
fn the_first_library_in_the_order_of_places_is_meant() {
    let Some(world) = World::new() else { return };
    let order = [
        (world.library("named", &["acme/a"]), Source::Named),
        (world.library("variable/x", &["acme/a", "acme/b"]), Source::Variable),
        (world.library("scenario/plugins/x", &["acme/b", "acme/c"]), Source::ScenarioPlugins),
        (world.library("scenario/x", &["acme/c", "acme/d"]), Source::ScenarioFolder),
        (world.library("data/isotherm/plugins/x", &["acme/d", "acme/e"]), Source::DataFolder),
    ];
    let found = world.search(&[order[0].0.clone()], &world.environment(&[&world.at("variable")]));
    let candidates: Vec<_> = found.candidates().iter().map(|one| (one.file.clone(), one.source)).collect();
    assert_eq!(candidates, order);
    let meant = |name: &str| found.resolve(Kind::Router, name).unwrap().file.clone();
    for (name, place) in [("acme/a", 0), ("acme/b", 1), ("acme/c", 2), ("acme/d", 3), ("acme/e", 4)] {
        assert_eq!(meant(name), order[place].0);
    }
    let shadowed = found.shadowed();
    assert_eq!(shadowed.len(), 4);
    let (hidden, used) = (order[1].0.display(), order[0].0.display());
    let text =
        format!("{hidden}: its router `acme/a` is not used; {used} is searched before it and offers the same name");
    assert_eq!(shadowed[0].to_string(), text);
}

#[test]
fn a_file_that_several_places_have_counts_once() {
    let Some(world) = World::new() else { return };
    let file = world.library("scenario/x", &["acme/a"]);
    let found = world.search(std::slice::from_ref(&file), &world.environment(&[&file, &world.at("scenario")]));
    assert_eq!(found.candidates().len(), 1);
    assert!(found.shadowed().is_empty());
}

#[test]
fn folders_are_searched_for_what_is_called_like_a_library() {
    let Some(world) = World::new() else { return };
    world.library("scenario/b", &["acme/b"]);
    world.library("scenario/a", &["acme/a"]);
    fs::write(world.at("scenario/notes.txt"), "x").unwrap();
    fs::write(world.at("scenario/broken.so"), "x").unwrap();
    fs::write(world.at("scenario/module.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let found = world.search(&[], &world.environment(&[]));
    let names: Vec<_> =
        found.candidates().iter().map(|one| one.file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["a", "b", "broken", "module"], "by name");
    let kind = |at: usize| found.candidates()[at].outcome.as_ref().map_err(|refusal| refusal.kind).err();
    assert_eq!([kind(1), kind(2), kind(3)], [None, Some(RefusalKind::Text), Some(RefusalKind::WebAssembly)]);
    assert_eq!(found.refused_by_name().count(), 0, "nobody has named them");
}

#[test]
fn the_current_directory_is_never_meant() {
    let empty = OsString::from(if cfg!(windows) { ";;" } else { "::" });
    let environment = Environment { plugin_path: Some(empty), home: None, data_home: None };
    let found = Discovery::search(&Places { named: &[], scenario: None, environment: &environment });
    assert_eq!(found, Discovery::default(), "nothing was searched");
}

#[test]
fn an_unknown_name_is_answered_with_all_that_is_known() {
    let Some(world) = World::new() else { return };
    world.library("scenario/x", &["acme/cool-first", "acme/wait"]);
    fs::write(world.at("scenario/broken.so"), "x").unwrap();
    let missing = world.at("missing");
    let found = world.search(&[], &world.environment(&[&missing]));
    let unknown = found.resolve(Kind::Router, "acme/cool-frist").unwrap_err();
    assert_eq!(unknown.message, "no plugin offers the router `acme/cool-frist`");
    assert_eq!(unknown.expected, "`acme/cool-first`, `acme/wait`");
    let place = |path: &str| world.at(path).display().to_string();
    let hint = format!(
        "did you mean `acme/cool-first`?; looked in {} (ISOTHERM_PLUGIN_PATH, which does not exist), \
         {} (plugins beside the scenario), {} (beside the scenario), {} (the user's folder); \
         passed over {} (found a text file)",
        place("missing"),
        place("scenario/plugins"),
        place("scenario"),
        place("data/isotherm/plugins"),
        place("scenario/broken.so"),
    );
    assert_eq!(unknown.hint, hint);
    let other = found.resolve(Kind::Placement, "acme/wait").unwrap_err();
    assert_eq!(other.message, "`acme/wait` is a router, not a placement");
    assert_eq!(other.expected, "a placement that a plugin offers");
}

#[test]
fn a_named_file_that_cannot_be_used_is_told() {
    let Some(world) = World::new() else { return };
    let found = world.search(&[world.at("nowhere.so")], &world.environment(&[]));
    let refusals: Vec<_> = found.refused_by_name().map(|refusal| refusal.kind).collect();
    assert_eq!(refusals, [RefusalKind::Missing]);
}
