//! The decisions of a live run, a line each: all that is needed to decide again.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use serde::{Deserialize, Serialize};

use super::decide::Told;
use crate::fault::Fault;

/// One batch in one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The batch, from 0.
    pub batch: u32,
    /// The layer, from 0.
    pub layer: u32,
    /// When it was routed, since the start of the run.
    pub at: SimTime,
    /// The samples that the router saw, one a GPU; absent where they are those of the line before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<Sample>>,
    /// Fingerprint of every token's experts and weights.
    pub routing: String,
    /// Assignments per expert.
    pub counts: Vec<u32>,
    /// What the router was told afterwards; absent where the run ended before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// Writes decisions as they are made. A run that is killed leaves all but the last second of them.
pub struct DecisionLog {
    path: std::path::PathBuf,
    file: BufWriter<File>,
}

impl DecisionLog {
    /// A new log.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn create(path: &Path) -> Result<Self, Fault> {
        let file = File::create(path).map_err(|error| Fault::unwritable(path, error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Adds a decision.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn write(&mut self, decision: &Decision) -> Result<(), Fault> {
        let line = serde_json::to_string(decision).map_err(|error| Fault::Internal(error.to_string()))?;
        writeln!(self.file, "{line}").map_err(|error| Fault::unwritable(&self.path, error))
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn flush(&mut self) -> Result<(), Fault> {
        self.file.flush().map_err(|error| Fault::unwritable(&self.path, error))
    }
}

/// Reads the decisions of a log in order. Half a line at the end, which a killed run leaves, is left out.
///
/// # Errors
/// [`Fault::Input`] with the line.
pub fn read(path: &Path) -> Result<Vec<Decision>, Fault> {
    let unreadable = |error: &dyn std::fmt::Display| Fault::Input(format!("cannot read {}: {error}", path.display()));
    let lines: Result<Vec<String>, _> = BufReader::new(File::open(path).map_err(|e| unreadable(&e))?).lines().collect();
    let lines = lines.map_err(|error| unreadable(&error))?;
    let mut decisions = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(decision) => decisions.push(decision),
            Err(error) if error.is_eof() && index + 1 == lines.len() => {}
            Err(error) => {
                return Err(Fault::Input(format!(
                    "{}, line {}: {error}; expected a decision as `isotherm live run` writes it",
                    path.display(),
                    index + 1
                )));
            }
        }
    }
    Ok(decisions)
}
