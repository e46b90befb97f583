//! How well limits of temperature and power are kept, as runs record it, against closed forms.

use std::collections::BTreeMap;

use crate::lab::{from_text, run};

/// Two GPUs of one node each: 500 J/K, 10 W/K, so 50 s; the air has 30 degC. Both serve every token, 100 s a batch: GPU 0 at 400 W in the
/// first batch and at 150 W afterwards, GPU 1 always at 150 W.
fn one_lump(limit: &str, batches: u32) -> String {
    format!(
        "schema_version = 1
name = \"lump\"
model = {{ experts = 2, top_k = 2 }}
workload = {{ kind = \"gaussian\" }}
arrivals = {{ kind = \"closed-loop\", batches = {batches}, tokens = 1000 }}
costs = {{ kind = \"table\", hot = [0], cold_joules = 15.0, hot_joules = 40.0, cold_seconds = 0.1, hot_seconds = 0.1 }}
telemetry = {{ kind = \"synthetic\", period = \"7 s\" }}
router = [{{ kind = \"baseline\" }}]
[[change]]
at_batch = 1
hot = []
[hardware]
gpus = 2
{limit}
[hardware.profile]
name = \"lump\"
idle_power = \"0 W\"
ambient = \"30 degC\"
node = [{{ name = \"die\", capacity_j_per_k = 500.0, heat_share = 1.0, ambient_w_per_k = 10.0 }}]
"
    )
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
