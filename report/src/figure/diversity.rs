//! Entropy of expert use, batch by batch: does a router narrow the choice?

use super::averages::{Averages, Mean, too_few, with_ribbon};
use super::choice::{chosen, each_batch, note};
use super::routers::{Lines, columns, panels, thinned};
use super::{Axis, Figure, NoFigure, Rule, words};
use crate::palette::Ink;
use crate::results::{Column, Results};

const NAME: &str = "diversity";

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let all = chosen(results);
    if all.is_empty() || !results.has(Column::ExpertDiversityNats) {
        return Err(NoFigure::because(NAME, "the folder has no series.parquet with expert_diversity_nats"));
    }
    let mut averages = vec![Averages::default(); all.len()];
    each_batch(results, &all, &[Column::Batch, Column::ExpertDiversityNats], |place, _, row| {
        if let (Some(batch), Some(value)) = (row.whole(Column::Batch), row.value(Column::ExpertDiversityNats)) {
            averages[place].add(batch, value);
        }
    })?;
    let mut figure = Figure {
        name: NAME,
        title: "Does a router narrow the choice of experts?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        ..Figure::default()
    };
    let most = columns(all.len());
    let means: Vec<Vec<Mean>> = averages.iter().map(Averages::means).collect();
    let lines = all.iter().zip(&means).map(|(chosen, means)| Lines {
        router: chosen.router.clone(),
        ink: chosen.ink,
        series: with_ribbon(&chosen.router, chosen.ink, means, most),
    });
    let mut rules = super::usage::changes(results);
    rules.extend(even(results));
    panels(
        &mut figure,
        &Axis::linear("batch"),
        &Axis::linear("expert diversity, entropy of use (nats)"),
        &rules,
        lines.collect(),
    );
    figure.notes.extend(too_few(&means));
    figure.notes.extend(thinned(means.iter().map(Vec::len).max().unwrap_or(0), all.len()));
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

/// Where all experts are used alike.
fn even(results: &Results) -> Option<Rule> {
    let experts = results.scenario.as_ref()?.get(&["model", "experts"])?.as_integer().filter(|experts| *experts > 1)?;
    let layers = results.scenario.as_ref()?.get(&["model", "layers"]).and_then(toml::Value::as_integer).unwrap_or(1);
    // Over several layers the entropy is another one.
    (layers == 1).then(|| Rule {
        name: format!("equal use of {experts} experts"),
        ink: Ink::Muted,
        upright: false,
        at: (experts as f64).ln(),
        dash: 1,
    })
}
