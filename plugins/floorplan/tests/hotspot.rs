//! From HotSpot's input files to HotSpot's network, steady state and transient, for every case under `ISOTHERM_HOTSPOT`.
//!
//! `ISOTHERM_HOTSPOT=FOLDER cargo test -p isotherm-floorplan --test hotspot -- --nocapture` prints the largest differences.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use isotherm_core::thermal::{Modes, RcNetwork};
use isotherm_floorplan::{Floorplan, HotSpotConfig, PowerTrace, SparseNetwork, modes_of};

struct Case {
    name: String,
    folder: PathBuf,
    floorplan: Floorplan,
    config: HotSpotConfig,
    network: SparseNetwork,
}

impl Case {
    fn text(&self, file: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.join(file)).ok();
        if text.is_none() {
            println!("{}: skipped, no {file}", self.name);
        }
        text
    }

    fn trace(&self) -> Option<PowerTrace> {
        Some(PowerTrace::parse(&self.text("power.ptrace")?, &self.floorplan).unwrap())
    }

    fn dense(&self) -> RcNetwork {
        self.network.dense().unwrap()
    }

    /// The largest difference at the end of every row from a table of block temperatures, `skip` columns of other things first.
    fn transient(&self, trace: &PowerTrace, table: &str, skip: usize) -> f64 {
        let modes: Modes = modes_of(&self.dense()).unwrap();
        let rows = table.lines().map(|line| line.split([',', '\t']).map(str::trim).filter(|c| !c.is_empty()).collect());
        let rows: Vec<Vec<&str>> = rows.collect();
        let blocks: Vec<usize> = rows[0][skip..].iter().map(|name| self.floorplan.index(name).unwrap()).collect();
        assert_eq!(rows.len() - 1, trace.rows.len());
        let mut state = modes.state(&vec![self.config.init_temp; modes.nodes()]);
        let mut worst: f64 = 0.0;
        for (power, row) in trace.rows.iter().zip(&rows[1..]) {
            modes.settle(&mut state, &modes.drive(power, self.config.ambient), self.config.sampling_intvl);
            for (block, expected) in blocks.iter().zip(&row[skip..]) {
                worst = worst.max((modes.temperature(&state, *block) - expected.parse::<f64>().unwrap()).abs());
            }
        }
        worst
    }
}

/// Prints a difference in the line that `docs/validation/generate.py` reads, and asserts its bound.
fn measured(name: &str, value: f64, unit: &str, bound: f64) {
    println!("measured: {name} {value:.2e} {unit} bound {bound:.0e}");
    assert!(value <= bound, "{name}: {value} {unit} above {bound}");
}

fn cases() -> Vec<Case> {
    let root = std::env::var_os("ISOTHERM_HOTSPOT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/tests/hotspot"), PathBuf::from);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display())) {
        let folder = entry.unwrap().path();
        if ["floorplan.flp", "hotspot.config", "rc_G.csv", "rc_C.csv"].iter().any(|file| !folder.join(file).exists()) {
            continue;
        }
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let floorplan = Floorplan::parse(&read("floorplan.flp")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let config = HotSpotConfig::parse(&read("hotspot.config")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let network = config.package.network(&floorplan).unwrap();
        found.push(Case { name, floorplan, config, network, folder });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "{}: no case", root.display());
    found
}

#[test]
fn conductances_and_capacities_are_those_of_hotspot() {
    for case in cases() {
        let n = case.network.nodes();
        let ours = case.dense();
        let mut theirs = vec![0.0; n * n];
        for line in case.text("rc_G.csv").unwrap().lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let (i, j, g): (usize, usize, f64) =
                (cells[0].parse().unwrap(), cells[1].parse().unwrap(), cells[2].parse().unwrap());
            theirs[i * n + j] = g;
            theirs[j * n + i] = g;
        }
        let relative = |ours: f64, theirs: f64| if ours == theirs { 0.0 } else { (ours / theirs - 1.0).abs() };
        let mut worst = [0.0_f64; 3];
        for (ours, theirs) in ours.conductance().iter().zip(&theirs) {
            worst[0] = worst[0].max(relative(*ours, *theirs));
        }
        let nodes = case.text("rc_C.csv").unwrap();
        assert_eq!(nodes.lines().count() - 1, n, "{}", case.name);
        for (node, line) in nodes.lines().skip(1).enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            if let Some(block) = case.floorplan.blocks().get(node) {
                assert_eq!(cells[1], block.name);
            }
            worst[1] = worst[1].max(relative(ours.capacity()[node], cells[2].parse().unwrap()));
            worst[2] = worst[2].max(relative(ours.ambient()[node], cells[3].parse().unwrap()));
        }
        println!("measured: nodes/{} {n} count", case.name);
        for (what, worst) in ["G", "C", "G-ambient"].iter().zip(worst) {
            measured(&format!("{what}/{}", case.name), worst, "relative", 1e-12);
        }
    }
}

#[test]
fn the_steady_state_is_that_of_hotspot() {
    for case in cases() {
        let (Some(trace), Some(steady)) = (case.trace(), case.text("steady.txt")) else { continue };
        let modes = modes_of(&case.dense()).unwrap();
        let drive = modes.drive(&trace.mean(), case.config.ambient);
        let expected: Vec<f64> =
            steady.lines().filter_map(|line| line.split_whitespace().nth(1)).map(|t| t.parse().unwrap()).collect();
        assert_eq!(expected.len(), modes.nodes());
        let differences = expected.iter().enumerate().map(|(node, t)| (modes.steady(&drive, node) - t).abs());
        let worst = differences.fold(0.0, f64::max);
        // The file is rounded to 5e-10 K.
        measured(&format!("floorplan-steady/{}", case.name), worst, "K", 1e-8);
    }
}

#[test]
fn transients_are_exact_and_within_hotspots_own_step_error() {
    for case in cases() {
        let Some(trace) = case.trace() else { continue };
        if let Some(exact) = case.text("exact.csv") {
            let worst = case.transient(&trace, &exact, 1);
            // The file is rounded to 5e-10 K, its two methods agree within 3e-9 K.
            measured(&format!("floorplan-exact/{}", case.name), worst, "K", 1e-8);
        }
        if let Some(hotspot) = case.text("temps.ttrace") {
            let worst = case.transient(&trace, &hotspot, 0);
            measured(&format!("transient/{}", case.name), worst, "K", 1e-2);
        }
    }
}

#[test]
fn the_capacity_factor_moves_time_and_not_the_steady_state() {
    let case = cases().swap_remove(0);
    let mut package = case.config.package.clone();
    let slowest = |package: &isotherm_floorplan::Package| {
        let modes = modes_of(&package.network(&case.floorplan).unwrap().dense().unwrap()).unwrap();
        let power = vec![1.0; case.floorplan.blocks().len()];
        let steady = modes.steady(&modes.drive(&power, 300.0), 0);
        (modes.time_constants().fold(0.0, f64::max), steady)
    };
    let (compatible, steady) = slowest(&package);
    package.capacity_factor = 1.0;
    let (physical, same) = slowest(&package);
    assert!((physical / compatible - 1.0 / 0.333).abs() < 1e-8, "{physical} s, {compatible} s");
    assert!((steady - same).abs() < 1e-8);
}
