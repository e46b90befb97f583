//! `isotherm floorplan`: HotSpot's input files to temperatures, without a time step.

use std::fmt::Write as _;
use std::path::Path;

use isotherm_core::thermal::Modes;
use isotherm_floorplan::{Floorplan, GridNetwork, HotSpotConfig, PowerTrace, Reduction, modes_of, reduce};

use crate::args::Floorplan as Options;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// 0 degC in kelvin: HotSpot's files are in kelvin.
const ZERO_DEGC_K: f64 = 273.15;

/// Builds the network and prints block temperatures in HotSpot's own format: a header, then a row an interval, kelvin.
pub(super) fn run(options: &Options) -> Result<Code, Fault> {
    let floorplan = parse(&options.floorplan, Floorplan::parse)?;
    let mut config = parse(&options.config, HotSpotConfig::parse)?;
    let trace = parse(&options.ptrace, |text| PowerTrace::parse(text, &floorplan))?;
    config.package.capacity_factor = options.capacity_factor;
    let blocks = floorplan.blocks().len();
    let (modes, power_nodes) = match &options.grid {
        None => {
            let network = config.package.network(&floorplan).map_err(|fault| input(&options.floorplan, &fault))?;
            let network = network.dense().map_err(|fault| input(&options.config, &fault))?;
            (modes_of(&network).map_err(|fault| input(&options.config, &fault))?, network.nodes())
        }
        Some(cells) => {
            let grid = GridNetwork::new(&config.package, &floorplan, *cells as usize, *cells as usize)
                .map_err(|fault| input(&options.floorplan, &fault))?;
            (reduce(&grid, &Reduction::default()).map_err(|fault| input(&options.floorplan, &fault))?, blocks)
        }
    };
    let names: Vec<&str> = floorplan.blocks().iter().map(|block| block.name.as_str()).collect();
    let mut text = names.join("\t") + "\n";
    let at = |row: &[f64]| -> Vec<f64> {
        let mut power = row.to_vec();
        power.resize(power_nodes, 0.0);
        power
    };
    let mut line = |temperatures: Vec<f64>| {
        let shown: Vec<String> = temperatures.iter().map(|kelvin| format!("{kelvin:.6}")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", shown.join("\t"));
    };
    if options.steady {
        let drive = modes.drive(&at(&trace.mean()), config.ambient);
        line((0..blocks).map(|block| modes.steady(&drive, block)).collect());
    } else {
        let mut state = modes.state(&vec![config.init_temp; modes.nodes()]);
        for row in &trace.rows {
            modes.settle(&mut state, &modes.drive(&at(row), config.ambient), config.sampling_intvl);
            line((0..blocks).map(|block| modes.temperature(&state, block)).collect());
        }
    }
    super::print(&text)?;
    if !options.quiet {
        tell!("{}", summary(&modes, blocks, &config));
    }
    Ok(exit::SUCCESS)
}

fn summary(modes: &Modes, blocks: usize, config: &HotSpotConfig) -> String {
    let (mut fastest, mut slowest) = (f64::INFINITY, 0.0_f64);
    for constant in modes.time_constants().filter(|constant| constant.is_finite()) {
        (fastest, slowest) = (fastest.min(constant), slowest.max(constant));
    }
    format!(
        "{blocks} blocks, {} modes, time constants {fastest:.3e} s to {slowest:.3e} s, ambient {:.2} degC, capacity factor {}",
        modes.modes(),
        config.ambient - ZERO_DEGC_K,
        config.package.capacity_factor
    )
}

fn parse<T, E: std::fmt::Display>(path: &Path, read: impl Fn(&str) -> Result<T, E>) -> Result<T, Fault> {
    let text = std::fs::read_to_string(path).map_err(|source| Fault::Unreadable {
        path: path.to_owned(),
        source,
        help: "give HotSpot's files: a .flp, a hotspot.config and a .ptrace",
        code: exit::INPUT,
    })?;
    read(&text).map_err(|fault| input(path, &fault))
}

fn input(path: &Path, fault: &impl std::fmt::Display) -> Fault {
    Fault::Input(format!("{}: {fault}", path.display()))
}
