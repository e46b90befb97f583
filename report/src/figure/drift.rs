//! Energy saved before and after the scenario changes: who notices, and how fast?

use isotherm_core::time::SimDuration;

use super::averages::{Averages, Mean, too_few, with_ribbon};
use super::choice::{Chosen, chosen, each_batch, note};
use super::routers::{Lines, columns, panels, thinned};
use super::usage::change;
use super::{Axis, Figure, NoFigure, Rule, words};
use crate::results::{Column, Results, Wanted};

const NAME: &str = "drift-recovery";
/// Batches over which a saving is looked at when a router is said to be back.
const WINDOW: usize = 5;
/// Batches before the change that say what a router saved.
const BEFORE: f64 = 20.0;
/// Savings before the change (%) that are too small to be got back.
const LEAST: f64 = 1.0;

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let changes = results.scenario.as_ref().and_then(|scenario| scenario.get(&["change"])?.as_array());
    let changes: Vec<&toml::Value> = changes.into_iter().flatten().collect();
    if changes.is_empty() {
        return Err(NoFigure::because(NAME, "nothing changes in the scenario: it has no [[change]]"));
    }
    let all = chosen(results);
    let Some(baseline) = all.iter().find(|chosen| chosen.baseline) else {
        return Err(NoFigure::because(NAME, "no finished run of a baseline is there to compare with"));
    };
    if !results.has(Column::EnergyJ) {
        return Err(NoFigure::because(NAME, "the folder has no series.parquet with energy_j"));
    }
    let (averages, changed) = savings(results, &all, baseline, &changes)?;
    let mut figure = Figure {
        name: NAME,
        title: "When the scenario changes, which routers notice, and how fast?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        ..Figure::default()
    };
    let means: Vec<Vec<Mean>> = averages.iter().map(Averages::means).collect();
    let most = columns(all.len());
    let lines = all.iter().zip(&means).filter(|(_, means)| !means.is_empty()).map(|(chosen, means)| Lines {
        router: chosen.router.clone(),
        ink: chosen.ink,
        series: with_ribbon(&chosen.router, chosen.ink, means, most),
    });
    let rules: Vec<Rule> = changed.iter().map(|at| change(*at)).collect();
    panels(
        &mut figure,
        &Axis::linear("batch"),
        &Axis::linear("energy saved, batch by batch (%)").with(0.0),
        &rules,
        lines.collect(),
    );
    match changed.as_slice() {
        [changed] => figure.notes.extend(recoveries(&all, &means, *changed)),
        [] => figure.notes.push("The runs ended before anything changed.".to_owned()),
        many => figure.notes.push(format!(
            "The scenario changes {} times: how fast routers are back is told of a single change only.",
            many.len()
        )),
    }
    figure.notes.extend(too_few(&means));
    figure.notes.extend(thinned(means.iter().map(Vec::len).max().unwrap_or(0), all.len()));
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

/// Savings of each router batch by batch against the baseline's run on the same tokens, and the batches at which something changed.
fn savings(
    results: &Results,
    all: &[Chosen],
    baseline: &Chosen,
    changes: &[&toml::Value],
) -> Result<(Vec<Averages>, Vec<f64>), NoFigure> {
    // Joules of the baseline by stream, batch by batch: bounded by the rows of one router.
    let stream = |run: usize| results.runs[run].stream_id.as_str();
    let mut reference: std::collections::BTreeMap<&str, Vec<f64>> = std::collections::BTreeMap::new();
    let instants: Vec<f64> = changes.iter().filter_map(|change| seconds(change.get("at")?.as_str()?)).collect();
    let mut changed: Vec<f64> =
        changes.iter().filter_map(|c| c.get("at_batch")?.as_integer()).map(|b| b as f64).collect();
    let mut waiting = instants;
    let columns = [Column::Batch, Column::EnergyJ, Column::FinishedNs];
    results.each_batch(&Wanted::of_runs(&columns, &baseline.runs), |run, row| {
        let (Some(batch), Some(joules)) = (row.whole(Column::Batch), row.value(Column::EnergyJ)) else { return };
        let Ok(place) = usize::try_from(batch) else { return };
        let of_stream = reference.entry(stream(run)).or_default();
        if place >= of_stream.len() {
            of_stream.resize(place + 1, f64::NAN);
        }
        of_stream[place] = joules;
        if run == baseline.runs[0] {
            let finished = row.value(Column::FinishedNs).unwrap_or_default() * 1e-9;
            let (past, later): (Vec<f64>, Vec<f64>) = waiting.iter().partition(|at| finished >= **at);
            changed.extend(past.iter().map(|_| batch as f64));
            waiting = later;
        }
    })?;
    let mut averages = vec![Averages::default(); all.len()];
    each_batch(results, all, &columns[..2], |place, run, row| {
        let (Some(batch), Some(joules)) = (row.whole(Column::Batch), row.value(Column::EnergyJ)) else { return };
        let reference = reference.get(stream(run)).and_then(|all| all.get(usize::try_from(batch).ok()?));
        if let Some(reference) = reference.filter(|joules| **joules > 0.0) {
            averages[place].add(batch, 100.0 * (1.0 - joules / reference));
        }
    })?;
    Ok((averages, changed))
}

/// Seconds of a written duration: `20 s`, `500 ms`.
pub(super) fn seconds(text: &str) -> Option<f64> {
    text.parse::<SimDuration>().ok().map(SimDuration::seconds)
}

/// For each router after how many batches it saved nine tenths again of what it saved before, or that there was nothing to get back.
fn recoveries(all: &[Chosen], means: &[Vec<Mean>], changed: f64) -> Vec<String> {
    let mut back = Vec::new();
    let mut lost = Vec::new();
    let mut nothing = Vec::new();
    for (chosen, means) in all.iter().zip(means).filter(|(chosen, _)| !chosen.baseline) {
        let before = means.iter().filter(|mean| mean.batch < changed && mean.batch >= changed - BEFORE);
        let Some(before) = mean_of(before.map(|mean| mean.mean)).filter(|saved| *saved > LEAST) else {
            nothing.push(words::brief(&chosen.router));
            continue;
        };
        let after: Vec<&Mean> = means.iter().filter(|mean| mean.batch >= changed).collect();
        let is_back =
            |window: &&[&Mean]| mean_of(window.iter().map(|mean| mean.mean)).is_some_and(|saved| saved >= 0.9 * before);
        match after.windows(WINDOW).find(is_back) {
            Some(window) => back.push(format!("{}: {}", words::brief(&chosen.router), window[0].batch - changed)),
            None => lost.push(words::brief(&chosen.router)),
        }
    }
    let mut notes = Vec::new();
    if !back.is_empty() {
        let list = back.join("; ");
        notes.push(format!("Batches until nine tenths of the saving are back, for {WINDOW} batches: {list}."));
    }
    if !lost.is_empty() {
        notes.push(format!("Not back by the end: {}.", lost.join("; ")));
    }
    if !nothing.is_empty() {
        let list = nothing.join("; ");
        notes.push(format!("Nothing to get back, as no more than {LEAST} % was saved before the change: {list}."));
    }
    notes
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_scenarios_write_them() {
        assert_eq!(seconds("20 s"), Some(20.0));
        assert_eq!(seconds("1.5 min"), Some(90.0));
        assert_eq!(seconds("soon"), None);
    }
}
