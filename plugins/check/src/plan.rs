//! Which cases run on which library, and how the program is started again for each.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use isotherm_plugin_host::{Item, Refusal, inspect};
use thiserror::Error;

use crate::case::{CASES, Case, Check, INSTANCE, OPENS, PANIC_MODE, Visit};
use crate::child::OPTIONS;
use crate::process::{HUNG, verdict_of};
use crate::report::{CaseResult, Report};
use crate::verdict::{Outcome, Verdict};

/// Cases that do not end, after which the others are not tried.
const PATIENCE: u32 = 3;

/// What to check, and how to start a child. See the crate's documentation for a program that does both.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that runs [`run_case`](crate::run_case) when it is started as a child; usually this one.
    pub program: PathBuf,
    /// Arguments before `FILE NAME CASE SEED`, such as `plugin check-one`.
    pub prefix_arguments: Vec<OsString>,
    /// The library.
    pub file: PathBuf,
    /// Names (`owner/name`) of the things to check; empty for all that the label names.
    pub items: Vec<String>,
    /// Names of the cases to run; empty for all.
    pub cases: Vec<String>,
    /// Options (a JSON object) for things whose manifest has no example, or none that works here, by name.
    pub options: BTreeMap<String, String>,
    /// Root of all that is random: the same seed shows a plugin the same.
    pub seed: u64,
    /// Longest time that one process of a case may take.
    pub limit: Duration,
    /// Whether a library that is built with `panic = "abort"` may pass.
    pub allow_abort: bool,
}

/// Why a library cannot be checked. A plugin that fails is no error.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The file is no plugin that could be loaded.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The library offers nothing of this name.
    #[error("{}: found no `{name}` in its label; expected one of {offered}", file.display())]
    NoSuchItem {
        /// The file.
        file: PathBuf,
        /// The name asked for.
        name: String,
        /// What it offers.
        offered: String,
    },
    /// There is no such case.
    #[error("no case is called `{name}`; expected one of {}", CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", "))]
    NoSuchCase {
        /// The name asked for.
        name: String,
    },
    /// A child could not be started or heard.
    #[error("{}: cannot be started for a case: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Plan {
    /// All cases on everything that `file` offers, 20 s each, seed 1.
    ///
    /// ```
    /// use isotherm_plugin_check::Plan;
    /// let plan = Plan::new("isotherm", "libacme.so");
    /// assert!(plan.items.is_empty() && plan.cases.is_empty() && !plan.allow_abort);
    /// ```
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, file: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            prefix_arguments: Vec::new(),
            file: file.into(),
            items: Vec::new(),
            cases: Vec::new(),
            options: BTreeMap::new(),
            seed: 1,
            limit: Duration::from_secs(20),
            allow_abort: false,
        }
    }

    fn command(&self, name: &str, visit: Visit) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.prefix_arguments).arg(&self.file);
        command.args([name, &visit.to_string(), &self.seed.to_string()]);
        let plain = name.split_once(':').map_or(name, |(_, plain)| plain);
        if let Some(options) = self.options.get(plain) {
            command.env(OPTIONS, options);
        }
        command
    }

    fn chosen_cases(&self) -> Result<Vec<&'static Case>, PlanError> {
        if let Some(name) = self.cases.iter().find(|name| Case::named(name).is_none()) {
            return Err(PlanError::NoSuchCase { name: name.clone() });
        }
        let chosen = |case: &&Case| self.cases.is_empty() || self.cases.iter().any(|name| name == case.name);
        Ok(CASES.iter().filter(chosen).collect())
    }

    fn chosen_items(&self, offered: &[Item]) -> Result<Vec<Item>, PlanError> {
        if let Some(name) = self.items.iter().find(|name| offered.iter().all(|item| item.name != **name)) {
            let offered = offered.iter().map(|item| format!("`{}`", item.name)).collect::<Vec<_>>().join(", ");
            return Err(PlanError::NoSuchItem { file: self.file.clone(), name: name.clone(), offered });
        }
        let chosen = |item: &&Item| self.items.is_empty() || self.items.contains(&item.name);
        Ok(offered.iter().filter(chosen).cloned().collect())
    }
}

/// Runs every case of a plan, each in its own process, one after the other.
///
/// Where a library cannot be opened, or makes no instance, that is the one case that fails, and those behind it are skipped. So are those behind the
/// third case of something that has not ended: all of them would take their time limit.
///
/// # Errors
/// [`PlanError`] if the file is no plugin, nothing has the names asked for, or no child can be started.
pub fn run(plan: &Plan) -> Result<Report, PlanError> {
    let label = inspect(&plan.file)?.label;
    let cases = plan.chosen_cases()?;
    let mut results = Vec::new();
    for item in plan.chosen_items(&label.items)? {
        let alone = label.items.iter().filter(|other| other.name == item.name).count() == 1;
        let name = if alone { item.name.clone() } else { format!("{}:{}", item.kind.word(), item.name) };
        let (mut obstacle, mut hung) = (None, 0);
        for case in cases.iter().filter(|case| case.kinds.contains(&item.kind)) {
            let here = Visit { case, elsewhere: false };
            let (verdict, visit) = match obstacle {
                Some(obstacle) => (Verdict::skip(obstacle), here),
                None if case.name == PANIC_MODE && plan.allow_abort => (Verdict::skip("aborting is allowed"), here),
                None => verdict_of_case(plan, &name, here)?,
            };
            hung += u32::from(verdict.reason.starts_with(HUNG));
            if hung == PATIENCE {
                obstacle = obstacle.or(Some("other cases have not ended either"));
            }
            if verdict.outcome == Outcome::Fail {
                obstacle = obstacle.or(match case.name {
                    OPENS => Some("the library cannot be opened"),
                    INSTANCE => Some("no instance can be made"),
                    _ => None,
                });
            }
            results.push(CaseResult::new(&item, case, verdict, &plan.command(&name, visit)));
        }
    }
    Ok(Report { file: plan.file.clone(), package: label.package, version: label.version, seed: plan.seed, results })
}

/// What came out, and the process that it came out of.
fn verdict_of_case(plan: &Plan, name: &str, here: Visit) -> Result<(Verdict, Visit), PlanError> {
    let of = |visit| {
        verdict_of(&mut plan.command(name, visit), plan.limit)
            .map_err(|source| PlanError::Start { program: plan.program.clone(), source })
    };
    let elsewhere = Visit { elsewhere: true, ..here };
    let first = of(here)?;
    if matches!(here.case.check, Check::Once(_)) || first.outcome != Outcome::Pass {
        return Ok((first, here));
    }
    let second = of(elsewhere)?;
    if second.outcome == Outcome::Pass && second.digest != first.digest {
        let reason = format!(
            "answers otherwise in a second process, `{elsewhere}`, with other clocks and a filled heap: \
             it depends on time, addresses, or memory that was never written"
        );
        return Ok((Verdict::fail(reason), elsewhere));
    }
    Ok((second, elsewhere))
}
