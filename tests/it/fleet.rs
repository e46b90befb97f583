//! Fleets: many groups in one hall. What must hold of every run holds of them too, and one group alone is a run of one group.

use isotherm_core::record::RunRecord;

use crate::lab::{from_text, isotherm, mean, root, row, run, scenario, text};

/// The small fleet of the repository for `duration`, with more assignments.
fn records(set: &[&str]) -> Vec<RunRecord> {
    let short = ["seeds=1", "fleet.duration=\"30 s\"", "fleet.window=\"5 s\"", "change[0].at=\"10 s\""];
    let all: Vec<&str> = short.iter().chain(set).copied().collect();
    let completed = run(&scenario("fleet-small.toml", &all));
    completed.finished.into_iter().map(|finished| finished.outcome.unwrap()).collect()
}

/// INV-4 for a fleet: what enters the GPUs is stored or removed, and all energy is the sum of its parts.
#[test]
fn inv_4_every_joule_of_a_fleet_is_accounted_for() {
    for record in records(&[]) {
        let entered = record.gpu_joules;
        let error = (entered - record.stored_joules - record.removed_joules).abs();
        assert!(error < 1e-9 * entered, "{error} J of {entered} J are missing");
        let parts = record.energy_joules();
        assert!((parts - entered - record.router_joules).abs() < 1e-9 * parts, "{parts} and {entered}");
        assert!(record.leakage_joules > 0.0 && record.leakage_joules < 0.5 * entered);
        let fleet = record.fleet.as_ref().unwrap();
        let by_racks: f64 = fleet.racks.iter().map(|rack| f64::from(rack.power.mean) * 16.0 * 5.0).sum();
        assert!((by_racks / entered - 1.0).abs() < 0.02, "what racks say they drew: {by_racks} of {entered}");
    }
}

/// INV-1 for a fleet: tokens that arrive are served or wait, each at k experts of every layer.
#[test]
fn every_token_of_the_traffic_is_served_or_waits() {
    let file = scenario("fleet-small.toml", &[]);
    let arrivals = file.plan.worlds[0].scenario.arrivals.batches(0).unwrap();
    let here = arrivals.iter().filter(|batch| batch.at.is_some_and(|at| at.seconds() <= 30.0));
    let arrived: u64 = here.map(|batch| (f64::from(batch.tokens) * 600.0).round() as u64).sum();
    for record in records(&[]) {
        let fleet = record.fleet.as_ref().unwrap();
        let served: u64 = record.batches.iter().map(|batch| u64::from(batch.tokens)).sum();
        assert_eq!(served + fleet.waiting_tokens, arrived);
        assert_eq!(fleet.latency.total(), served);
        assert!(fleet.step.total() > 100);
        for batch in &record.batches {
            assert_eq!(batch.assignments(), u64::from(batch.tokens) * 6 * 4);
        }
    }
}

/// Threads and merged columns change no bit.
#[test]
fn threads_and_cohorts_change_nothing() {
    let on = |threads: usize, set: &[&str]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| records(set))
    };
    let one = on(1, &[]);
    assert!(one.len() == 2 && one[0].trace != one[1].trace);
    assert!(one == on(3, &[]), "the number of threads shows");
    assert!(one == on(2, &["fleet.cohorts=false"]), "merging devices shows");
}

/// A row that loses its air warms, and the other one does not.
#[test]
fn a_fault_of_the_cooling_stays_in_its_row() {
    for record in records(&["fleet.duration=\"3 min\"", "fleet.window=\"30 s\"", "change[0].at=\"60 s\""]) {
        let fleet = record.fleet.as_ref().unwrap();
        let mean_of = |row: u32, from: f64| {
            let of = fleet.racks.iter().filter(|rack| rack.row == row && rack.from.seconds() == from);
            let means: Vec<f64> = of.map(|rack| f64::from(rack.temperature.mean)).collect();
            means.iter().sum::<f64>() / means.len() as f64
        };
        let rise = |row| mean_of(row, 150.0) - mean_of(row, 30.0);
        assert!(rise(1) > rise(0) + 1.5, "row 1 warmed by {} K, row 0 by {} K", rise(1), rise(0));
        assert!(fleet.racks.iter().all(|rack| rack.temperature.min <= rack.temperature.max));
    }
}

/// One group without any cooling of its own.
fn one_group(beside: &str) -> String {
    format!(
        "schema_version = 1
name = \"one-group\"
seeds = 4
model = {{ experts = 32, top_k = 4, layers = 2 }}
workload = {{ kind = \"gaussian\", sigma = 1.0, source = \"logits\", skew = 0.2 }}
arrivals = {{ kind = \"closed-loop\", batches = 400, tokens = 4096 }}
telemetry = {{ kind = \"synthetic\", period = \"1 s\" }}
costs = {{ kind = \"device\", layer = {{ d_model = 4096, d_ff = 14336, layers = 4 }} }}
hardware = {{ gpus = 16, gpus_per_node = 8, profile = \"scenarios/hardware/h200-sxm.toml\",  \
variability = {{ seed = 1, resistance = 0.1, leakage = 0.2 }}, on_shutdown = \"stop\" }}
router = [{{ kind = \"baseline\" }}, {{ kind = \"energy-penalty\", lambda = 0.5, costs = \"sampled\", normalise = \"mean\", \
leakage_per_kelvin = 0.015, reference_degc = 60.0 }}]
{beside}"
    )
}

/// The model of a fleet against the model of a run: one group, every token through its gate there, counts here; with stretches of one step and
/// of ten. Bounds are those that the upper tiers have to keep.
#[test]
fn a_fleet_of_one_group_is_a_run_of_that_group() {
    let tokens = run(&from_text(&one_group("")));
    for (stretch, tier) in [(1, "counts"), (1, "mean-field"), (10, "mean-field")] {
        let beside = format!(
            "tier = {{ kind = \"{tier}\" }}\nfleet = {{ groups = 1, stretch = {stretch}, window = \"1 s\", sweep = \"20 ms\" }}"
        );
        let fleet = run(&from_text(&one_group(&beside)));
        for router in ["baseline", "energy-penalty"] {
            let (expected, found) = (row(&tokens, router, ""), row(&fleet, router, ""));
            // A fleet ends at a sweep and idles until then, so energies of work are compared.
            let work = |row| mean(row, "cold_energy_j") / mean(row, "tokens");
            let pairs = [
                ("energy of work", work(expected), work(found), 0.005),
                ("time", mean(expected, "makespan_s"), mean(found, "makespan_s"), 0.005),
                ("median latency", mean(expected, "latency_p50_s"), mean(found, "latency_p50_s"), 0.012),
                ("peak", mean(expected, "peak_temperature_degc"), mean(found, "peak_temperature_degc"), 0.005),
                ("mean power", mean(expected, "power_mean_w"), mean(found, "power_mean_w"), 0.005),
                ("leakage", mean(expected, "leakage_energy_j"), mean(found, "leakage_energy_j"), 0.005),
            ];
            for (what, expected, found, bound) in pairs {
                let off = found / expected - 1.0;
                assert!(off.abs() < bound, "{tier}, stretch {stretch}, {router}, {what}: {found} for {expected}");
            }
            let regret = |row| mean(row, "mass_regret");
            assert!((regret(expected) - regret(found)).abs() < 0.1 * regret(expected) + 1e-12, "{router}");
        }
    }
}

#[test]
fn what_a_fleet_does_not_model_is_refused_by_name() {
    let fleet = "tier = { kind = \"mean-field\" }\nfleet = { groups = 2 }";
    let sound = one_group(fleet);
    from_text(&sound);
    let refused = |text: &str| {
        let fault = isotherm::scenario_file::ScenarioFile::from_text("test.toml", text, root(), &[]).unwrap_err();
        fault.to_string()
    };
    for (from, to, says) in [
        ("kind = \"mean-field\"", "kind = \"token\"", "cannot take every token through a gate"),
        ("groups = 2", "groups = 0", "0 groups"),
        ("groups = 2", "groups = 2, sweep = \"30 ms\"", "whole multiple of the sweep"),
        ("on_shutdown = \"stop\"", "on_shutdown = \"fail-over\"", "on_shutdown"),
        ("layers = 4 }", "layers = 4, tensor_parallel = 2 }", "every expert is whole"),
        ("{ kind = \"baseline\" }", "{ kind = \"sinkhorn\" }", "sinkhorn"),
        ("groups = 2 }", "groups = 2 }\ndispatch = { copies = \"by-speed\" }", "equally"),
    ] {
        let message = refused(&sound.replace(from, to));
        assert!(message.contains(says), "{from} -> {to}: {message}");
    }
    let alone = one_group("change = [{ at = \"1 s\", row = 0, flow = 0.5 }]");
    assert!(refused(&alone).contains("there is no fleet"));
}

/// The results folder of a fleet: its own tables beside those that every run has, and everything that reads folders reads it.
#[test]
fn results_of_a_fleet_are_small_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (path, out) = (root().join("scenarios/fleet-small.toml").display().to_string(), out.display().to_string());
    let set = ["--set", "seeds=1", "--set", "fleet.duration=\"20 s\"", "--csv", "--quiet"];
    let arguments: Vec<&str> = ["run", &path, "--out", &out].into_iter().chain(set).collect();
    let (code, _, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    let read = |name: &str| std::fs::read_to_string(std::path::Path::new(&out).join(name)).unwrap();
    let racks = read("fleet.csv");
    assert!(racks.starts_with("run_id,row,rack,from_ns,until_ns,inlet_degc,throttled_share,temperature_min_degc"));
    // Two routers, two windows, six racks.
    assert_eq!(racks.lines().count(), 1 + 2 * 2 * 6);
    let histograms = read("histograms.csv");
    for quantity in ["latency_s", "step_s", "temperature_degc", "power_w", "clock_mhz"] {
        assert!(histograms.lines().any(|line| line.contains(quantity)), "{quantity}");
    }
    let size: u64 = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 1 << 20, "{size} bytes");
    for arguments in [
        &["report", out.as_str()][..],
        &["report", &out, "--markdown"],
        &["plot", &out],
        &["trace", &out, "-o", "t.gz"],
    ] {
        let (code, _, err) = text(&isotherm(folder.path(), arguments));
        assert_eq!(code, 0, "{arguments:?}: {err}");
    }
}
