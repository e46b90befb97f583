//! The thermal loop of a trace: every 10 ms all powers are new and all block temperatures are read.
//!
//! isotherm's modes beside HotSpot's loop in our words, on generated chips. The same networks, written as JSON for `scipy_loop.py`, are what
//! SciPy and NumPy are given. `thermal [--write FOLDER]`

#[path = "../../../settle/hotspot_loop.rs"]
mod hotspot_loop;

use std::hint::black_box;
use std::path::Path;

use isotherm_compare::{option, record, seconds_each};
use isotherm_core::thermal::RcNetwork;
use isotherm_floorplan::modes_of;

use hotspot_loop::{AMBIENT_DEGC, RungeKutta, generated};

const INTERVAL_S: f64 = 0.01;

/// Power of every block in a row of the trace (W).
fn power(blocks: usize, row: usize) -> Vec<f64> {
    (0..blocks).map(|block| ((7 * block + 3 * row) % 11) as f64 * 6.0 / blocks as f64).collect()
}

fn compare(blocks: usize, network: &RcNetwork) {
    let modes = modes_of(network).expect("solvable");
    let nodes = modes.nodes();
    let mut drive = vec![0.0; nodes];
    let mut state = modes.state(&vec![AMBIENT_DEGC; nodes]);
    let mut row = 0;
    let ours = seconds_each(0.05, || {
        row += 1;
        modes.drive_into(&power(blocks, row), AMBIENT_DEGC, &mut drive);
        modes.settle(&mut state, &drive, INTERVAL_S);
        black_box((0..blocks).map(|block| modes.temperature(&state, block)).sum::<f64>());
    });
    record("thermal", nodes, "isotherm", ours * 1e6, "us");
    let peer = RungeKutta::new(network);
    let (mut temperatures, mut row) = (vec![AMBIENT_DEGC; nodes], 0);
    let theirs = seconds_each(0.05, || {
        row += 1;
        black_box(peer.interval(&mut temperatures, &power(blocks, row), INTERVAL_S));
    });
    record("thermal", nodes, "HotSpot's loop", theirs * 1e6, "us");
}

/// The network for other programs: capacities, conductances row after row, and those to the ambient.
fn write(folder: &Path, network: &RcNetwork, blocks: usize) {
    let text = serde_json::json!({
        "blocks": blocks,
        "ambient_degc": AMBIENT_DEGC,
        "capacity": network.capacity(),
        "conductance": network.conductance(),
        "ambient": network.ambient(),
    });
    let path = folder.join(format!("{}.json", network.nodes()));
    std::fs::write(path, text.to_string()).expect("the folder takes files");
}

fn main() {
    let folder: String = option("--write", String::new());
    for blocks in [4, 8, 16, 32, 64, 128] {
        let network = generated(blocks);
        if folder.is_empty() {
            compare(blocks, &network);
        } else {
            write(Path::new(&folder), &network, blocks);
        }
    }
}
