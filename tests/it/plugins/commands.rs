//! `isotherm plugin list`, `inspect` and `bench`.

use super::built::example;
use crate::lab::{isotherm, root, text};

#[test]
fn a_list_says_why_a_file_is_unusable() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("plugins/broken.so"), "\u{7f}ELF and no more").unwrap();
    std::fs::copy(example("cool_first"), folder.path().join("plugins/libcool_first.so")).unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &["plugin", "list", "--scenario", "s.toml"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("cool-first 0.1.0  interface 1.0"), "{out}");
    assert!(out.contains("router     acme/cool-first"), "{out}");
    assert!(out.contains("unusable: ") && out.contains("broken.so"), "{out}");
}

#[test]
fn a_list_knows_what_a_scenario_names_and_fails_where_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("built")).unwrap();
    std::fs::copy(example("cool_first"), folder.path().join("built/cool.so")).unwrap();
    std::fs::write(folder.path().join("s.toml"), "plugins = [\"built/cool.so\"]\n").unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &["plugin", "list", "--scenario", "s.toml"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("acme/cool-first"), "{out}");
    let (code, out, _) = text(&isotherm(folder.path(), &["plugin", "list", "--plugin", "nothing.so"]));
    assert_eq!(code, 4);
    assert!(out.contains("unusable: nothing.so"), "{out}");
}

#[test]
fn of_two_of_one_name_the_first_is_used_and_the_other_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.so"), folder.path().join("b.so"));
    std::fs::copy(example("cool_first"), &first).unwrap();
    std::fs::copy(example("cool_first"), &second).unwrap();
    let arguments = ["plugin", "list", "--plugin", "a.so", "--plugin", "b.so"];
    let (_, out, _) = text(&isotherm(folder.path(), &arguments));
    assert!(out.contains("note: b.so: its router `acme/cool-first` is not used; a.so is searched before it"), "{out}");
}

#[test]
fn inspect_shows_options_and_documentation() {
    let library = example("cool_first");
    let (code, out, err) = text(&isotherm(root(), &["plugin", "inspect", library.to_str().unwrap()]));
    assert_eq!(code, 0, "{err}");
    for line in
        ["panic      unwind", "router acme/cool-first", "per_kelvin", "default 0.05. Price of a kelvin (nats/K)"]
    {
        assert!(out.contains(line), "`{line}` in\n{out}");
    }
    let (code, out, err) = text(&isotherm(
        root(),
        &["plugin", "inspect", "acme/cool-first", "--json", "--plugin", library.to_str().unwrap()],
    ));
    assert_eq!(code, 0, "{err}");
    let all: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(all["manifest"]["items"][0]["options"]["properties"]["per_kelvin"]["type"], "number");
}

#[test]
fn a_bench_measures_beside_the_baseline() {
    let library = example("cool_first");
    let arguments = ["plugin", "bench", library.to_str().unwrap(), "--rounds", "3", "--json"];
    let (code, out, err) = text(&isotherm(root(), &arguments));
    assert_eq!(code, 0, "{err}");
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    let names: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["router"].as_str().unwrap()).collect();
    assert_eq!(names, ["baseline", "acme/cool-first", "baseline", "acme/cool-first", "baseline", "acme/cool-first"]);
    assert!(rows[1]["ratio_of_shortest"].as_f64().unwrap() > 0.0);
}
