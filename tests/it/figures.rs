//! Figures of results folders: the numbers behind them, the pictures, and names that nobody would choose.
//!
//! The folders are made here, from shipped scenarios cut short.

mod arms;
mod command;
mod hostile;
mod numbers;
mod over_time;
mod pictures;
mod tables;

use std::path::PathBuf;

use isotherm_report::figure::{Figure, Panel, Series, build};
use isotherm_report::results::Results;
use tempfile::TempDir;

/// A results folder that goes away with this value.
struct Folder {
    temporary: TempDir,
}

impl Folder {
    /// Runs a shipped scenario with these assignments.
    fn of(scenario: &str, set: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let scenario = crate::lab::root().join("scenarios").join(scenario);
        let mut arguments = vec!["run", scenario.to_str().unwrap(), "--out", "results", "--quiet"];
        set.iter().for_each(|assignment| arguments.extend(["--set", *assignment]));
        let (code, _, told) = crate::lab::text(&crate::lab::isotherm(temporary.path(), &arguments));
        assert_eq!(code, 0, "{told}");
        Self { temporary }
    }

    /// Ten rows, a frontier, three seeds.
    fn classic() -> Self {
        Self::of("classic.toml", &["seeds=3", "arrivals.batches=40"])
    }

    /// Costs that change at batch 20.
    fn drift() -> Self {
        Self::of("drift.toml", &["seeds=2", "arrivals.batches=40", "change=[{at_batch=20, hot=[0,1]}]"])
    }

    /// One seed of the device model: clocks, a power cap, throttling.
    fn device() -> Self {
        Self::of("device.toml", &["seeds=1", "arrivals.batches=40"])
    }

    fn path(&self) -> PathBuf {
        self.temporary.path().join("results")
    }

    fn results(&self) -> Results {
        let results = Results::open(&self.path()).unwrap();
        assert!(results.gaps.is_empty(), "{:?}", results.gaps);
        results
    }
}

/// A figure that applies.
fn figure(name: &str, results: &Results) -> Figure {
    build(name, results).unwrap_or_else(|error| panic!("{error}"))
}

/// The panel with this title.
fn panel<'a>(figure: &'a Figure, title: &str) -> &'a Panel {
    let found = figure.panels.iter().find(|panel| panel.title == title);
    found.unwrap_or_else(|| panic!("{} has no panel `{title}`", figure.name))
}

/// The last series with this name: the line, where there is a ribbon before it.
fn series<'a>(panel: &'a Panel, name: &str) -> &'a Series {
    panel.series.iter().rfind(|series| series.name == name).unwrap_or_else(|| panic!("no series `{name}`"))
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}
