//! `isotherm live replay`: the same decisions from the record alone.

use crate::args::LiveReplay;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::live::replay::replay;

/// Replays, prints, and fails if a decision was another one.
pub(super) fn run(options: &LiveReplay) -> Result<Code, Fault> {
    let replayed = replay(&options.folder, &options.libraries.files)?;
    let mut text = String::new();
    if options.json {
        text = super::super::profile::json(&replayed)?;
    } else {
        for run in &replayed {
            text.push_str(&format!("{}: {} of {} decisions are the same", run.run, run.same, run.decisions));
            if let Some((batch, layer)) = run.first_other {
                text.push_str(&format!("; the first other one is batch {batch}, layer {layer}"));
            }
            text.push('\n');
        }
    }
    super::super::print(&text)?;
    if replayed.iter().all(|run| run.decisions == 0) {
        return Err(Fault::Input(format!("{} holds no decision that could be made again", options.folder.display())));
    }
    Ok(if replayed.iter().all(|run| run.same == run.decisions) { exit::SUCCESS } else { exit::RUN })
}
