//! Powers that change at irregular instants.

use std::path::Path;

use isotherm_core::thermal::HeatFlow;

use super::sets::{Case, counted, derived, measured, number, rows};

const END_S: f64 = 60.0;

/// Plays the power events; calls `interval(start, end, state, drive)` for every stretch of constant power.
fn play(case: &Case, folder: &Path, extra: &[f64], mut interval: impl FnMut(f64, f64, &mut Vec<f64>, &[f64])) {
    let events: Vec<(f64, usize, f64)> = rows(&folder.join("events.csv"))[1..]
        .iter()
        .map(|row| (number(&row[0]), case.block(&row[1]), number(&row[2])))
        .collect();
    let mut instants: Vec<f64> = events.iter().map(|e| e.0).chain(extra.iter().copied()).chain([0.0]).collect();
    instants.sort_by(f64::total_cmp);
    instants.dedup();
    let mut power = vec![0.0; case.modes.nodes()];
    let mut drive = case.modes.drive(&power, case.config("ambient"));
    let mut state = case.start();
    let mut next = 0;
    for (index, start) in instants.iter().enumerate() {
        while next < events.len() && events[next].0 <= *start {
            let (_, block, watts) = events[next];
            // One block at a time, as the simulator does.
            case.modes.add_power(&mut drive, block, watts - power[block]);
            power[block] = watts;
            next += 1;
        }
        let end = instants.get(index + 1).copied().unwrap_or(END_S);
        interval(*start, end, &mut state, &drive);
    }
}

#[test]
fn irregular_events_give_the_exact_temperatures() {
    for (folder, case) in derived("events") {
        let queries = &rows(&folder.join("queries_expected.csv"))[1..];
        let at: Vec<f64> = queries.iter().map(|row| number(&row[0])).collect();
        let (mut compared, mut worst) = (0, 0.0_f64);
        play(&case, &folder, &at, |start, end, state, drive| {
            for row in queries.iter().filter(|row| number(&row[0]) == start) {
                let found = case.modes.temperature(state, case.block(&row[1]));
                worst = worst.max((found - number(&row[2])).abs());
                compared += 1;
            }
            case.modes.settle(state, drive, end - start);
        });
        assert_eq!(compared, queries.len());
        counted(&format!("events-queries/{}", case.name), compared);
        measured(&format!("events/{}", case.name), worst, "K", 1e-8);
    }
}

#[test]
fn first_crossings_are_found_at_the_exact_instants() {
    for (folder, case) in derived("events") {
        let expected = &rows(&folder.join("crossings_expected.csv"))[1..];
        let mut found: Vec<Option<f64>> = vec![None; expected.len()];
        play(&case, &folder, &[], |start, end, state, drive| {
            for (row, found) in expected.iter().zip(found.iter_mut()).filter(|(_, found)| found.is_none()) {
                let (block, threshold) = (case.block(&row[0]), number(&row[1]));
                let crossing = case.modes.first_crossing(state, drive, block, threshold, true, end - start);
                *found = crossing.map(|after| start + after);
            }
            case.modes.settle(state, drive, end - start);
        });
        let mut worst: f64 = 0.0;
        for (row, found) in expected.iter().zip(found) {
            match (found, row.get(2).map(String::as_str).unwrap_or("")) {
                (None, "") => {}
                (Some(at), text) if !text.is_empty() => worst = worst.max((at - number(text)).abs()),
                (found, _) => panic!("{row:?}: found {found:?}"),
            }
        }
        // The set's own tolerance; see `crossings` for the nanosecond.
        counted(&format!("events-thresholds/{}", case.name), expected.len());
        measured(&format!("events-crossings/{}", case.name), worst, "s", 1e-6);
    }
}

#[test]
fn energies_are_exact() {
    for (folder, case) in derived("events") {
        let expected = &rows(&folder.join("energy_expected.csv"))[1..];
        let borders: Vec<f64> =
            expected.iter().flat_map(|row| [number(&row[0]), number(&row[1])]).filter(|t| *t < END_S).collect();
        let mut flows: Vec<HeatFlow> = vec![HeatFlow::default(); expected.len()];
        let ambient = case.config("ambient");
        play(&case, &folder, &borders, |start, end, state, drive| {
            let heat = case.modes.settle_with_heat(state, drive, ambient, end - start);
            for (row, flow) in expected.iter().zip(flows.iter_mut()) {
                if start >= number(&row[0]) && end <= number(&row[1]) {
                    flow.stored += heat.stored;
                    flow.removed += heat.removed;
                }
            }
        });
        let mut worst: f64 = 0.0;
        for (row, flow) in expected.iter().zip(flows) {
            let (into, out, stored) = (number(&row[2]), number(&row[3]), number(&row[4]));
            // Two large sums are compared with a smaller one: relative to what flowed.
            worst = worst.max((flow.removed - out).abs() / into.max(out));
            worst = worst.max((flow.stored - stored).abs() / into.max(out));
            worst = worst.max((flow.stored + flow.removed - into).abs() / into.max(out));
        }
        measured(&format!("events-energy/{}", case.name), worst, "relative", 1e-9);
    }
}
