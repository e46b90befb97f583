//! Power traces: constant power a row.

use super::sets::{cases, measured, number};

#[test]
fn a_power_trace_gives_the_exact_temperatures() {
    for case in cases() {
        let (Some(trace), Some(exact)) = (case.file("power.ptrace"), case.file("exact.csv")) else { continue };
        let (ambient, interval) = (case.config("ambient"), case.config("sampling_intvl"));
        let blocks: Vec<usize> = exact[0][1..].iter().map(|name| case.block(name)).collect();
        let mut state = case.start();
        let mut worst: f64 = 0.0;
        for (powers, expected) in trace[1..].iter().zip(&exact[1..]) {
            case.modes.settle(&mut state, &case.modes.drive(&case.power(&trace[0], powers), ambient), interval);
            for (block, expected) in blocks.iter().zip(&expected[1..]) {
                worst = worst.max((case.modes.temperature(&state, *block) - number(expected)).abs());
            }
        }
        // The file is rounded to 5e-10 K and its two methods agree within 3e-9 K.
        measured(&format!("exact/{}", case.name), worst, "K", 1e-8);
    }
}

#[test]
fn the_steady_state_is_that_of_hotspot() {
    for case in cases() {
        let (Some(trace), Some(steady)) = (case.file("power.ptrace"), case.file("steady.txt")) else { continue };
        let mut mean = vec![0.0; case.modes.nodes()];
        for row in &trace[1..] {
            for (sum, watts) in mean.iter_mut().zip(case.power(&trace[0], row)) {
                *sum += watts / (trace.len() - 1) as f64;
            }
        }
        let drive = case.modes.drive(&mean, case.config("ambient"));
        let mut worst: f64 = 0.0;
        // All nodes in the order of the network; their names differ between the two files.
        assert_eq!(steady.len(), case.modes.nodes(), "{}", case.name);
        for (node, row) in steady.iter().enumerate() {
            worst = worst.max((case.modes.steady(&drive, node) - number(&row[1])).abs());
        }
        // The file is rounded to 5e-10 K.
        measured(&format!("steady/{}", case.name), worst, "K", 1e-8);
    }
}
