//! What was recorded on real GPUs lies in folders of `scenarios/data`; how tests read a comparison with it.

use std::path::Path;

use isotherm_recording::Recording;
use serde_json::Value;

use crate::lab::{isotherm, root, text};

/// The recordings of one pair of GPUs.
pub(crate) struct Recorded(pub(crate) &'static str);

impl Recorded {
    /// The path of a file among them.
    pub(crate) fn path(&self, name: &str) -> String {
        root().join("scenarios/data").join(self.0).join(name).display().to_string()
    }

    /// What `telemetry record` promises at 20 Hz: so many rows of each of two devices, and never a quarter of a second without one.
    pub(crate) fn has_no_gap(&self, name: &str, rows: usize) {
        let recording = Recording::open(&self.path(name)).unwrap();
        assert_eq!(recording.tracks.len(), 2);
        for track in &recording.tracks {
            assert_eq!(track.times.len(), rows);
            let largest = track.times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(largest < 250_000_000, "{largest} ns");
        }
    }

    /// Compares a record with the profiles of its two GPUs.
    pub(crate) fn compared(&self, record: &str, more: &[&str]) -> Value {
        let (record, first, second) = (self.path(record), self.path("gpu-0.toml"), self.path("gpu-1.toml"));
        let arguments = ["live", "compare", &record, "--profile", &first, "--profile", &second, "--json"];
        // Paths in a record begin where it was made: at the root of the project.
        json(root(), &[&arguments[..], more].concat())
    }
}

/// What a command prints that must do well.
pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (code, out, err) = text(&isotherm(folder, arguments));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// Relative error of a pair of the comparison.
pub(crate) fn relative(row: &Value, key: &str) -> f64 {
    row[key]["predicted"].as_f64().unwrap() / row[key]["measured"].as_f64().unwrap() - 1.0
}
