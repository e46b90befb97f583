//! `isotherm compare`: two results folders of one scenario, router by router and metric by metric.

mod folder;
mod rows;
mod streams;
mod table;
mod verdict;

use std::collections::BTreeMap;

use isotherm_core::config::nearest;
use serde::Serialize;

use crate::args::Compare;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::statistics::{FEWEST_TO_RESAMPLE, Interval};
use folder::ResultsFolder;
use rows::{Partners, Tested};
use verdict::Verdict;

/// What is compared if nobody asks for something else, where both folders have it.
const METRICS: [&str; 6] = [
    "energy_j",
    "energy_savings_percent",
    "mass_regret",
    "combine_weight_tv",
    "latency_p99_s",
    "peak_temperature_degc",
];

/// Everything that is said about two folders; `--json` prints it.
#[derive(Debug, Serialize)]
struct Comparison {
    /// Format of this document.
    schema_version: u32,
    scenario: String,
    a: Side,
    b: Side,
    #[serde(flatten)]
    interval: Interval,
    /// Tests that Holm's correction is for: all of this document.
    comparisons: usize,
    rows: Vec<Tested>,
    verdicts: Vec<Verdict>,
    /// What has no partner in the other folder.
    only_in_a: Vec<RowName>,
    only_in_b: Vec<RowName>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Side {
    folder: String,
    isotherm: String,
    scenario_hash: String,
}

/// A router at a sweep point.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct RowName {
    router: String,
    point: BTreeMap<String, String>,
}

/// Reads both folders and prints what differs.
pub(super) fn run(options: &Compare) -> Result<Code, Fault> {
    let (a, b) = (ResultsFolder::open(&options.a)?, ResultsFolder::open(&options.b)?);
    let comparison = comparison(&a, &b, &options.metric, Interval::requested(options.bootstrap))?;
    let text = if options.json {
        serde_json::to_string_pretty(&comparison).map_err(|error| Fault::Internal(error.to_string()))? + "\n"
    } else {
        table::render(&comparison)
    };
    super::print(&text)?;
    Ok(exit::SUCCESS)
}

fn comparison(a: &ResultsFolder, b: &ResultsFolder, asked: &[String], interval: Interval) -> Result<Comparison, Fault> {
    if a.summary.head.scenario != b.summary.head.scenario {
        return Err(Fault::Usage(format!(
            "{} holds the scenario `{}` and {} holds `{}`\n  = help: compare two results of one scenario, for example from `isotherm run SCENARIO --set KEY=VALUE --out B`",
            a.path.display(),
            a.summary.head.scenario,
            b.path.display(),
            b.summary.head.scenario
        )));
    }
    let mut notes = Vec::new();
    let metrics = metrics(a, b, asked, &mut notes)?;
    let Partners { pairs, only_in_a, only_in_b } = rows::partners(a, b);
    if pairs.is_empty() {
        return Err(Fault::Usage(format!(
            "no router at one sweep point is both in {} and in {}\n  = help: routers are known by their names, `name = \"...\"` in a [[router]] of the scenario",
            a.path.display(),
            b.path.display()
        )));
    }
    let mut rows: Vec<Tested> =
        metrics.iter().flat_map(|metric| pairs.iter().filter_map(|pair| pair.test(metric, interval))).collect();
    let comparisons = rows::correct(&mut rows);
    if pairs.iter().any(|pair| !pair.is_paired()) {
        notes.push(format!("*: unpaired, Welch's t test: {}", streams::why_unpaired(a, b, &pairs)));
    }
    notes.extend(runs_left_out(a, b, &pairs));
    notes.extend(few(&rows, interval));
    let verdicts = metrics.iter().filter_map(|metric| Verdict::of(metric, &rows)).collect();
    let side = |folder: &ResultsFolder| Side {
        folder: folder.path.display().to_string(),
        isotherm: folder.summary.head.isotherm.clone(),
        scenario_hash: folder.summary.head.scenario_hash.clone(),
    };
    let scenario = a.summary.head.scenario.clone();
    let (a, b) = (side(a), side(b));
    Ok(Comparison {
        schema_version: 1,
        scenario,
        a,
        b,
        interval,
        comparisons,
        rows,
        verdicts,
        only_in_a,
        only_in_b,
        notes,
    })
}

/// The metrics to compare: those asked for, or the usual ones that both folders have.
fn metrics(
    a: &ResultsFolder,
    b: &ResultsFolder,
    asked: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<String>, Fault> {
    if asked.is_empty() {
        let both = METRICS.into_iter().filter(|metric| a.has(metric) && b.has(metric));
        return Ok(both.map(ToOwned::to_owned).collect());
    }
    let known: Vec<&str> = a.runs.metrics.iter().chain(&b.runs.metrics).map(String::as_str).collect();
    let mut metrics: Vec<String> = Vec::new();
    for metric in asked {
        if !known.contains(&metric.as_str()) {
            let help = nearest(metric, known.iter().copied())
                .map_or("`isotherm list metrics` names them all".to_owned(), |meant| {
                    format!("did you mean `{meant}`?")
                });
            return Err(Fault::Usage(format!("no metric is called `{metric}`\n  = help: {help}")));
        }
        for (folder, name) in [(a, "A"), (b, "B")] {
            if !folder.has(metric) {
                notes.push(format!("no run of {name} has {metric}: it does not apply there"));
            }
        }
        if !metrics.contains(metric) {
            metrics.push(metric.clone());
        }
    }
    Ok(metrics)
}

/// Runs that take no part.
fn runs_left_out(a: &ResultsFolder, b: &ResultsFolder, pairs: &[rows::Pair<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    for (folder, name) in [(a, "A"), (b, "B")] {
        match folder.summary.failures.len() {
            0 => {}
            failed => said.push(format!("failed runs: {failed} of {name} are left out")),
        }
    }
    let (of_a, of_b) =
        pairs.iter().map(rows::Pair::without_partner).fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
    if of_a + of_b > 0 {
        said.push(format!(
            "pairs are made of the seeds that both have: {of_a} runs of A and {of_b} of B have no partner"
        ));
    }
    said
}

/// Whether intervals rest on too little.
fn few(rows: &[Tested], interval: Interval) -> Vec<String> {
    let fewest = rows.iter().map(Tested::fewest).min().unwrap_or(0);
    let mut said = Vec::new();
    if fewest < 10 {
        said.push(format!("few seeds: {fewest} of the 10 that an interval should rest on"));
    }
    if interval != Interval::StudentT && fewest < FEWEST_TO_RESAMPLE {
        said.push(format!("no intervals: a bootstrap needs {FEWEST_TO_RESAMPLE} seeds"));
    }
    said
}
