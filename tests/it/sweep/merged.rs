//! The merged result is that of a plain run, however the work was cut.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;

use super::bench::Bench;

#[test]
fn a_sweep_in_chunks_gives_what_a_run_gives() {
    let bench = Bench::new();
    let (out, _) = bench.expect(0, "sweep plan s.toml -o p --chunks 4");
    for words in ["points      6 (2 worlds", "runs        18", "4 of 1 or 2 points", "arrivals.tokens = 48, 96"] {
        assert!(out.contains(words), "`{words}` in\n{out}");
    }
    let (out, err) = bench.expect(8, "sweep merge p");
    assert!(err.contains("6 of 6 points are missing: 0-5") && out.is_empty(), "{err}");
    bench.expect(0, "sweep work p --chunk 2 --chunk 0-1");
    let (out, _) = bench.expect(0, "sweep status p");
    assert!(out.contains("4 points in 3 chunks") && out.contains("--chunk 3`"), "{out}");
    let (_, err) = bench.expect(8, "sweep merge p");
    assert!(err.contains("2 of 6 points are missing: 4-5") && err.contains("sweep work p --chunk 3"), "{err}");
    let (out, _) = bench.expect(8, "sweep merge p --report");
    assert!(out.contains("energy-penalty"), "{out}");
    assert!(bench.path("p/results-partial/summary.json").exists() && !bench.path("p/results").exists());
    bench.expect(0, "sweep work p --chunk 3");
    bench.equals_run();
    let (out, _) = bench.expect(0, "sweep merge p --report");
    assert!(out.contains("energy-penalty") && out.contains("baseline"), "{out}");
}

#[test]
fn what_is_done_is_not_done_again() {
    let bench = Bench::new();
    bench.expect(0, "sweep plan s.toml -o p --points-per-task 3");
    bench.expect(0, "sweep work p --all");
    let (before, modified) = (bench.names("tasks"), std::fs::metadata(bench.shard(0)).unwrap().modified().unwrap());
    let (_, err) = bench.expect(0, "sweep work p --all");
    assert_eq!(err.matches("done before").count(), 2, "{err}");
    assert_eq!(bench.names("tasks"), before);
    assert_eq!(std::fs::metadata(bench.shard(0)).unwrap().modified().unwrap(), modified);
    let (_, err) = bench.expect(0, "sweep plan s.toml -o p --points-per-task 3");
    assert!(err.contains("holds this plan already"), "{err}");
}

/// What a shard offers to those who open it with something else.
#[test]
fn a_shard_is_a_table_with_its_origin_in_it() {
    let bench = Bench::new();
    bench.expect(0, "sweep plan s.toml -o p --chunks 1");
    bench.expect(0, "sweep work p --all");
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("p/plan.json")).unwrap()).unwrap();
    let shard = SerializedFileReader::new(std::fs::File::open(bench.shard(0)).unwrap()).unwrap();
    let origin = shard.metadata().file_metadata().key_value_metadata().unwrap();
    let of = |key: &str| origin.iter().find(|entry| entry.key == key).unwrap().value.clone().unwrap();
    assert_eq!(of("isotherm.scenario_hash"), plan["scenario_hash"].as_str().unwrap());
    assert_eq!((of("isotherm.points").as_str(), of("isotherm.failed_points").as_str()), ("6", "0"));
    bench.expect(0, "run s.toml --out run");
    let table = SerializedFileReader::new(std::fs::File::open(bench.path("run/runs.parquet")).unwrap()).unwrap();
    let mut rows = 0;
    for (mine, run) in shard.get_row_iter(None).unwrap().zip(table.get_row_iter(None).unwrap()) {
        let (mine, run) = (mine.unwrap(), run.unwrap());
        let value = |name: &str| mine.get_column_iter().find(|(column, _)| *column == name).unwrap().1.clone();
        for (name, field) in run.get_column_iter() {
            assert_eq!(value(name), *field, "{name}");
        }
        // Two routers, one at two prices: three runs a point.
        assert_eq!(value("point_index"), Field::Long(rows / 3));
        assert!(
            matches!(value("point_id"), Field::Str(id) if id.starts_with(&format!("{}-", rows / 3)) && id.len() == 14)
        );
        assert_eq!(value("status"), Field::Str("done".to_owned()));
        rows += 1;
    }
    assert_eq!(rows, 18);
}

#[test]
fn savings_against_the_first_point_are_found_by_the_merge() {
    let text = super::bench::scenario(super::bench::ROUTERS)
        .replace("\"arrivals.tokens\" = [48, 96]", "\"costs.hot_joules\" = [2.0, 3.0]")
        .replace("[sweep]", "[compare]\nbaseline = \"first-point\"\n[sweep]");
    let bench = Bench::of(&text);
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    bench.expect(0, "sweep work p --all");
    bench.equals_run();
}

/// TOML would put tables behind their neighbours and sort their keys; points are ordered and called by both.
#[test]
fn axes_of_tables_keep_their_order_and_their_names() {
    let axes = [
        "arrivals = [{ kind = \"closed-loop\", tokens = 96, batches = 12 }, { tokens = 48, kind = \"closed-loop\", batches = 12 }]\n\"seed\" = [5, 9]\n\"router.lambda\" = [0.1, 0.5]\n",
        "\"router[1]\" = [{ kind = \"ucb\", lambda = 0.1 }, { lambda = 0.2, kind = \"energy-penalty\" }]\n\"router.lambda\" = [0.1, 0.5]\n",
    ];
    for axes in axes {
        let text = super::bench::scenario(super::bench::ROUTERS);
        let before = text.split("[sweep]").next().unwrap();
        let bench = Bench::of(&format!("{before}[sweep]\n{axes}"));
        bench.expect(0, "sweep plan s.toml -o p --chunks 3");
        bench.expect(0, "sweep work p --all");
        bench.equals_run();
        // What is written of a run makes it again.
        bench.expect(0, "run run/scenario.resolved.toml --out again");
        let (run, again) = (bench.results("run"), bench.results("again"));
        assert!(run["series.parquet"].len() == again["series.parquet"].len());
        assert_eq!(points(&bench.path("run")), points(&bench.path("again")));
    }
}

/// The rows of a table of runs: router, point, seed.
fn points(results: &std::path::Path) -> Vec<(String, String, u64)> {
    let stored = isotherm::results::StoredRuns::read(&results.join("runs.parquet")).unwrap();
    stored.runs.into_iter().map(|run| (run.router, run.point, run.seed)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    /// Chunks, threads and the order of tasks decide no byte of the result.
    #[test]
    fn no_cut_changes_a_byte(chunks in 1_usize..9, threads in prop::collection::vec(1_u16..5, 8), order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle()) {
        let bench = Bench::new();
        bench.expect(0, &format!("sweep plan s.toml -o p --chunks {chunks}"));
        for (chunk, threads) in order.iter().filter(|chunk| **chunk < chunks.min(6)).zip(threads) {
            bench.expect(0, &format!("sweep work p --quiet --chunk {chunk} --threads {threads}"));
        }
        bench.equals_run();
    }
}
