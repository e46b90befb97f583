//! Whether what a plan rests on is what it was, and what is said where it is not.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::SweepPlan;
use crate::fault::Fault;
use crate::scenario_file::{SweepFile, UsedPlugin, hex};

/// The part of a plan that every version has.
#[derive(Debug, Deserialize)]
struct Header {
    schema_version: u32,
    isotherm: String,
}

/// Refuses a plan of another isotherm: it would draw other numbers or write other records.
pub(super) fn same_isotherm(file: &Path, text: &str, schema_version: u32) -> Result<(), Fault> {
    let header: Header = serde_json::from_str(text)
        .map_err(|error| Fault::Input(format!("{} is damaged: {error}\n  = help: plan again", file.display())))?;
    let ours = env!("CARGO_PKG_VERSION");
    if header.isotherm == ours && header.schema_version == schema_version {
        return Ok(());
    }
    Err(Fault::Input(format!(
        "{} was planned by isotherm {} (form {}), this is isotherm {ours} (form {schema_version})\n  = help: work and merge with the isotherm that planned, or plan again in another folder",
        file.display(),
        header.isotherm,
        header.schema_version
    )))
}

/// Refuses to plan one sweep where another is.
pub(super) fn same_plan(folder: &Path, theirs: &SweepPlan, ours: &SweepPlan) -> Result<(), Fault> {
    let differs = if theirs.scenario_hash != ours.scenario_hash {
        format!(
            "the plan of another scenario: `{}` with digest {}, and not `{}` with digest {}",
            theirs.scenario, theirs.scenario_hash, ours.scenario, ours.scenario_hash
        )
    } else if let Some(difference) = plugins(theirs, &ours.plugins) {
        format!("a plan with other plugins: {difference}")
    } else if theirs.chunks != ours.chunks {
        format!(
            "this plan in {} chunks, and not in {}; name the folder to go on with it (`sweep work`, `sweep submit`)",
            theirs.chunks, ours.chunks
        )
    } else {
        return Ok(());
    };
    Err(Fault::OtherPlan { folder: folder.to_owned(), differs })
}

/// SHA-256 of a text.
pub(super) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Refuses a frozen scenario that somebody has written to.
pub(super) fn same_text(scenario: &Path, was: &str) -> Result<(), Fault> {
    let text = std::fs::read_to_string(scenario).map_err(|error| {
        Fault::Input(format!("cannot read {}: {error}\n  = help: plan again in another folder", scenario.display()))
    })?;
    let is = digest(&text);
    if is == was { Ok(()) } else { Err(changed(&scenario.display().to_string(), was, &is)) }
}

/// What stands for the digest of a data file that cannot be read.
const MISSING: &str = "missing";

fn changed(what: &str, was: &str, is: &str) -> Fault {
    if is == MISSING {
        return Fault::Input(format!(
            "{what} is not there\n  = help: paths in a plan start from the directory in which it was made (`working_directory` of plan.json); bring the file there, or plan again in another folder"
        ));
    }
    Fault::Input(format!(
        "{what} has changed since the sweep was planned: its digest was {was} and is {is}\n  = help: bring it back, or plan again in another folder"
    ))
}

/// Refuses data files or plugins that are not those of the plan.
pub(super) fn unchanged(plan: &SweepPlan, file: &SweepFile) -> Result<(), Fault> {
    for (was, is) in plan.data_files.iter().zip(&file.data_files) {
        if was.sha256 != is.sha256 {
            return Err(changed(&format!("the data file {}", is.path), &was.sha256, &is.sha256));
        }
    }
    if plan.scenario_hash != file.hash {
        return Err(changed("what the scenario means", &plan.scenario_hash, &file.hash));
    }
    match plugins(plan, &file.plugins) {
        None => Ok(()),
        Some(difference) => Err(Fault::Input(format!(
            "a plugin has changed since the sweep was planned: {difference}\n  = help: bring it back, or plan again in another folder"
        ))),
    }
}

/// The first plugin that differs, if one does.
fn plugins(plan: &SweepPlan, now: &[UsedPlugin]) -> Option<String> {
    let (was, is) = plan.plugins.iter().zip(now).find(|(was, is)| !was.is_same(is)).unzip();
    match (was, is) {
        (Some(was), Some(is)) => Some(format!(
            "{} {} with digest {} and not {} {} with digest {}",
            was.package, was.version, was.sha256, is.package, is.version, is.sha256
        )),
        _ if plan.plugins.len() != now.len() => Some(format!("{} plugins and not {}", plan.plugins.len(), now.len())),
        _ => None,
    }
}
