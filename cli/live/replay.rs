//! Decides again what a live run decided, from its record alone.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::decide::Decider;
use super::decisions;
use super::record::{LiveRecord, LiveRun};
use super::stream::Stream;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// What became of the decisions of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The router and where it stands in the sweep.
    pub run: String,
    /// Decisions in the record.
    pub decisions: usize,
    /// Those that were made in the same way again: every token's experts and weights.
    pub same: usize,
    /// The first one that was not: batch and layer.
    pub first_other: Option<(u32, u32)>,
}

/// Replays all runs of a folder.
///
/// # Errors
/// [`Fault::Input`] for a record that cannot be read.
pub fn replay(folder: &Path, libraries: &[PathBuf]) -> Result<Vec<Replayed>, Fault> {
    let record = LiveRecord::read(folder)?;
    let file = record.scenario_of(folder, libraries)?;
    record.runs.iter().map(|run| replay_run(folder, &file, run)).collect()
}

fn replay_run(folder: &Path, file: &ScenarioFile, run: &LiveRun) -> Result<Replayed, Fault> {
    let stream = Stream::of(file, run.world)?;
    let mut decider = Decider::new(file, run.world, run.variant, &stream)?;
    let log = decisions::read(&folder.join(&run.folder).join("decisions.jsonl"))?;
    let expected = run.batches as usize * file.plan.worlds[run.world].scenario.model.layers as usize;
    if log.len() < expected {
        return Err(Fault::Input(format!(
            "{}/decisions.jsonl has {} decisions and the run made {expected}; expected a whole record, copy it again",
            run.folder,
            log.len()
        )));
    }
    let mut replayed = Replayed { run: run.label(), decisions: log.len(), same: 0, first_other: None };
    let (mut gates, mut of) = (Vec::new(), None);
    for decision in &log {
        if of != Some(decision.batch) {
            (gates, of) = (stream.gates(decision.batch)?, Some(decision.batch));
        }
        let Some(gate) = gates.get(decision.layer as usize) else {
            return Err(Fault::Input(format!(
                "{}: layer {} of a model of {}",
                run.folder,
                decision.layer,
                gates.len()
            )));
        };
        if let Some(samples) = &decision.samples {
            decider.see(samples);
        }
        let routed = decider.route(decision.at, decision.batch, decision.layer, gate);
        if routed.is_ok() && decider.fingerprint() == decision.routing {
            replayed.same += 1;
        } else {
            replayed.first_other.get_or_insert((decision.batch, decision.layer));
        }
        if let Some(told) = &decision.told {
            decider.tell(decision.batch, decision.layer, told).map_err(Fault::Runs)?;
        }
    }
    Ok(replayed)
}
