//! Many tiny points: few files, and little time for anything but the simulation.

use super::bench::Bench;

/// One batch of four tokens; worlds differ in a cost.
fn tiny(worlds: usize) -> Bench {
    let values: Vec<String> = (0..worlds).map(|world| format!("{:.6}", 1.0 + world as f64 * 1e-5)).collect();
    Bench::of(&format!(
        "schema_version = 1
name = \"tiny\"
model = {{ experts = 4, top_k = 1 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 1, tokens = 4 }}
costs = {{ kind = \"table\", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }}
hardware = {{ gpus = 4 }}
telemetry = {{ kind = \"fixed\", temperatures = [\"0 degC\", \"0 degC\", \"0 degC\", \"70 degC\"] }}
router = [{{ kind = \"baseline\" }}, {{ kind = \"energy-penalty\", lambda = 0.5 }}]
[sweep]
\"costs.hot_joules\" = [{}]
",
        values.join(", ")
    ))
}

#[test]
fn the_number_of_files_does_not_grow_with_the_number_of_points() {
    for worlds in [20, 400] {
        let bench = tiny(worlds);
        bench.expect(0, "sweep plan s.toml -o p --chunks 3");
        bench.expect(0, "sweep work p --all");
        assert_eq!((bench.names("tasks").len(), bench.names("journal").len()), (3, 0));
        bench.equals_run();
    }
}

/// `cargo test --release --test it -- --ignored --nocapture a_hundred_thousand_points`
#[ignore = "takes minutes: measures time, files and memory of a hundred thousand points"]
#[test]
fn a_hundred_thousand_points() {
    const POINTS: usize = 100_000;
    let bench = tiny(POINTS);
    let timed = |arguments: &str| {
        let started = std::time::Instant::now();
        // `time` knows how much memory it took at most (KiB).
        let words = format!("-f %M {} {arguments}", env!("CARGO_BIN_EXE_isotherm"));
        let output = std::process::Command::new("time")
            .args(words.split_whitespace())
            .current_dir(bench.path(""))
            .output()
            .unwrap();
        let (code, _, err) = crate::lab::text(&output);
        assert_eq!(code, 0, "{err}");
        let kib: u64 = err.trim().lines().last().unwrap().parse().unwrap();
        let seconds = started.elapsed().as_secs_f64();
        crate::lab::announce(&format!("{arguments}: {seconds:.1} s, {} MB at most", kib / 1024));
        (seconds, kib)
    };
    let (plan, _) = timed("sweep plan s.toml -o p --chunks 16");
    let (work, _) = timed("sweep work p --all --quiet");
    assert_eq!(bench.names("tasks").len() + bench.names("journal").len(), 16);
    let (merge, kib) = timed("sweep merge p");
    // The simulation itself is in it.
    assert!((plan + work + merge) / (POINTS as f64) < 2e-3);
    assert!(kib < 300 * 1024);
}
