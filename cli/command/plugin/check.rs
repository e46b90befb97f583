//! `isotherm plugin check`: whether a plugin keeps its contract. The program starts itself again for every case.

use std::collections::BTreeMap;
use std::time::Duration;

use isotherm_plugin_check::{CASES, Plan, PlanError, run as run_plan, run_case};
use isotherm_plugin_host::{inspect, is_plugin_name};

use crate::args::{PluginCase, PluginCheck};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::plugin_files;

pub(super) fn run(options: &PluginCheck) -> Result<Code, Fault> {
    let program = std::env::current_exe().map_err(|error| Fault::Internal(error.to_string()))?;
    let mut plan = Plan::new(program, &options.file);
    plan.prefix_arguments = vec!["plugin".into(), "check-one".into()];
    plan.items.clone_from(&options.item);
    plan.cases = cases(&options.case)?;
    plan.options = given_options(options)?;
    plan.seed = options.seed;
    plan.limit = Duration::from_secs(options.limit);
    plan.allow_abort = options.allow_abort;
    let report = run_plan(&plan).map_err(|error| match error {
        PlanError::Refused(refusal) => plugin_files::not_native(refusal, "plugin check"),
        other => Fault::Usage(other.to_string()),
    })?;
    let text = if options.json {
        report.to_json().map_err(|error| Fault::Internal(error.to_string()))?
    } else {
        report.to_string()
    };
    super::super::print(&text)?;
    Ok(if report.is_clean() { exit::SUCCESS } else { exit::RUN })
}

/// Options by the name of what they are for; without a name they are for the one thing that the library offers.
fn given_options(check: &PluginCheck) -> Result<BTreeMap<String, String>, Fault> {
    let mut given = BTreeMap::new();
    for text in &check.options {
        let (name, json) = match text.split_once('=') {
            Some((name, json)) if is_plugin_name(name) => (name.to_owned(), json),
            _ => (the_one_name(check)?, text.as_str()),
        };
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json).map_err(|error| {
            Fault::Usage(format!(
                "--options {text}: {error}; expected an object in JSON, for example {{\"lambda\": 0.1}}"
            ))
        })?;
        given.insert(name, json.to_owned());
    }
    Ok(given)
}

fn the_one_name(check: &PluginCheck) -> Result<String, Fault> {
    let label = inspect(&check.file).map_err(|refusal| Fault::Input(refusal.to_string()))?.label;
    match label.items.as_slice() {
        [item] => Ok(item.name.clone()),
        items => Err(Fault::Usage(format!(
            "--options must say which of {} things it is for; for example --options '{}={{}}'",
            items.len(),
            items.first().map_or("acme/a", |item| item.name.as_str())
        ))),
    }
}

/// Names of the cases that contain one of the parts; none asks for all.
fn cases(parts: &[String]) -> Result<Vec<String>, Fault> {
    let mut chosen = Vec::new();
    for part in parts {
        let found = CASES.iter().map(|case| case.name).filter(|name| name.contains(part.as_str()));
        let before = chosen.len();
        chosen.extend(found.map(str::to_owned));
        if chosen.len() == before {
            let all: Vec<&str> = CASES.iter().map(|case| case.name).collect();
            return Err(Fault::Usage(format!(
                "no case has `{part}` in its name; expected part of one of {}",
                all.join(", ")
            )));
        }
    }
    Ok(chosen)
}

/// The child's part: `FILE NAME CASE SEED`.
pub(super) fn one(case: &PluginCase) -> Result<Code, Fault> {
    let usage = || Fault::Usage("expected FILE NAME CASE SEED, as `isotherm plugin check` prints them".to_owned());
    let [file, name, case, seed] = case.arguments.as_slice() else { return Err(usage()) };
    let (Some(name), Some(case), Some(Ok(seed))) = (name.to_str(), case.to_str(), seed.to_str().map(str::parse)) else {
        return Err(usage());
    };
    run_case(file.as_ref(), name, case, seed).map_err(|error| Fault::Input(error.to_string()))?;
    Ok(exit::SUCCESS)
}
