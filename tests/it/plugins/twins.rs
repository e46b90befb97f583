//! Every built-in router, built as a library from the public crates alone, gives the results of the one that is linked in, to the byte.

use isotherm::execute::Completed;
use isotherm_routers::KINDS;

use super::built::example;
use crate::lab::{from_text, run, small, small_device};

/// The comparison of one router by a `kind`, under a name that does not tell which.
fn results(scenario: fn(&str) -> String, kind: &str, options: &str) -> Completed {
    let table = format!("[[router]]\nname = \"it\"\nkind = \"{kind}\"\n{options}\n");
    let text = format!("plugins = [{:?}]\n{}", example("builtins").display().to_string(), scenario(&table));
    run(&from_text(&text))
}

/// Everything that results are made of, as bytes.
fn bytes(completed: &Completed) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(&completed.summary.rows).unwrap();
    for finished in &completed.finished {
        let record = finished.outcome.as_ref().unwrap_or_else(|error| panic!("{error}"));
        bytes.extend(postcard::to_stdvec(record).unwrap());
        bytes.extend(serde_json::to_vec(&finished.metrics).unwrap());
    }
    bytes
}

fn compare(scenario: fn(&str) -> String) {
    for kind in KINDS.iter().filter(|kind| kind.name != "prescribed") {
        let options: String = kind.example.lines().skip(1).map(|line| format!("{line}\n")).collect();
        let (linked, loaded) =
            (results(scenario, kind.name, &options), results(scenario, &format!("isotherm/{}", kind.name), &options));
        assert!(bytes(&linked) == bytes(&loaded), "{}", kind.name);
    }
}

#[test]
fn a_router_from_a_library_gives_the_bytes_of_the_one_that_is_linked_in() {
    compare(small);
}

#[test]
fn on_devices_and_in_several_layers_too() {
    compare(|routers| {
        small_device(routers).replace("top_k = 2 }", "top_k = 2, layers = 3 }").replace("batches = 9", "batches = 4")
    });
}

#[test]
fn the_options_that_all_routers_share_reach_a_library() {
    let options = "lambda = 0.8\nfloor = 1\ncombine = \"penalised\"\n";
    let (linked, loaded) =
        (results(small, "energy-penalty", options), results(small, "isotherm/energy-penalty", options));
    let plain = results(small, "energy-penalty", "lambda = 0.8\n");
    assert!(bytes(&linked) == bytes(&loaded));
    assert!(bytes(&plain) != bytes(&loaded), "they make a difference");
}
