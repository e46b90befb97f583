//! Whether the machine kept up with live runs, said beside their results.

use std::path::Path;

use super::seen::{self, SeenRun};
use super::{Lag, Run};
use crate::results::Summary;
use crate::scenario_file::ScenarioFile;

/// Adds to the rows of live runs that the machine was late, where it was; answers how late all of them were, as far as `results` tells.
pub(super) fn warn(file: &ScenarioFile, runs: &[Run], results: &Path, summary: &mut Summary) -> Option<Lag> {
    let is_live = |world: usize| file.plan.worlds[world].scenario.telemetry.is_live();
    if !(0..file.plan.worlds.len()).any(is_live) {
        return None;
    }
    let seen = seen::read(&seen::runs_file(results)).ok()?;
    let lag_of = |world: usize, variant: usize| {
        let of_row = |seen: &&SeenRun| {
            runs.iter().any(|run| (run.world, run.variant, &run.id) == (world, variant, &seen.run_id))
        };
        seen.iter().filter(of_row).filter_map(|seen| seen.lag).reduce(|all, lag| all.and(&lag))
    };
    let worlds = file.plan.worlds.iter().enumerate();
    let rows = worlds.flat_map(|(world, plan)| (0..plan.variants.len()).map(move |variant| (world, variant)));
    let mut total: Option<Lag> = None;
    for ((world, variant), row) in rows.zip(&mut summary.rows) {
        let Some(lag) = lag_of(world, variant).filter(|_| is_live(world)) else { continue };
        row.warn_if_late(&lag, file.plan.worlds[world].scenario.telemetry.period().seconds());
        total = Some(total.map_or(lag, |all| all.and(&lag)));
    }
    total
}
