//! What is not mixed, and what is said then.

use super::bench::Bench;

fn refused(bench: &Bench, code: i32, arguments: &str, words: &[&str]) {
    let (out, err) = bench.expect(code, arguments);
    for word in words {
        assert!(err.contains(word), "`{word}` in\n{err}");
    }
    assert_eq!((out.as_str(), err.matches("error:").count()), ("", 1), "one message: {err}");
}

fn hash(bench: &Bench, plan: &str) -> String {
    let plan: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bench.path(plan).join("plan.json")).unwrap()).unwrap();
    plan["scenario_hash"].as_str().unwrap().to_owned()
}

#[test]
fn another_plan_in_the_folder() {
    let bench = Bench::new();
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    bench.expect(0, "sweep plan s.toml -o other --chunks 2 --set seeds=4");
    let (ours, theirs) = (hash(&bench, "p"), hash(&bench, "other"));
    refused(&bench, 5, "sweep plan s.toml -o p --chunks 2 --set seeds=4", &["another scenario", &ours, &theirs, "-o"]);
    refused(&bench, 5, "sweep plan s.toml -o p --chunks 3", &["in 2 chunks, and not in 3"]);
}

#[test]
fn results_of_another_sweep_in_the_folder() {
    let bench = Bench::new();
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    bench.expect(0, "sweep plan s.toml -o other --chunks 2 --set seed=7");
    bench.expect(0, "sweep work p --all");
    bench.expect(0, "sweep work other --all");
    let shard = bench.shard(1);
    std::fs::remove_file(&shard).unwrap();
    for entry in std::fs::read_dir(bench.path("other/tasks")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, bench.path("p/tasks").join(path.file_name().unwrap())).unwrap();
    }
    let (ours, theirs) = (hash(&bench, "p"), hash(&bench, "other"));
    for command in ["merge p", "status p", "work p --chunk 1", "retry p"] {
        refused(&bench, 4, &format!("sweep {command}"), &["is of the scenario", &ours, &theirs, "move that file away"]);
    }
}

#[test]
fn shards_of_another_cut_and_another_version() {
    let bench = Bench::new();
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    bench.expect(0, "sweep plan s.toml -o other --chunks 3");
    bench.expect(0, "sweep work other --chunk 1-2");
    for entry in std::fs::read_dir(bench.path("other/tasks")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::create_dir_all(bench.path("p/tasks")).unwrap();
        std::fs::copy(&path, bench.path("p/tasks").join(path.file_name().unwrap())).unwrap();
    }
    refused(&bench, 4, "sweep merge p", &["chunk 2, and the plan has 2 chunks"]);
    std::fs::remove_dir_all(bench.path("p/tasks")).unwrap();
    let plan = bench.path("p/plan.json");
    let text = std::fs::read_to_string(&plan).unwrap();
    let version = format!("\"isotherm\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version));
    std::fs::write(&plan, text.replace(&version, "\"isotherm\": \"0.0.9\"")).unwrap();
    for command in ["work p --all", "status p", "merge p", "retry p"] {
        refused(&bench, 4, &format!("sweep {command}"), &["planned by isotherm 0.0.9", env!("CARGO_PKG_VERSION")]);
    }
}

#[test]
fn what_the_plan_rests_on_has_changed() {
    let text = super::bench::scenario(super::bench::ROUTERS)
        .replace(
            "arrivals = { kind = \"closed-loop\", batches = 12, tokens = 96 }",
            "arrivals = { kind = \"trace\", file = \"a.csv\" }",
        )
        .replace("\"arrivals.tokens\" = [48, 96]", "\"costs.hot_joules\" = [2.0, 3.0]");
    let bench = Bench::of(&text);
    std::fs::write(
        bench.path("a.csv"),
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.0,32,1\n2024-05-10 00:00:00.5,64,1\n",
    )
    .unwrap();
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    // The scenario itself is read no more.
    std::fs::remove_file(bench.path("s.toml")).unwrap();
    bench.expect(0, "sweep work p --chunk 0");
    std::fs::write(
        bench.path("a.csv"),
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.0,32,1\n2024-05-10 00:00:00.5,65,1\n",
    )
    .unwrap();
    refused(&bench, 4, "sweep work p --chunk 1", &["a.csv has changed", "its digest was", "and is"]);
    std::fs::write(
        bench.path("a.csv"),
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.0,32,1\n2024-05-10 00:00:00.5,64,1\n",
    )
    .unwrap();
    bench.expect(0, "sweep work p --chunk 1");
    // Merging needs no data files.
    std::fs::remove_file(bench.path("a.csv")).unwrap();
    bench.expect(0, "sweep merge p");
    let frozen = bench.path("p/scenario.frozen.toml");
    std::fs::write(&frozen, std::fs::read_to_string(&frozen).unwrap().replace("top_k = 2", "top_k = 3")).unwrap();
    for command in ["work p --all", "merge p"] {
        refused(&bench, 4, &format!("sweep {command}"), &["scenario.frozen.toml has changed", "its digest was"]);
    }
}

#[test]
fn slips_of_the_hand() {
    let bench = Bench::new();
    refused(&bench, 4, "sweep work p --all", &["there is no plan in p", "isotherm sweep plan"]);
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    refused(&bench, 2, "sweep work p", &["which chunk", "--all"]);
    refused(&bench, 2, "sweep work p --chunk 2", &["there is no chunk 2: the plan has 2, from 0 to 1"]);
    refused(&bench, 2, "sweep work p --chunk 1-0", &["the range 1-0 is empty"]);
    refused(&bench, 3, "sweep plan s.toml -o q --set router[1].lamda=[1]", &["lamda"]);
    std::fs::write(bench.path("file"), "").unwrap();
    refused(&bench, 5, "sweep plan s.toml -o file", &["a file is in the way"]);
    std::fs::write(bench.path("p/plan.json"), "{").unwrap();
    refused(&bench, 4, "sweep status p", &["plan.json is damaged", "plan again"]);
}

/// A full disk is one message; the next start goes on where it ended.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let text = super::bench::scenario(super::bench::ROUTERS).replace("batches = 12", "batches = 300");
    let bench = Bench::of(&text);
    bench.expect(0, "sweep plan s.toml -o p --chunks 1");
    let limited = format!("trap '' XFSZ; ulimit -f 500; exec {} sweep work p --all", env!("CARGO_BIN_EXE_isotherm"));
    let output =
        std::process::Command::new("bash").args(["-c", &limited]).current_dir(bench.path("")).output().unwrap();
    let (code, out, err) = crate::lab::text(&output);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("cannot write") && err.contains("make room") && out.is_empty(), "{err}");
    assert_eq!(err.matches("error:").count(), 1, "{err}");
    assert!(bench.names("tasks").is_empty());
    let (_, err) = bench.expect(0, "sweep work p --all");
    assert!(err.contains("kept before"), "{err}");
    bench.equals_run();
}
