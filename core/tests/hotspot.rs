//! The thermal solver against networks that HotSpot built and exact solutions of them (`core/tests/hotspot/README.md`).
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use isotherm_core::thermal::{HeatFlow, Modes, RcNetwork};

fn rows(file: &str) -> Vec<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hotspot").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let separator = |c: char| c == ',' || c == '\t' || c == ' ';
    text.lines().map(|line| line.trim_end().split(separator).map(str::to_owned).collect()).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

struct Case {
    modes: Modes,
    blocks: BTreeMap<String, usize>,
}

/// Kelvin as the files have them: the solver does not mind which scale.
fn case(name: &str) -> Case {
    let nodes = &rows(&format!("{name}/rc_C.csv"))[1..];
    let n = nodes.len();
    let mut conductance = vec![0.0; n * n];
    for row in &rows(&format!("{name}/rc_G.csv"))[1..] {
        let (i, j, g) = (row[0].parse::<usize>().unwrap(), row[1].parse::<usize>().unwrap(), number(&row[2]));
        conductance[i * n + j] = g;
        conductance[j * n + i] = g;
    }
    let column = |at: usize| nodes.iter().map(|row| number(&row[at])).collect::<Vec<_>>();
    let network = RcNetwork::from_matrices(column(2), conductance, column(3)).unwrap();
    let blocks = nodes.iter().enumerate().map(|(index, row)| (row[1].clone(), index)).collect();
    Case { modes: Modes::of(&network), blocks }
}

#[test]
fn a_power_trace_gives_the_exact_temperatures() {
    let case = case("small9");
    let n = case.modes.nodes();
    let (trace, exact) = (rows("small9/power.ptrace"), rows("small9/exact.csv"));
    let blocks: Vec<usize> = exact[0][1..].iter().map(|name| case.blocks[name]).collect();
    let mut state = case.modes.state(&vec![318.15; n]);
    let mut worst: f64 = 0.0;
    for (powers, expected) in trace[1..].iter().zip(&exact[1..]) {
        let mut power = vec![0.0; n];
        for (name, watts) in trace[0].iter().zip(powers) {
            power[case.blocks[name]] = number(watts);
        }
        case.modes.settle(&mut state, &case.modes.drive(&power, 318.15), 0.01);
        for (block, expected) in blocks.iter().zip(&expected[1..]) {
            worst = worst.max((case.modes.temperature(&state, *block) - number(expected)).abs());
        }
    }
    // The file has 12 digits and its two methods agree within 3e-9 K.
    assert!(worst < 1e-6, "{worst} K");
}

/// Plays the power events; calls `interval(start, end, state, drive)` for every stretch of constant power up to 60 s.
fn play(case: &Case, extra: &[f64], mut interval: impl FnMut(f64, f64, &mut Vec<f64>, &[f64])) {
    let n = case.modes.nodes();
    let events: Vec<(f64, usize, f64)> = rows("events_h100_air/events.csv")[1..]
        .iter()
        .map(|row| (number(&row[0]), case.blocks[&row[1]], number(&row[2])))
        .collect();
    let mut instants: Vec<f64> = events.iter().map(|e| e.0).chain(extra.iter().copied()).chain([0.0]).collect();
    instants.sort_by(f64::total_cmp);
    instants.dedup();
    let mut power = vec![0.0; n];
    let mut state = case.modes.state(&vec![303.15; n]);
    let mut next = 0;
    for (index, start) in instants.iter().enumerate() {
        while next < events.len() && events[next].0 <= *start {
            power[events[next].1] = events[next].2;
            next += 1;
        }
        let end = instants.get(index + 1).copied().unwrap_or(60.0);
        let drive = case.modes.drive(&power, 303.15);
        interval(*start, end, &mut state, &drive);
    }
}

#[test]
fn irregular_events_give_the_exact_temperatures() {
    let case = case("h100_air");
    let queries = &rows("events_h100_air/queries_expected.csv")[1..];
    let at: Vec<f64> = queries.iter().map(|row| number(&row[0])).collect();
    let (mut compared, mut worst) = (0, 0.0_f64);
    play(&case, &at, |start, end, state, drive| {
        for row in queries.iter().filter(|row| number(&row[0]) == start) {
            let found = case.modes.temperature(state, case.blocks[&row[1]]);
            worst = worst.max((found - number(&row[2])).abs());
            compared += 1;
        }
        case.modes.settle(state, drive, end - start);
    });
    assert_eq!(compared, queries.len());
    assert!(worst < 1e-6, "{worst} K");
}

#[test]
fn first_crossings_are_found_at_the_exact_instants() {
    let case = case("h100_air");
    let expected = &rows("events_h100_air/crossings_expected.csv")[1..];
    let mut found: Vec<Option<f64>> = vec![None; expected.len()];
    play(&case, &[], |start, end, state, drive| {
        for (row, found) in expected.iter().zip(found.iter_mut()).filter(|(_, found)| found.is_none()) {
            let (block, threshold) = (case.blocks[&row[0]], number(&row[1]));
            let crossing = case.modes.first_crossing(state, drive, block, threshold, true, end - start);
            *found = crossing.map(|after| start + after);
        }
        case.modes.settle(state, drive, end - start);
    });
    for (row, found) in expected.iter().zip(found) {
        match (found, row.get(2).map(String::as_str).unwrap_or("")) {
            (None, "") => {}
            (Some(at), text) if !text.is_empty() => {
                assert!((at - number(text)).abs() < 1e-6, "{row:?}: found {at}");
            }
            (found, _) => panic!("{row:?}: found {found:?}"),
        }
    }
}

#[test]
fn energies_are_exact() {
    let case = case("h100_air");
    let expected = &rows("events_h100_air/energy_expected.csv")[1..];
    let borders: Vec<f64> =
        expected.iter().flat_map(|row| [number(&row[0]), number(&row[1])]).filter(|t| *t < 60.0).collect();
    let mut flows: Vec<HeatFlow> = vec![HeatFlow::default(); expected.len()];
    play(&case, &borders, |start, end, state, drive| {
        let heat = case.modes.settle_with_heat(state, drive, 303.15, end - start);
        for (row, flow) in expected.iter().zip(flows.iter_mut()) {
            if start >= number(&row[0]) && end <= number(&row[1]) {
                flow.stored += heat.stored;
                flow.removed += heat.removed;
            }
        }
    });
    for (row, flow) in expected.iter().zip(flows) {
        let (into, out, stored) = (number(&row[2]), number(&row[3]), number(&row[4]));
        // Two large sums are compared with a smaller one: relative to what flowed.
        assert!((flow.removed - out).abs() < 1e-9 * into.max(out), "{row:?}: {flow:?}");
        assert!((flow.stored - stored).abs() < 1e-9 * into.max(out), "{row:?}: {flow:?}");
    }
}
