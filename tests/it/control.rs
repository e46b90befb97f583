//! How well limits of temperature and power are kept, as runs record it, against closed forms.

use std::collections::BTreeMap;

use isotherm::results::Finished;

use crate::lab::{from_text, lumps, run};

/// The lumps: GPU 0 at 400 W in the first batch and at 150 W afterwards, GPU 1 always at 150 W.
fn one_lump(limit: &str, batches: u32) -> String {
    let rest = "telemetry = { kind = \"synthetic\", period = \"7 s\" }\n[[change]]\nat_batch = 1\nhot = []";
    lumps(limit, rest, "[{ kind = \"baseline\" }]", batches)
}

fn metrics(text: &str) -> BTreeMap<&'static str, f64> {
    run(&from_text(text)).finished.swap_remove(0).metrics
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
}

#[test]
fn a_temperature_limit_against_the_closed_form_of_one_lump() {
    let found = metrics(&one_lump("temperature_limit = \"60 degC\"", 2));
    let tau = 50.0_f64;
    // Warming towards 70 degC, then cooling towards 45 degC.
    let peak = 70.0 - 40.0 * (-100.0 / tau).exp();
    let up = tau * (40.0_f64 / 10.0).ln();
    let down_to = |celsius: f64| 100.0 + tau * ((peak - 45.0) / (celsius - 45.0)).ln();
    let down = down_to(60.0);
    let warming = 10.0 * (100.0 - up) - 40.0 * tau * ((-up / tau).exp() - (-100.0 / tau).exp());
    let cooling = (peak - 45.0) * tau * (1.0 - (-(down - 100.0) / tau).exp()) - 15.0 * (down - 100.0);
    // Crossings lie within two nanoseconds of the clock.
    near(found["seconds_above_limit_s"], down - up, 5e-9);
    near(found["degree_seconds_above_limit_k_s"], warming + cooling, 1e-9);
    near(found["overshoot_k"], peak - 60.0, 1e-9);
    near(found["settling_time_s"], down_to(61.0), 3e-9);
    // Batches end at 100 s and 200 s; only the second lies in the last quarter. Temperatures of batches are kept in 32 bits.
    near(found["steady_error_k"], 45.0 + (peak - 45.0) * (-100.0 / tau).exp() - 60.0, 1e-5);
}

#[test]
fn a_limit_that_is_never_reached_or_never_left() {
    let found = metrics(&one_lump("temperature_limit = \"65 degC\"", 2));
    for name in ["seconds_above_limit_s", "degree_seconds_above_limit_k_s", "overshoot_k", "settling_time_s"] {
        assert_eq!(found[name], 0.0, "{name}");
    }
    assert!(found["steady_error_k"] < -10.0);
    // Within the band of 1 K at its hottest: settled all the time, above the limit for a while.
    let found = metrics(&one_lump("temperature_limit = \"64 degC\"", 2));
    assert!(found["settling_time_s"] == 0.0 && found["seconds_above_limit_s"] > 1.0, "{found:?}");
    // The run ends while the die is hotter than the band.
    let found = metrics(&one_lump("temperature_limit = \"60 degC\"", 1));
    assert!(!found.contains_key("settling_time_s") && found["overshoot_k"] > 4.0, "{found:?}");
    // Both GPUs start at 60 degC: one warms, the other cools towards 45 degC, which it never reaches.
    let found = metrics(&one_lump("temperature_limit = \"45 degC\"\nstart_power = \"300 W\"", 1));
    near(found["seconds_above_limit_s"], 200.0, 1e-8);
    let decayed = 50.0 * (1.0 - (-2.0_f64).exp());
    near(found["degree_seconds_above_limit_k_s"], (25.0 * 100.0 - 10.0 * decayed) + 15.0 * decayed, 1e-7);
}

#[test]
fn without_a_limit_there_is_nothing_to_say_about_one() {
    let found = metrics(&one_lump("", 1));
    for name in found.keys() {
        assert!(
            !name.contains("limit") && !matches!(*name, "overshoot_k" | "settling_time_s" | "steady_error_k"),
            "{name}"
        );
    }
}

/// The device of the tests on one GPU with equal work in every batch.
fn device(cap: &str, batches: u32, tokens: u32, gpus: u32) -> Finished {
    let usage = vec![(batches * tokens / 4).to_string(); 8].join(", ");
    let text = format!(
        "schema_version = 1
name = \"power\"
model = {{ experts = 8, top_k = 2 }}
workload = {{ kind = \"gaussian\" }}
arrivals = {{ kind = \"closed-loop\", batches = {batches}, tokens = {tokens} }}
telemetry = {{ kind = \"synthetic\", period = \"100 ms\" }}
router = [{{ kind = \"prescribed\", usage = [{usage}] }}]
[costs]
kind = \"device\"
layer = {{ d_model = 4096, d_ff = 14336, layers = 32 }}
[hardware]
gpus = {gpus}
profile = \"tests/fixtures/device.toml\"
power_cap = \"{cap}\"
"
    );
    let mut finished = run(&from_text(&text)).finished.swap_remove(1);
    let record = finished.outcome.as_mut().unwrap();
    assert!(record.batches.iter().all(|batch| batch.usage == [tokens / 4; 8]), "every batch is the same work");
    finished
}

#[test]
fn throttled_work_is_counted_by_the_part_of_each_job() {
    let free = device("5 kW", 24, 1024, 1);
    assert_eq!(free.metrics["throttled_work_share"], 0.0);
    let held = device("400 W", 24, 1024, 1);
    let record = held.outcome.as_ref().unwrap();
    // Held back from the first step of the governor on, which falls into a batch whose full-clock time others show.
    let [interval] = record.throttled[..] else { panic!("one stretch: {:?}", record.throttled) };
    assert_eq!((interval.from.nanos(), interval.until), (100_000_000, record.ended));
    let batches = &record.batches;
    let at = batches.iter().position(|batch| batch.finished > interval.from).unwrap();
    assert!(at >= 1 && batches[at].started < interval.from, "{at}");
    let whole = (batches[0].finished - batches[0].started).seconds();
    let part = 1.0 - (interval.from - batches[at].started).seconds() / whole;
    for (index, batch) in batches.iter().enumerate() {
        let expected = if index == at { part } else { f64::from(u8::from(index > at)) };
        near(batch.throttled_work_share().unwrap(), expected, 1e-7);
    }
    near(held.metrics["throttled_work_share"], (part + (23 - at) as f64) / 24.0, 1e-7);
    let table = metrics(&one_lump("", 1));
    assert!(!table.contains_key("throttled_work_share") && !table.contains_key("power_mean_w"));
}

/// The meter against the energies the run itself settled at the ends of its batches, and violations from first principles.
#[test]
fn power_and_violations_of_the_cap() {
    // No clock is low enough: every reading is above the cap.
    let over = device("100 W", 40, 4096, 2);
    let record = over.outcome.as_ref().unwrap();
    let readings = 2 * ((record.ended.seconds() * 10.0).floor() as usize - 9);
    assert_eq!(record.power_means.len(), readings);
    near(over.metrics["cap_violation_s"], 0.1 * readings as f64, 1e-9);
    let excess: f64 = record.power_means.iter().map(|mean| 0.1 * (f64::from(*mean) - 100.0)).sum();
    near(over.metrics["cap_violation_j"], excess, 1e-6);
    let mean = record.gpu_joules / (2.0 * record.ended.seconds());
    near(over.metrics["power_mean_w"], mean, 1e-9);
    let (p99, peak) = (over.metrics["power_p99_w"], over.metrics["power_peak_w"]);
    // Its first tenth of a second, before the governor's first step, is the highest there is.
    assert!(100.0 < p99 && p99 <= peak && peak < 300.0, "{p99} {peak}");
    // A cap far away, and one that the governor holds but for the start.
    let free = device("5 kW", 60, 4096, 1);
    assert_eq!((free.metrics["cap_violation_s"], free.metrics["cap_violation_j"]), (0.0, 0.0));
    // Whole seconds are all of the energy but for that of the last part of one, which is like the second before.
    let record = free.outcome.as_ref().unwrap();
    let seconds: Vec<f64> = record.power_means.iter().step_by(10).map(|mean| f64::from(*mean)).collect();
    let rest = record.ended.seconds() - seconds.len() as f64;
    assert!(seconds.len() > 3 && (0.0..1.0).contains(&rest), "{rest}");
    let expected = seconds.iter().sum::<f64>() + seconds[seconds.len() - 1] * rest;
    assert!((record.gpu_joules / expected - 1.0).abs() < 2e-3, "{} {expected}", record.gpu_joules);
    let held = device("500 W", 150, 4096, 2);
    let gpu_seconds = 2.0 * held.outcome.as_ref().unwrap().ended.seconds();
    // A mean that is held at the cap is above it about half of the time, by little.
    let share = held.metrics["cap_violation_s"] / gpu_seconds;
    assert!(share > 0.1 && share < 0.9, "{share}");
    assert!(held.metrics["cap_violation_j"] < 0.01 * 500.0 * gpu_seconds, "{}", held.metrics["cap_violation_j"]);
}
