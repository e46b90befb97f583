//! The cost model against recorded MoE layers of NVIDIA H200s, in time and energy.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use isotherm_calibration::kernels::{LayerPhase, PhaseError, Phases, check_phases, fit_layers, read_phases};
use isotherm_core::hardware::DeviceProfile;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn profile() -> DeviceProfile {
    toml::from_str(&std::fs::read_to_string(workspace().join("scenarios/hardware/h200-sxm.toml")).unwrap()).unwrap()
}

fn recording(name: &str) -> Phases {
    read_phases(&workspace().join("scenarios/data/h200").join(name)).unwrap()
}

#[test]
fn layers_of_every_size_agree() {
    for name in ["single-1.json", "holds-3.json"] {
        let report = check_phases(&profile(), &recording(name)).unwrap();
        println!("{name}\n{report}");
        assert!(report.layers.len() >= 5);
        for layer in &report.layers {
            assert!(layer.time_error.abs() <= 0.10 && layer.energy_error.abs() <= 0.08, "{name}: {report}");
        }
    }
}

/// 8 experts of Mixtral's shape on two GPUs, 4 each; the tokens of the layer go to them in the given parts.
fn split(first: f64, tokens: f64) -> LayerPhase {
    let counts = [first, 1.0 - first].map(|part| vec![(tokens * part / 4.0) as u32; 4]).to_vec();
    LayerPhase { name: format!("{first}"), counts, seconds: 1.0, joules: vec![1.0; 2], synchronous: true }
}

#[test]
fn imbalance_costs_energy_and_the_light_gpu_stays_below_the_cap() {
    let profile = profile();
    for tokens in [1024.0, 8192.0, 32768.0] {
        let layers = [0.5, 0.7, 0.9].map(|first| split(first, tokens)).to_vec();
        let phases = Phases { shape: recording("single-1.json").shape, layers, notes: Vec::new() };
        let report = check_phases(&profile, &phases).unwrap();
        println!("{tokens} assignments\n{report}");
        let joules: Vec<f64> = report.layers.iter().map(|layer| layer.predicted_joules).collect();
        assert!(joules[0] < joules[1] && joules[1] < joules[2], "{report}");
        let light = report.layers[2].predicted_watts[1];
        assert!(light < 0.7 * 700.0, "{report}");
    }
}

/// A layer split over two H200s, recorded: blind but for the exchange and the waiting power, which were fitted to it.
#[test]
fn split_layers_agree() {
    let path = workspace().join("scenarios/data/h200/pair-1.json");
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return;
    }
    let mut phases = read_phases(&path).unwrap();
    phases.layers.retain(|layer| layer.synchronous);
    let report = check_phases(&profile(), &phases).unwrap();
    println!("{report}");
    assert!(report.layers.len() >= 15 && report.worst_time <= 0.10 && report.worst_energy <= 0.08, "{report}");
    for group in report.layers.chunks(5) {
        let rising = |joules: fn(&PhaseError) -> f64| group.windows(2).all(|pair| joules(&pair[0]) < joules(&pair[1]));
        assert!(rising(|layer| layer.joules) && rising(|layer| layer.predicted_joules), "{report}");
        let lightest = &group[4];
        assert!(lightest.predicted_watts[1] < 400.0, "{report}");
        for gpu in 0..2 {
            assert!((lightest.predicted_watts[gpu] / lightest.watts[gpu] - 1.0).abs() < 0.10, "{report}");
        }
    }
}

/// The numbers in the profile are those that the fit finds, whatever it starts from.
#[test]
fn the_fit_reproduces_the_profile() {
    let recordings = [recording("single-1.json"), recording("holds-3.json")];
    let mut start = profile();
    start.power.as_mut().unwrap().joules_per_flop = 1.2e-12;
    let fit = fit_layers(&start, &recordings).unwrap();
    println!("{fit}");
    let expected = profile();
    let (found, expected) = (fit.profile.power.as_ref().unwrap(), expected.power.unwrap());
    assert!((found.joules_per_flop / expected.joules_per_flop - 1.0).abs() < 0.05);
    assert!((found.joules_per_byte / expected.joules_per_byte - 1.0).abs() < 0.05);
    for recording in &recordings {
        let report = check_phases(&fit.profile, recording).unwrap();
        assert!(report.worst_time < 0.05 && report.worst_energy < 0.05, "{report}");
    }
}
