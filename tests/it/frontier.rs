//! The frontier: no router is below it, the probability-space penalty is on it, and it is where another program found it.

use std::sync::atomic::AtomicBool;

use isotherm::execute::Comparison;
use isotherm::results::{Finished, Row};
use isotherm_core::frontier::Frontier;
use isotherm_core::record::RunRecord;

use crate::lab::{from_text, mean, row, run, runs_of, scenario, small};

/// Routers of all kinds at strong and weak prices.
const ROUTERS: &str = "
[[router]]
kind = \"baseline\"
[[router]]
name = \"logit\"
kind = \"energy-penalty\"
lambda = 0.5
[[router]]
name = \"probability\"
kind = \"energy-penalty\"
space = \"probability\"
lambda = 0.1
[[router]]
name = \"sampled\"
kind = \"energy-penalty\"
lambda = 0.3
costs = \"sampled\"
leakage_per_kelvin = 0.01
[[router]]
name = \"extreme\"
kind = \"energy-penalty\"
lambda = 1000.0
[[router]]
kind = \"ttt\"
lambda = 0.5
[[router]]
kind = \"tent\"
eta = 1.0
";

const SHIFTS: [&str; 4] = [
    "",
    "[[change]]\nat_batch = 6\nhot = [0, 1]\n",
    "[[change]]\nat = \"100 ms\"\nhot = [0, 1]\n",
    "[[change]]\nat_batch = 3\nhot = [0, 1]\n[[change]]\nat_batch = 3\nhot = [2, 3]\n[[change]]\nat_batch = 9\nhot = [6, 7]\n",
];

/// Costs of two classes, of their own, and of two classes whose energies grow with temperature.
const COSTS: [&str; 3] = [
    "cold_joules = 0.5, hot_joules = 2.0",
    "joules = [0.4, 0.7, 0.5, 0.9, 1.2, 1.1, 2.0, 1.7]",
    "leakage_per_kelvin = 0.02, cold_joules = 0.5, hot_joules = 2.0",
];

/// The second: two layers with gates of their own.
const SHAPES: [&str; 2] = ["top_k = 2 }", "top_k = 2, layers = 2 }"];

fn text(costs: &str, shift: &str) -> String {
    small(&format!("{shift}{ROUTERS}")).replace(COSTS[0], costs)
}

/// No run of any router is below the frontier, whether costs stay, move by batch, by the clock, or with temperatures.
#[test]
fn no_router_is_below_the_frontier() {
    for (costs, shift, shape) in cases() {
        let file = from_text(&text(costs, shift).replace(SHAPES[0], shape));
        let completed = run(&file);
        let case = format!("{costs} {shift} {shape}");
        let oracle = costs.contains("leakage") || shift.contains("ms");
        for f in &completed.finished {
            let record = f.outcome.as_ref().unwrap();
            let (regret, least) = (f.metrics["mass_regret"], f.metrics["frontier_regret"]);
            assert!(regret >= least - 1e-9, "{case}: {regret} below {least}");
            let efficiency = f.metrics.get("frontier_efficiency").copied();
            assert_eq!(efficiency.is_some(), regret > 0.0);
            assert!(efficiency.is_none_or(|e| (0.0..=1.0 + 1e-9).contains(&e)), "{case}: {efficiency:?}");
            assert!(record.frontier.as_ref().is_none_or(|frontier| frontier.is_oracle() == oracle));
            assert!(!oracle || record.frontier.is_some());
            if let Some(frontier) = &record.frontier {
                assert_eq!(frontier.tokens(), record.tokens() * if shape == SHAPES[0] { 1 } else { 2 });
            }
        }
        let said = |row: &Row| row.warnings.iter().any(|warning| warning.starts_with("frontier: an oracle's"));
        assert!(completed.summary.rows.iter().all(|row| said(row) == oracle));
        // One curve for all, or one for every router.
        assert_eq!(completed.summary.frontier.len(), if oracle { completed.summary.rows.len() } else { 1 });
    }
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    COSTS
        .into_iter()
        .flat_map(|costs| SHIFTS.into_iter().flat_map(move |shift| SHAPES.map(move |shape| (costs, shift, shape))))
}

/// The frontier at a vanishing price is the baseline: its energy, to the last bits, and no regret. So its costs are the run's.
#[test]
fn it_starts_at_the_baseline() {
    for (costs, shift, shape) in cases() {
        let file = from_text(&text(costs, shift).replace(SHAPES[0], shape));
        let completed = run(&file);
        for f in runs_of(&file, &completed, "baseline") {
            let record = f.outcome.as_ref().unwrap();
            let start = record.frontier.as_ref().unwrap().points(1).next().unwrap();
            let off = start.joules / record.assignment_joules() - 1.0;
            let case = format!("{costs} {shift} {shape}");
            assert!(off.abs() < 1e-12 && start.regret.abs() < 1e-12, "{case}: {start:?}, off by {off}");
            assert!(f.metrics["frontier_regret"].abs() < 1e-12);
            assert!(!f.metrics.contains_key("frontier_efficiency"));
        }
    }
}

/// The Lagrangian rule in f32 is on the frontier of f64. It errs where two experts are within 1e-7 of each other: one token in
/// 1e7, by 1e-7; what is left are the gaps between tangents, at most (1/128)^2 / 4 = 1.5e-5 of a quadratic curve.
#[test]
fn the_penalty_in_probability_space_is_optimal() {
    for costs in &COSTS[..2] {
        for lambda in ["0.003", "0.01", "0.033", "0.1", "0.3", "1.0"] {
            let penalty =
                format!("[[router]]\nkind = \"energy-penalty\"\nspace = \"probability\"\nlambda = {lambda}\n");
            let text = small(&penalty).replace(COSTS[0], costs).replace("tokens = 96", "tokens = 4096");
            let completed = run(&from_text(&text));
            for f in completed.finished.iter().filter(|f| f.metrics["mass_regret"] > 0.0) {
                let efficiency = f.metrics["frontier_efficiency"];
                crate::lab::announce(&format!("frontier: lambda {lambda}: efficiency {efficiency}"));
                assert!((1.0 - 2e-5..=1.0 + 1e-9).contains(&efficiency), "{costs}, lambda {lambda}: {efficiency}");
            }
            assert!(mean(row(&completed, "energy-penalty", ""), "energy_savings_percent") > 0.01);
        }
    }
}

/// Optimal regret (%) at savings of 5, 10, 20, 30 and 40 %, by spread of the gate, as another program found it with 20,000 tokens
/// (NumPy, top-2 of 8, independent Gaussian logits, two experts at 2.0 J and six at 0.5 J).
const FOUND: [(f64, [f64; 5]); 3] = [
    (0.58, [0.080, 0.329, 1.39, 3.38, 6.83]),
    (1.0, [0.114, 0.470, 2.03, 5.03, 10.2]),
    (2.0, [0.107, 0.496, 2.53, 7.03, 15.0]),
];

/// The regret that the frontier asks for at a saving, against the published table. Twelve samples of the size of that one tell how
/// far it may be off: three standard deviations of one sample, and half a unit of the last digit printed.
#[test]
fn the_curve_is_where_another_program_found_it() {
    for (sigma, rows) in FOUND {
        let sigma_text = format!("workload.sigma={sigma}");
        let set = [
            "workload.gate=orthogonal",
            &sigma_text,
            "seeds=12",
            "arrivals={ kind = \"closed-loop\", batches = 20, tokens = 1000 }",
            "sweep={}",
        ];
        let file = scenario("classic.toml", &set);
        let completed = run(&file);
        let frontiers: Vec<(&Finished, &Frontier)> = completed
            .finished
            .iter()
            .filter_map(|f| Some((f, f.outcome.as_ref().unwrap().frontier.as_ref()?)))
            .collect();
        assert_eq!(frontiers.len(), 12);
        for (saving, optimal) in [0.05, 0.1, 0.2, 0.3, 0.4].into_iter().zip(rows) {
            let found: Vec<f64> = frontiers
                .iter()
                .map(|(f, frontier)| {
                    let joules = f.outcome.as_ref().unwrap().assignment_joules() * (1.0 - saving);
                    100.0 * frontier.regret_at(joules).unwrap()
                })
                .collect();
            let n = found.len() as f64;
            let centre = found.iter().sum::<f64>() / n;
            let deviation = (found.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            let digits = if optimal >= 10.0 {
                0.05
            } else if optimal >= 1.0 {
                0.005
            } else {
                0.000_5
            };
            crate::lab::announce(&format!(
                "frontier: sigma {sigma}, saving {saving}: {centre:.4} % +- {deviation:.4}, published {optimal}"
            ));
            assert!(
                (centre - optimal).abs() < 3.0 * deviation * (1.0 + 1.0 / n).sqrt() + digits,
                "sigma {sigma}, {saving}"
            );
        }
    }
}

/// `[compare] frontier = false` leaves nothing behind; the device model has none.
#[test]
fn absent_where_it_says_nothing() {
    let off = run(&from_text(&small(&format!("compare = {{ frontier = false }}\n{ROUTERS}"))));
    let device = run(&from_text(&crate::lab::small_device("[[router]]\nkind = \"energy-penalty\"\nlambda = 0.5\n")));
    for completed in [off, device] {
        assert!(completed.summary.frontier.is_empty());
        for f in &completed.finished {
            assert!(f.outcome.as_ref().unwrap().frontier.is_none());
            assert!(!f.metrics.contains_key("frontier_regret") && !f.metrics.contains_key("frontier_efficiency"));
        }
    }
}

/// Kept runs are the same runs whether the frontier was asked for when they were kept or not: a comparison that takes them over
/// adds what is missing, takes off what is not asked for, and so ends with the same bytes.
#[test]
fn kept_runs_get_the_frontier_that_is_asked_for() {
    for costs in [COSTS[0], COSTS[2]] {
        let [on, off] = ["", "compare = { frontier = false }\n"].map(|compare| from_text(&text(costs, compare)));
        let [on, off] = [&on, &off].map(|file| Comparison::prepare(file).unwrap());
        let records = |comparison: &Comparison<'_>, known: Vec<Option<RunRecord>>| -> Vec<Option<RunRecord>> {
            let outcomes = comparison.run(known, &(), &AtomicBool::new(false)).unwrap();
            outcomes.into_iter().map(|outcome| Some(outcome.unwrap().unwrap())).collect()
        };
        let nothing = vec![None; on.runs().len()];
        let (with, without) = (records(&on, nothing.clone()), records(&off, nothing));
        assert!(with != without);
        assert!(records(&on, without.clone()) == with && records(&off, with.clone()) == without, "{costs}");
        // A part of them, the baseline or others.
        let every = |second: usize, from: &[Option<RunRecord>]| -> Vec<Option<RunRecord>> {
            from.iter().enumerate().map(|(at, record)| record.clone().filter(|_| at % 2 == second)).collect()
        };
        for second in [0, 1] {
            assert!(records(&on, every(second, &without)) == with && records(&on, every(second, &with)) == with);
        }
    }
}

/// The table is written, with the summary's curve in it; and a folder that is filled again without it keeps no old one.
#[test]
fn the_table_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let profile = format!("profile = \"{}/scenarios/", crate::lab::root().display());
    let text = small(ROUTERS).replace("profile = \"scenarios/", &profile);
    std::fs::write(folder.path().join("small.toml"), text).unwrap();
    let there = |set: &str| {
        let arguments = ["run", "small.toml", "--csv", "--force", "--out", "out", "--set", set];
        let output = crate::lab::isotherm(folder.path(), &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        ["frontier.parquet", "frontier.csv"].map(|name| folder.path().join("out").join(name).exists())
    };
    assert_eq!(there("compare.frontier=true"), [true, true]);
    let csv = std::fs::read_to_string(folder.path().join("out/frontier.csv")).unwrap();
    let summary = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let points = summary["frontier"][0]["points"].as_array().unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * points.len(), "a row per seed and price");
    // Less energy and more regret with every price, from the baseline on, to all tokens at cold experts.
    let of = |key: &str| -> Vec<f64> { points.iter().map(|point| point[key].as_f64().unwrap()).collect() };
    assert!(of("energy_j").is_sorted_by(|a, b| a >= b) && of("mass_regret").is_sorted());
    assert_eq!((of("energy_savings_percent")[0], of("mass_regret")[0]), (0.0, 0.0));
    assert_eq!(*of("energy_j").last().unwrap(), 12.0 * 96.0 * 2.0 * 0.5);
    // Intervals of another sort are found from the kept runs; the curve stays what it was.
    let arguments =
        ["run", "small.toml", "--csv", "--out", "out", "--set", "compare.frontier=true", "--bootstrap", "200"];
    let output = crate::lab::isotherm(folder.path(), &arguments);
    assert!(String::from_utf8_lossy(&output.stderr).contains("summarised again"), "{output:?}");
    let again = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert!(again["frontier"] == summary["frontier"] && again["interval"] != summary["interval"]);
    assert_eq!(there("compare.frontier=false"), [false, false]);
}

/// Copies of experts, exchanges that cost and weights that move: what they spend beyond the cheapest assignments only loosens the bound.
#[test]
fn copies_and_exchanges_do_not_break_the_bound() {
    for (costs, shift) in COSTS.into_iter().flat_map(|costs| SHIFTS.map(|shift| (costs, shift))) {
        let text = text(costs, shift).replace(
            "hot_seconds = 2e-3 }",
            "hot_seconds = 2e-3, hop_joules = 0.01, move_joules = 0.3, move_seconds = 1e-3 }
placement = { kind = \"eplb\", replicas = 12, rebalance = { every_batches = 3 } }
dispatch = { copies = \"local-first\" }",
        );
        for f in &run(&from_text(&text)).finished {
            assert!(f.metrics["moving_energy_j"] > 0.0);
            let (regret, least) = (f.metrics["mass_regret"], f.metrics["frontier_regret"]);
            assert!(regret >= least - 1e-9, "{costs} {shift}: {regret} below {least}");
        }
    }
}
