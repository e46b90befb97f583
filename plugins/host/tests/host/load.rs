//! Loads of a library: found by name and by file, and what they answer is looked at.

use std::path::Path;

use isotherm_core::id::ExpertId;
use isotherm_core::load::{Load, LoadError, LoadShape, Share};
use isotherm_plugin_host::{Discovery, Environment, Kind, Library, Places, Plugins};

use crate::build::{Libraries, words};

fn shape() -> LoadShape {
    LoadShape { devices: vec![3, 5], experts: 4, top_k: 2, d_model: 64, d_ff: 128, matrices: 3 }
}

fn share(list: &[(u32, u32)]) -> Share {
    list.iter().map(|(expert, assignments)| (ExpertId(*expert), *assignments)).collect()
}

fn unfit(plugins: &Plugins, name: &Path, shape: &LoadShape, options: &str) -> String {
    match plugins.load(name.to_str().unwrap(), shape, options).err().unwrap() {
        LoadError::Unfit(message) => message,
        other => panic!("{other:?}"),
    }
}

fn failed(load: &mut dyn Load, shares: &[Share]) -> String {
    match load.execute(shares, &mut [0.0; 2]).unwrap_err() {
        LoadError::Failed(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_is_found_by_its_name_and_by_its_file() {
    let Some(libraries) = Libraries::new() else { return };
    let file = libraries.build("load", "pretend", &[]);
    let named = [file.clone()];
    let places = Places { named: &named, scenario: None, environment: &Environment::default() };
    let by_name = Plugins::new(Discovery::search(&places));
    for (plugins, name) in [(by_name, "acme/pretend"), (Plugins::default(), file.to_str().unwrap())] {
        let mut load = plugins.load(name, &shape(), "{}").unwrap();
        assert_eq!(load.devices(), ["device 3", "device 5"]);
        let mut seconds = [7.0; 2];
        load.execute(&[share(&[(0, 10), (3, 2)]), share(&[(1, 4)])], &mut seconds).unwrap();
        assert_eq!(seconds, [18.0, 8.0]);
        load.execute(&[share(&[]), share(&[(0, 1)])], &mut seconds).unwrap();
        assert_eq!(seconds, [0.0, 1.0], "what stood there before is gone");
        let used = plugins.used();
        assert_eq!((used.len(), used[0].item.kind, used[0].item.name.as_str()), (1, Kind::Load, "acme/pretend"));
    }
}

#[test]
fn a_name_that_means_no_load_says_so() {
    let Some(libraries) = Libraries::new() else { return };
    let plugins = Plugins::default();
    let router = libraries.build("refused", "router", &[]);
    assert!(unfit(&plugins, &router, &shape(), "{}").contains("offers no load"));
    let two = libraries.build("load", "two", &["SECOND"]);
    let said = unfit(&plugins, &two, &shape(), "{}");
    assert!(said.contains("offers the loads `acme/pretend` and `acme/other`") && said.contains("--plugin"), "{said}");
    assert!(unfit(&plugins, Path::new("no/such.so"), &shape(), "{}").contains("found nothing there"));
    let named = [router];
    let places = Places { named: &named, scenario: None, environment: &Environment::default() };
    let said = unfit(&Plugins::new(Discovery::search(&places)), Path::new("acme/small"), &shape(), "{}");
    assert!(said.starts_with("`acme/small` is a router, not a load"), "{said}");
    assert!(plugins.used().is_empty());
}

#[test]
fn what_a_load_cannot_be_made_of_is_told_with_its_name() {
    let Some(libraries) = Libraries::new() else { return };
    let file = libraries.build("load", "unfit", &[]);
    let said = |shape: &LoadShape, options: &str| unfit(&Plugins::default(), &file, shape, options);
    let option = said(&shape(), r#"{"speed": 2}"#);
    assert!(option.contains("plugin `acme/pretend` 0.3.1") && option.contains("/speed: is no option"), "{option}");
    let devices = said(&LoadShape { devices: (0..9).collect(), ..shape() }, "{}");
    assert!(devices.ends_with("failed while being made: there are 8 devices"), "{devices}");
    for wrong in [
        LoadShape { devices: Vec::new(), ..shape() },
        LoadShape { top_k: 5, ..shape() },
        LoadShape { top_k: 0, ..shape() },
        LoadShape { d_model: 0, ..shape() },
        LoadShape { matrices: 1, ..shape() },
    ] {
        assert!(said(&wrong, "{}").contains("expected at least one of each"), "{wrong:?}");
    }
}

#[test]
fn shares_and_answers_that_cannot_be_end_the_run() {
    let Some(libraries) = Libraries::new() else { return };
    let file = libraries.build("load", "shares", &[]);
    let load = |options: &str| Plugins::default().load(file.to_str().unwrap(), &shape(), options).unwrap();
    let mut good = load("{}");
    for wrong in [share(&[(4, 1)]), share(&[(1, 1), (0, 1)]), share(&[(1, 1), (1, 1)]), share(&[(1, 0)])] {
        let said = failed(&mut *good, &[share(&[]), wrong]);
        assert!(said.starts_with("the share of GPU 1 is [") && said.contains("ascending experts below 4"), "{said}");
    }
    assert!(failed(&mut *good, &[share(&[])]).starts_with("1 shares and 2 times; plugin `acme/pretend`"));
    let said = failed(&mut *good, &[share(&[(0, 13)]), share(&[])]);
    assert!(said.ends_with("failed while executing a layer: 13 assignments"), "{said}");
    let said = failed(&mut *load(r#"{"broken": 1}"#), &[share(&[]), share(&[(0, 1)])]);
    assert!(said.contains("broke the interface: 1 s for GPU 0 with work for 0 experts"), "{said}");
}

#[test]
fn tables_of_loads_are_checked() {
    let Some(libraries) = Libraries::new() else { return };
    let refused = |name, macros: &[&str]| words(&Library::open(&libraries.build("load", name, macros)).unwrap_err());
    assert!(refused("idle", &["NO_EXECUTE"]).contains("the load `acme/pretend` with no function `execute`"));
    assert!(refused("short", &["TABLE_SIZE=24"]).contains("a table of functions of 24 bytes"));
}
