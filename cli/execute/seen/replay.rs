//! `kind = "live-record"`: every run of a comparison gets the record of the live run of the same router, sweep point and seed.

use std::path::{Path, PathBuf};

use isotherm_core::input::InputError;
use isotherm_core::telemetry::{RunName, Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use serde::{Deserialize, Serialize};

use super::file::Seen;
use super::index::{self, SeenRun};

/// Live runs once more, without their hardware and as fast as the machine can: the same samples at the same polls, and so the same decisions.
///
/// Apart from `replay`, which plays any recording to any run: here each run has a record of its own, and a poll at an instant that its
/// record does not have ends the run, because it is then no longer the same run.
///
/// `isotherm run SCENARIO --telemetry replay=RESULTS` writes this table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveRecordSpec {
    /// `telemetry/runs.json` of the results folder of the live run.
    pub runs: String,
    /// Time between two polls: that of the live run.
    pub period: SimDuration,
}

impl LiveRecordSpec {
    fn seen(&self) -> Result<Vec<SeenRun>, InputError> {
        index::read(Path::new(&self.runs))
    }

    fn record(&self, run: &SeenRun, gpus: usize) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        let folder = Path::new(&self.runs).parent().unwrap_or(Path::new(""));
        let path = index::record_beside(folder, &run.run_id);
        let mismatch =
            |found: String| InputError::new(path.display().to_string(), found, "expected the scenario of the live run");
        if run.gpus as usize != gpus {
            return Err(mismatch(format!("is of {} GPUs and the scenario has {gpus}", run.gpus)).into());
        }
        if run.period != self.period {
            let found = format!("has a poll every {} and the scenario one every {}", run.period, self.period);
            return Err(mismatch(found).into());
        }
        let seen = Seen::read(&path, gpus)?;
        Ok(Box::new(Replayed { path, seen }))
    }
}

#[typetag::serde(name = "live-record")]
impl TelemetrySpec for LiveRecordSpec {
    fn period(&self) -> SimDuration {
        self.period
    }

    /// The first run that has this seed.
    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        let seen = self.seen()?;
        let run = seen.iter().find(|run| run.seed == seed);
        self.record(run.ok_or_else(|| self.none(&format!("seed {seed}")))?, gpus)
    }

    fn build_for(&self, run: &RunName<'_>, gpus: usize) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        let seen = self.seen()?;
        let same = |seen: &&SeenRun| {
            (seen.router.as_str(), seen.point.as_str(), seen.seed) == (run.router, run.point, run.seed)
        };
        let at = if run.point.is_empty() { String::new() } else { format!(" at {}", run.point) };
        let found = seen.iter().find(same);
        self.record(found.ok_or_else(|| self.none(&format!("`{}`{at} with seed {}", run.router, run.seed)))?, gpus)
    }

    fn prescribes_temperature(&self) -> bool {
        true
    }

    fn shows_this_run(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<&'static str> {
        Some("replayed live telemetry")
    }
}

impl LiveRecordSpec {
    fn none(&self, of: &str) -> TelemetryError {
        let found = format!("has no run of {of}");
        InputError::new(&self.runs, found, "expected the scenario of the live run, with its routers, sweep and seeds")
            .into()
    }
}

/// The source: it has no memory, for the time says all.
#[derive(Debug)]
struct Replayed {
    path: PathBuf,
    seen: Seen,
}

impl TelemetrySource for Replayed {
    fn sample(&mut self, now: SimTime, _: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        let Some(samples) = self.seen.at(now) else {
            let end = self.seen.polls.last().copied().unwrap_or_default();
            return Err(TelemetryError::Failed(format!(
                "{} has no poll at {now} and ends at {end}; expected the record of a whole run of this very scenario: repeat every `--set` of the \
                 live run, arrivals and telemetry.period too",
                self.path.display()
            )));
        };
        out.copy_from_slice(samples);
        Ok(())
    }
}
