//! What savings are measured against: the baseline of the same point, or that of the first one.

use isotherm_core::metrics::saving_percent;

use crate::lab::{from_text, mean, run, small};

const ROUTERS: &str = "router = [{ kind = \"baseline\" }, { kind = \"energy-penalty\", lambda = 0.5 }]
sweep = { \"hardware.idle_power\" = [\"0 W\", \"100 W\"] }
compare = { baseline = \"BASELINE\" }";

fn savings(baseline: &str) -> Vec<(f64, f64, bool)> {
    let completed = run(&from_text(&small(&ROUTERS.replace("BASELINE", baseline))));
    let rows = completed.summary.rows.iter();
    rows.map(|row| (mean(row, "energy_j"), mean(row, "energy_savings_percent"), row.baseline)).collect()
}

#[test]
fn each_point_has_its_own_baseline_unless_the_first_is_asked_for() {
    let (each, first) = (savings("each-point"), savings("first-point"));
    assert_eq!(each.iter().map(|row| row.2).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!(first.iter().map(|row| row.2).collect::<Vec<_>>(), [true, false, false, false]);
    // Seeds are paired, so the saving of the means is not quite the mean of the savings.
    for (rows, references) in [(&each, [0, 0, 2, 2]), (&first, [0; 4])] {
        for (row, reference) in rows.iter().zip(references) {
            assert!((row.1 - saving_percent(row.0, rows[reference].0)).abs() < 0.05, "{row:?}");
        }
    }
    assert!(first[2].1 < -10.0, "idle power costs: {first:?}");
}

#[test]
fn a_first_point_with_other_tokens_is_refused() {
    let text = small(
        "router = [{ kind = \"baseline\" }]\nsweep = { \"workload.sigma\" = [1.0, 2.0] }\ncompare = { baseline = \"first-point\" }",
    );
    let file = from_text(&text);
    let message = isotherm::execute::Comparison::prepare(&file).err().unwrap().to_string();
    assert!(message.contains("workload.sigma = 2") && message.contains("each-point"), "{message}");
}
