//! Fits to our own recordings of two H200s, against the marks that were set before.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use isotherm_calibration::recording::Recording;
use isotherm_calibration::series::{Series, Standing};
use isotherm_calibration::thermal::check::{self, TrackCheck};
use isotherm_calibration::thermal::fit::{self, Fit, Options};

fn series(name: &str) -> Series {
    let file = format!("{}/../scenarios/data/h200/{name}.csv.gz", env!("CARGO_MANIFEST_DIR"));
    let (mut all, faults) = Series::all(&Recording::open(&file).unwrap());
    assert!(faults.is_empty(), "{faults:?}");
    all.remove(0)
}

fn fit(series: &[Series], nodes: Option<usize>) -> Fit {
    fit::fit(series, &Options { nodes, ..Options::default() }, &|| true).unwrap()
}

fn rmse(check: &TrackCheck) -> [f64; 2] {
    let hbm = check.with_drift.hbm.as_ref().unwrap();
    [check.with_drift.gpu.continuous.unwrap().rmse, hbm.continuous.unwrap().rmse]
}

fn assert_below(what: &str, found: [f64; 2], mark: f64) {
    assert!(found.iter().all(|rmse| *rmse <= mark), "{what}: {found:?} above {mark}");
}

/// 0.8 K on the recording itself, 1.0 K on segments held out, 1.3 K on another GPU that the fit never saw.
#[test]
fn a_fit_to_one_recording_holds_on_segments_left_out_and_on_another_gpu() {
    let (single, other) = (series("single-1"), series("holds-3"));
    let fit = fit(&[single], None);
    assert_below("fitted", rmse(&fit.checks[0]), 0.8);
    let chosen = fit.orders.iter().find(|order| order.chosen).unwrap();
    let held_out = &chosen.by_recording[0];
    assert_below("held out", [held_out.gpu_rmse.unwrap(), held_out.hbm_rmse.unwrap()], 1.0);
    assert_below("another GPU", rmse(&check::track(&fit.profile, &other, None).unwrap()), 1.3);
}

/// One network for both, measured memory power where there is some: 1.3 K.
#[test]
fn one_network_describes_both_recordings() {
    let both = [series("single-1"), series("holds-3")];
    assert!(both[0].memory_power.is_none() && both[1].memory_power.is_some());
    let fit = fit(&both, Some(4));
    fit.checks.iter().for_each(|check| assert_below(&check.file, rmse(check), 1.3));
    for parameter in &fit.parameters {
        let half = parameter.plus_minus.unwrap_or(0.0);
        assert!(parameter.value.is_finite() && half.is_finite(), "{parameter:?}");
    }
    // Physical sanity: a die is 4 to 8 J/K of silicon and lid.
    let die = fit.profile.node[0].capacity_j_per_k;
    assert!((3.0..9.0).contains(&die), "{die} J/K");
}

/// With and without the phases of the JSON file nearly the same is left out.
#[test]
fn aliased_loads_are_found_in_the_data_alone() {
    for (name, least, most) in [("single-1", 40.0, 100.0), ("holds-3", 0.0, 8.0)] {
        let file = format!("{}/../scenarios/data/h200/{name}.csv.gz", env!("CARGO_MANIFEST_DIR"));
        let mut recording = Recording::open(&file).unwrap();
        recording.phases.clear();
        let (all, _) = Series::all(&recording);
        let aliased = all[0].standing.iter().filter(|standing| **standing == Standing::Aliased).count();
        let seconds = 0.1 * aliased as f64;
        assert!((least..=most).contains(&seconds), "{name}: {seconds} s");
        println!("{name}: {seconds} s");
    }
}

/// The same recording as our own Parquet, in segments, gives a fit the same numbers.
#[test]
fn a_recording_in_another_format_is_the_same_series() {
    use isotherm_recording::{DeviceFacts, Entry, Header, Reading, Recorder, RecorderOptions};

    let file = format!("{}/../scenarios/data/h200/holds-3.csv.gz", env!("CARGO_MANIFEST_DIR"));
    let csv = isotherm_recording::Recording::open(&file).unwrap();
    let track = &csv.tracks[0];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holds-3.parquet");
    let options = RecorderOptions { rotate_every: Some(std::time::Duration::from_secs(200)), ..Default::default() };
    let mut recorder = Recorder::create(&path, Header::new("test", 20.0, &[DeviceFacts::default()]), options).unwrap();
    for (row, begun) in track.times.iter().copied().enumerate() {
        let mut reading = Reading { begun, ended: begun, ..Reading::default() };
        for signal in track.signals() {
            let value = track.column(signal).unwrap()[row];
            if !value.is_nan() {
                reading.set(signal, Entry::Value { value: value as i64, changed: begun });
            }
        }
        recorder.write(&[reading]).unwrap();
    }
    assert_eq!(recorder.finish().unwrap().len(), 2);

    let [mut before, after] = [file.as_str(), path.to_str().unwrap()].map(|file| Recording::open(file).unwrap());
    before.phases.clear();
    let [before, after] = [before, after].map(|recording| Series::all(&recording).0.remove(0));
    assert_eq!((before.time, before.power), (after.time, after.power));
    assert_eq!((before.gpu_celsius, before.hbm_celsius), (after.gpu_celsius, after.hbm_celsius));
    assert_eq!((before.memory_use, before.memory_power), (after.memory_use, after.memory_power));
    assert_eq!((before.clock_at_cap, before.energies), (after.clock_at_cap, after.energies));
    assert_eq!(before.standing, after.standing);
}
