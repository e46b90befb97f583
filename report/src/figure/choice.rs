//! Which runs stand for a router where a figure has room for one sweep point each.
//!
//! A sweep may have thousands of points, and a line over time can show one. The rule is the same for all figures and every figure says
//! it: of the first world of the sweep, each router at the point where it saves most energy.

use std::collections::BTreeMap;

use super::words;
use crate::axes::{axes, is_of_router, short, world, world_words};
use crate::palette::{Ink, Routers};
use crate::results::{BatchRow, Column, ReadError, Results, Row, Wanted};

/// A router at one sweep point, with its runs.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Its row in the summary.
    pub(super) row: usize,
    pub(super) router: String,
    pub(super) ink: Ink,
    pub(super) baseline: bool,
    /// Its finished runs, seed by seed: indices into [`Results::runs`].
    pub(super) runs: Vec<usize>,
}

/// The routers of the first world in the order of the plan, each at the point where it saves most; a router without any finished run is
/// left out.
pub(super) fn chosen(results: &Results) -> Vec<Chosen> {
    let routers = Routers::of(results);
    let rows = &results.summary.rows;
    let Some(first) = rows.first().map(world) else { return Vec::new() };
    let mut runs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, run) in results.runs.iter().enumerate().filter(|(_, run)| run.is_finished()) {
        if let Some(row) = run.row {
            runs.entry(row).or_default().push(index);
        }
    }
    let saved = |row: &Row| row.metric("energy_savings_percent").map_or(f64::NEG_INFINITY, |saved| saved.mean);
    let mut best: Vec<Chosen> = Vec::new();
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| world(row) == first) {
        let Some(of_row) = runs.get(&place) else { continue };
        let candidate = || Chosen {
            row: place,
            router: row.router.clone(),
            ink: routers.ink(&row.router),
            baseline: row.baseline,
            runs: of_row.clone(),
        };
        match best.iter_mut().find(|known| known.router == row.router) {
            Some(known) if saved(row) > saved(&rows[known.row]) => *known = candidate(),
            Some(_) => {}
            None => best.push(candidate()),
        }
    }
    best
}

/// Gives every batch of the chosen routers' runs to `each`: the router's place among them, the run and the row.
pub(super) fn each_batch(
    results: &Results,
    chosen: &[Chosen],
    columns: &[Column],
    mut each: impl FnMut(usize, usize, &BatchRow<'_>),
) -> Result<(), ReadError> {
    let mut of_run = vec![None; results.runs.len()];
    let places = chosen.iter().enumerate().flat_map(|(place, chosen)| chosen.runs.iter().map(move |run| (*run, place)));
    places.for_each(|(run, place)| of_run[run] = Some(place));
    let runs: Vec<usize> = chosen.iter().flat_map(|chosen| chosen.runs.iter().copied()).collect();
    results.each_batch(&Wanted::of_runs(columns, &runs), |run, row| {
        if let Some(place) = of_run[run] {
            each(place, run, row);
        }
    })
}

/// One seed of every chosen router, the first that finished.
pub(super) fn first_runs(chosen: &[Chosen]) -> Vec<usize> {
    chosen.iter().filter_map(|chosen| chosen.runs.first().copied()).collect()
}

/// What was chosen, for a note; nothing where there was no choice.
pub(super) fn note(results: &Results, chosen: &[Chosen]) -> Option<String> {
    let rows = &results.summary.rows;
    if rows.len() == chosen.len() {
        return None;
    }
    let point = |row: &Row| {
        let of_router = row.point.iter().filter(|(key, _)| is_of_router(key));
        let pairs: Vec<String> =
            of_router.map(|(key, value)| format!("{} {}", short(key), words::brief(value))).collect();
        pairs.join(", ")
    };
    let places: Vec<String> = chosen
        .iter()
        .map(|chosen| (&chosen.router, point(&rows[chosen.row])))
        .filter(|(_, point)| !point.is_empty())
        .map(|(router, point)| format!("{} at {point}", words::brief(router)))
        .collect();
    let axes = axes(rows);
    let world = rows.first().map(|row| world_words(&axes, row)).unwrap_or_default();
    let mut sentence = "Of the sweep is shown".to_owned();
    if !world.is_empty() {
        sentence += &format!(" the world {world}");
    }
    if !places.is_empty() {
        let and = if world.is_empty() { "" } else { "; of that" };
        sentence += &format!("{and} each router where it saves most: {}", places.join("; "));
    }
    Some(sentence + ".")
}
