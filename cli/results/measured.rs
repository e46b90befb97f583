//! What a summary is made of: a run that has just ended, or one that `runs.parquet` has kept.

use std::collections::BTreeMap;

use super::Finished;
use crate::execute::Run;

/// A run and what came of it, wherever it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Which run.
    pub run: &'a Run,
    /// Why it failed, if it did.
    pub error: Option<&'a str>,
    /// Its metrics; empty if it or its baseline failed.
    pub metrics: &'a BTreeMap<&'static str, f64>,
}

impl Finished {
    /// The part of it that summaries are made of.
    #[must_use]
    pub fn measured(&self) -> Measured<'_> {
        Measured { run: &self.run, error: self.outcome.as_ref().err().map(String::as_str), metrics: &self.metrics }
    }
}
