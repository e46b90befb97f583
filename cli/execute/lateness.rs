//! Whether the machine kept up with live runs, said beside their results.

use std::path::Path;

use super::Lag;
use super::seen::{self, SeenRun};

/// How late each live run of a results folder was.
#[derive(Debug)]
pub(crate) struct Lags(Vec<SeenRun>);

impl Lags {
    /// As far as the folder tells; `None` if it does not.
    pub(crate) fn read(results: &Path) -> Option<Self> {
        seen::read(&seen::runs_file(results)).ok().map(Self)
    }

    /// Of these runs together; `None` if nothing is known of any.
    pub(crate) fn of(&self, runs: &[String]) -> Option<Lag> {
        let these = self.0.iter().filter(|seen| runs.contains(&seen.run_id));
        these.filter_map(|seen| seen.lag).reduce(|all, lag| all.and(&lag))
    }
}
