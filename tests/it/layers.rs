//! Models of several MoE layers: every layer has its own gate, its own router and its own line in the results.

use isotherm_core::record::RunRecord;

use crate::lab::{from_text, isotherm, mean, row, run, small, small_device, text};

fn with_layers(text: &str, layers: u32) -> String {
    text.replace("top_k = 2 }", &format!("top_k = 2, layers = {layers} }}"))
}

const ROUTERS: &str = "router = [{ kind = \"baseline\" }, { kind = \"ttt\", lambda = 0.5 }]";

fn records(text: &str) -> Vec<RunRecord> {
    run(&from_text(text)).finished.into_iter().map(|finished| finished.outcome.unwrap()).collect()
}

#[test]
fn batch_and_layers_tell_the_same_story() {
    for record in records(&with_layers(&small(ROUTERS), 3)) {
        assert_eq!(record.layers.len(), 3);
        for batch in &record.batches {
            assert_eq!((batch.layers, batch.usage.len()), (3, 24));
            // Every token passes every layer.
            assert_eq!(batch.assignments(), 3 * 2 * u64::from(batch.tokens));
        }
        let by_batch: f64 = record.batches.iter().map(|b| b.energy_joules).sum();
        let by_layer: f64 = record.layers.iter().map(|l| l.energy_joules).sum();
        assert!((by_batch - by_layer - record.router_joules).abs() < 1e-9 * by_batch, "{by_batch} {by_layer}");
        let busy: f64 = record.batches.iter().map(|b| (b.finished - b.dispatched).seconds()).sum();
        let in_layers: f64 = record.layers.iter().map(|l| l.seconds).sum();
        assert!((busy - in_layers).abs() < 1e-9 * busy, "{busy} {in_layers}");
        let regret: f64 =
            record.batches.iter().map(|b| b.fidelity.mass_regret).sum::<f64>() / record.batches.len() as f64;
        let layers: f64 = record.layers.iter().map(|l| l.fidelity.mass_regret).sum::<f64>() / 3.0;
        assert!((regret - layers).abs() < 1e-12, "{regret} {layers}");
        for (layer, record_of_layer) in record.layers.iter().enumerate() {
            let usage: Vec<u64> = record.usage()[8 * layer..][..8].to_vec();
            assert_eq!(record_of_layer.usage, usage);
        }
        assert_ne!(record.layers[0].usage, record.layers[1].usage, "every layer has a gate of its own");
    }
}

/// A router learns in each layer from that layer alone: the first layer of a model of three is routed as in a model of one, where
/// nothing of the hardware is looked at.
#[test]
fn the_first_layer_is_routed_as_if_it_were_alone() {
    let (one, three) = (records(&small(ROUTERS)), records(&with_layers(&small(ROUTERS), 3)));
    for (one, three) in one.iter().zip(&three) {
        assert_eq!(one.usage(), three.layers[0].usage);
    }
}

/// Layers that are routed alike, or through gates of their own: for the baseline the work is that of as many layers.
#[test]
fn a_layer_repeated_takes_as_long_as_as_many_layers() {
    let routers = "[[router]]\nkind = \"baseline\"";
    let own = with_layers(&small_device(routers), 16).replace("layers = 64", "layers = 4");
    let (own, alike) = (run(&from_text(&own)), run(&from_text(&small_device(routers))));
    let makespan = |completed| mean(row(completed, "baseline", ""), "makespan_s");
    let ratio = makespan(&own) / makespan(&alike);
    // The gates differ, and with them the largest share of a GPU: by a few percent of 2,048 tokens.
    assert!((ratio - 1.0).abs() < 0.03, "{ratio}");
}

/// A batch is infeasible once, however many of its layers say so.
#[test]
fn infeasible_batches_are_counted_once() {
    let router = "router = [{ kind = \"primal-dual\", cap = \"20 degC\", patience = \"1 ms\" }]";
    for completed in [run(&from_text(&small(router))), run(&from_text(&with_layers(&small(router), 3)))] {
        let share = mean(row(&completed, "primal-dual", ""), "infeasible_share");
        assert!(share > 0.5 && share <= 1.0, "{share}");
    }
}

#[test]
fn results_have_a_row_per_layer() {
    let folder = tempfile::tempdir().unwrap();
    let text_of_scenario = with_layers(&small(ROUTERS), 3)
        .replace("scenarios/hardware", &format!("{}/scenarios/hardware", crate::lab::root().display()));
    std::fs::write(folder.path().join("layers.toml"), text_of_scenario).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "layers.toml", "--csv", "--quiet"]));
    assert_eq!(code, 0, "{err}");
    let table = std::fs::read_to_string(folder.path().join("results/small/layers.csv")).unwrap();
    // Two routers, two seeds, three layers, and the heading.
    assert_eq!(table.lines().count(), 2 * 2 * 3 + 1, "{table}");
    assert!(folder.path().join("results/small/layers.parquet").exists());
}

#[test]
fn no_layers_at_all_are_refused() {
    let fault = isotherm::scenario_file::ScenarioFile::from_text(
        "test.toml",
        &with_layers(&small(ROUTERS), 0),
        crate::lab::root(),
        &[],
    );
    let message = fault.err().unwrap().to_string();
    assert!(message.contains("a model of 0 MoE layers") && message.contains("layers = 58"), "{message}");
}
