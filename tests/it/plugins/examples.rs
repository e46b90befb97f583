//! The examples do what their pages say: in scenarios, with the program, as an outsider would run them.

use std::path::PathBuf;

use super::built::{c_library, example, has_c_compiler};
use crate::lab::{SENSOR, from_text, isotherm, mean, root, row, run, small, text};

#[test]
fn cool_first_beats_the_baseline_on_the_classic_scenario() {
    let classic = std::fs::read_to_string(root().join("scenarios/classic.toml")).unwrap();
    let at = classic.find("[[router]]").unwrap();
    let router = "[[router]]\nkind = \"acme/cool-first\"\n";
    let library = example("cool_first").display().to_string();
    let scenario = format!("plugins = [{library:?}]\n{}{router}", &classic[..at]);
    let completed = run(&from_text(&scenario.replace("seeds = 10", "seeds = 4")));
    let found = &row(&completed, "acme/cool-first", "").metrics["energy_savings_percent"];
    assert!(found.mean - found.ci95.unwrap_or(f64::INFINITY) > 15.0, "{found:?}");
}

#[test]
fn a_router_in_c_runs_in_a_scenario_and_saves_energy() {
    if !has_c_compiler("a_router_in_c_runs_in_a_scenario_and_saves_energy") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let example = root().join("plugins/examples/c-greedy");
    let sources: Vec<PathBuf> = ["library.c", "options.c", "router.c"].iter().map(|file| example.join(file)).collect();
    let library = c_library(folder.path(), "greedy", &sources);
    let name = c_name(&library);
    let text = small(&format!("[[router]]\nkind = \"{name}\"\n"));
    let completed = run(&from_text(&format!("plugins = [{:?}]\n{text}", library.display().to_string())));
    assert!(mean(row(&completed, &name, ""), "energy_savings_percent") > 1.0);
}

/// The one name that a library offers.
fn c_name(library: &std::path::Path) -> String {
    isotherm_plugin_host::inspect(library).unwrap().label.items[0].name.clone()
}

#[test]
fn a_source_of_a_library_feeds_the_routers() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("sensors.csv");
    let mut lines = String::from("time_s,gpu,temperature_degc,power_w\n");
    for gpu in 0..4 {
        lines.push_str(&format!("0.0,{gpu},{},300\n", if gpu == 3 { 85 } else { 45 }));
    }
    std::fs::write(&csv, lines).unwrap();
    let (cool, pipe) = (example("cool_first"), example("csv_pipe"));
    let scenario = small("[[router]]\nkind = \"acme/cool-first\"\nper_kelvin = 0.1\n").replace(
        SENSOR,
        &format!("{{ kind = \"acme/csv-pipe\", prescribes = false, file = {:?} }}", csv.display().to_string()),
    );
    assert!(scenario.contains("acme/csv-pipe"), "{scenario}");
    let plugins = [cool, pipe].map(|path| path.display().to_string());
    let completed = run(&from_text(&format!("plugins = {plugins:?}\n{scenario}")));
    assert!(mean(row(&completed, "acme/cool-first", ""), "energy_savings_percent") > 5.0);
}

#[test]
fn a_placement_of_a_library_places() {
    let library = example("round_robin_hot");
    let label = isotherm_plugin_host::inspect(&library).unwrap().label;
    let name = &label.items[0].name;
    let scenario = small("[[router]]\nkind = \"baseline\"\n");
    let text = format!("plugins = [{:?}]\n{scenario}[placement]\nkind = \"{name}\"\n", library.display().to_string());
    let file = from_text(&text);
    let placement = file.plan.worlds[0].scenario.placement().unwrap();
    assert_eq!(placement.experts(), 8);
    run(&file);
}

/// What an instance has learned survives an interruption: the run is saved and restored in the middle of it.
#[test]
fn a_router_with_memory_is_saved_and_restored() {
    let library = example("ttt_trust");
    let name = isotherm_plugin_host::inspect(&library).unwrap().label.items[0].name.clone();
    let scenario = small(&format!("[[router]]\nkind = \"{name}\"\nlambda = 0.5\n"));
    let text = format!("plugins = [{:?}]\n{scenario}", library.display().to_string());
    crate::determinism::the_snapshot_law_holds_for(&text);
    let learned = row(&run(&from_text(&text)), &name, "").metrics["mass_regret"].mean;
    assert!(learned > 0.0, "there is something to be remembered");
}

#[test]
fn validate_and_list_know_libraries() {
    let folder = tempfile::tempdir().unwrap();
    let library = example("cool_first");
    let (code, out, err) =
        text(&isotherm(folder.path(), &["plugin", "list", "--json", "--plugin", library.to_str().unwrap()]));
    assert_eq!(code, 0, "{err}");
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list["plugins"][0]["offers"][0]["name"], "acme/cool-first");
    assert_eq!(list["plugins"][0]["abi"], "1.0");
}
