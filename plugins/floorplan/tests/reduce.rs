//! Reduced models of grid networks against the whole network.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use isotherm_core::rng::{Domain, Stream};
use isotherm_core::thermal::Modes;
use isotherm_floorplan::{Floorplan, GridNetwork, HotSpotConfig, Reduction, modes_of, reduce};

/// The package of the project's own drawing: 25 blocks.
fn grid(rows: usize, columns: usize) -> GridNetwork {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/tests/hotspot/h100_air");
    let floorplan = Floorplan::parse(&std::fs::read_to_string(folder.join("floorplan.flp")).unwrap()).unwrap();
    let config = HotSpotConfig::parse(&std::fs::read_to_string(folder.join("hotspot.config")).unwrap()).unwrap();
    GridNetwork::new(&config.package, &floorplan, rows, columns).unwrap()
}

/// Random powers of random blocks, intervals from 10 us to 1 s; an inlet that moves by a few kelvin now and then.
fn events() -> Vec<(f64, usize, f64, f64)> {
    let mut random = Stream::open(4, Domain::Hardware, 0, "reduction events");
    let mut inlet = 30.0;
    (0..300)
        .map(|k| {
            if k % 50 == 49 {
                inlet += 6.0 * random.uniform() - 3.0;
            }
            let seconds = 10.0_f64.powf(-5.0 + 5.0 * random.uniform());
            (seconds, (random.next_u64() % 25) as usize, 80.0 * random.uniform(), inlet)
        })
        .collect()
}

/// Block means after every event.
fn play(modes: &Modes, ports: &[Vec<(usize, f64)>], each: impl FnMut(&[f64])) {
    let mut each = each;
    let mut state = modes.state(&vec![30.0; modes.nodes()]);
    let mut drive = modes.drive(&[], 30.0);
    let (mut power, mut inlet) = (vec![0.0; ports.len()], 30.0);
    let rows: Vec<Vec<f64>> = ports.iter().map(|port| row(modes, port)).collect();
    for (seconds, block, watts, ambient) in events() {
        for &(node, share) in &ports[block] {
            modes.add_power(&mut drive, node, share * (watts - power[block]));
        }
        power[block] = watts;
        modes.add_ambient(&mut drive, ambient - inlet);
        inlet = ambient;
        modes.settle(&mut state, &drive, seconds);
        let means = rows.iter().map(|row| row.iter().zip(&state).map(|(w, y)| w * y).sum());
        each(&means.collect::<Vec<f64>>());
    }
}

/// A block's mean per unit of each mode.
fn row(modes: &Modes, port: &[(usize, f64)]) -> Vec<f64> {
    let mut row = vec![0.0; modes.modes()];
    // What a watt adds to the drive is what a temperature reads from the state.
    port.iter().for_each(|&(node, share)| modes.add_power(&mut row, node, share));
    row
}

/// Largest difference of two models, and the largest rise.
fn difference(a: &Modes, a_ports: &[Vec<(usize, f64)>], b: &Modes, b_ports: &[Vec<(usize, f64)>]) -> (f64, f64) {
    let mut all = Vec::new();
    play(a, a_ports, |means| all.extend_from_slice(means));
    let (mut worst, mut rise, mut at) = (0.0_f64, 0.0_f64, 0);
    play(b, b_ports, |means| {
        for mean in means {
            worst = worst.max((mean - all[at]).abs());
            rise = rise.max(mean - 30.0);
            at += 1;
        }
    });
    (worst, rise)
}

/// Each block is its own node in a reduced model.
fn own() -> Vec<Vec<(usize, f64)>> {
    (0..25).map(|block| vec![(block, 1.0)]).collect()
}

/// The lines that `docs/validation/generate.py` reads.
fn report(nodes: usize, order: usize, worst: f64) {
    println!("measured: reduced-order/{nodes} {order} count");
    println!("measured: reduced/{nodes} {worst:.2e} K bound 1e-3");
}

#[test]
fn a_reduced_model_agrees_with_all_modes_of_its_network() {
    let grid = grid(18, 31);
    let whole = modes_of(&grid.network.dense().unwrap()).unwrap();
    let reduced = reduce(&grid, &Reduction::default()).unwrap();
    let (worst, rise) = difference(&whole, &grid.shares, &reduced, &own());
    println!("a rise of {rise:.1} K");
    report(whole.modes(), reduced.modes(), worst);
    assert!(reduced.modes() <= 200, "order {}", reduced.modes());
    assert!(rise > 10.0 && worst < 1e-3, "{worst} K of {rise} K");
    // The steady state is exact, energy balances.
    let mut drive = whole.drive(&[], 30.0);
    grid.shares[13].iter().for_each(|&(cell, share)| whole.add_power(&mut drive, cell, 70.0 * share));
    let mut small = reduced.drive(&[], 30.0);
    reduced.add_power(&mut small, 13, 70.0);
    let mean: f64 = grid.shares[13].iter().map(|&(cell, share)| share * whole.steady(&drive, cell)).sum();
    assert!((mean - reduced.steady(&small, 13)).abs() < 1e-7, "{mean} against {}", reduced.steady(&small, 13));
    let mut state = reduced.state(&[30.0; 25]);
    let heat = reduced.settle_with_heat(&mut state, &small, 30.0, 3.0);
    assert!((heat.stored + heat.removed - 210.0).abs() < 1e-9 * 210.0, "{heat:?}");
}

#[test]
fn ten_thousand_nodes_agree_with_a_larger_basis() {
    compare_with_larger(50, 51);
}

#[test]
#[ignore = "a minute: cargo test --release -p isotherm-floorplan --test reduce -- --ignored --nocapture"]
fn a_hundred_thousand_nodes_agree_with_a_larger_basis() {
    compare_with_larger(160, 160);
}

fn compare_with_larger(rows: usize, columns: usize) {
    let grid = grid(rows, columns);
    let reduced = reduce(&grid, &Reduction::default()).unwrap();
    let shifts = vec![0.0, 3.0, 30.0, 300.0, 3e3, 3e4];
    let larger = reduce(&grid, &Reduction { shifts, negligible: 1e-9 }).unwrap();
    let (worst, rise) = difference(&larger, &own(), &reduced, &own());
    println!("a rise of {rise:.1} K, compared with order {}", larger.modes());
    report(grid.network.nodes(), reduced.modes(), worst);
    assert!(reduced.modes() <= 200 && larger.modes() > reduced.modes() + 50);
    assert!(rise > 10.0 && worst < 1e-3, "{worst} K");
}

#[test]
fn shares_of_a_block_sum_to_one_and_heat_is_not_lost() {
    let grid = grid(7, 5);
    for shares in &grid.shares {
        assert!((shares.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
    }
    let error = reduce(&grid, &Reduction { shifts: vec![], ..Reduction::default() }).unwrap_err();
    assert!(error.to_string().contains("expected at least one"), "{error}");
}
