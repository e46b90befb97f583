//! Which runs a timeline shows. All of a large comparison would be too much to look at.

use thiserror::Error;

use crate::results::{Results, RunRow};

/// What is asked for; each part narrows the choice down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Id of the run, or how it begins.
    pub run: Option<String>,
    /// Name of the router.
    pub router: Option<String>,
    /// Seed; the first one of each router and point if there is none.
    pub seed: Option<String>,
    /// Sweep point, `key=value` separated by spaces; the first one of each router if there is none.
    pub point: Option<String>,
}

/// Why there is no such run.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NotChosen(String);

impl Choice {
    /// The runs, in the order of the plan: by default the first seed of every router at its first point. Runs that failed are never
    /// shown.
    ///
    /// # Errors
    /// [`NotChosen`] if there are none: what there is instead.
    pub fn among(&self, results: &Results) -> Result<Vec<usize>, NotChosen> {
        let finished: Vec<(usize, &RunRow)> =
            results.runs.iter().enumerate().filter(|(_, run)| run.is_finished()).collect();
        if let Some(id) = &self.run {
            let named: Vec<usize> = finished
                .iter()
                .filter(|(_, run)| !id.is_empty() && run.run_id.starts_with(id.as_str()))
                .map(|(at, _)| *at)
                .collect();
            // Routers that differ in nothing but their names share an id.
            let is_one_id = named.iter().all(|at| results.runs[*at].run_id == results.runs[named[0]].run_id);
            return match named.len() {
                0 => Err(self.none("run_id", id, &finished, |run| run.run_id.clone())),
                _ if is_one_id => Ok(named),
                many => {
                    Err(NotChosen(format!("{many} runs have an id that begins with `{id}`\n  = help: give more of it")))
                }
            };
        }
        let mut left = finished;
        left = self.narrow("router", self.router.as_deref(), left, |run| run.router.clone())?;
        left = match &self.point {
            Some(point) => self.narrow("point", Some(&sorted(point)), left, |run| sorted(&run.point))?,
            None => first_of_each(left, |run| run.router.clone(), |run| run.point.clone()),
        };
        left = match &self.seed {
            Some(seed) => self.narrow("seed", Some(seed), left, |run| run.seed.clone())?,
            None => first_of_each(left, |run| run.router.clone(), |run| run.seed.clone()),
        };
        if left.is_empty() {
            return Err(NotChosen("no run has finished\n  = help: run the scenario again".to_owned()));
        }
        Ok(left.into_iter().map(|(at, _)| at).collect())
    }

    /// Only runs with a value, if one is asked for.
    fn narrow<'a>(
        &self,
        what: &str,
        wanted: Option<&str>,
        runs: Vec<(usize, &'a RunRow)>,
        value: impl Fn(&RunRow) -> String,
    ) -> Result<Vec<(usize, &'a RunRow)>, NotChosen> {
        let Some(wanted) = wanted else { return Ok(runs) };
        let left: Vec<_> = runs.iter().filter(|(_, run)| value(run) == wanted).copied().collect();
        if left.is_empty() { Err(self.none(what, wanted, &runs, value)) } else { Ok(left) }
    }

    fn none(
        &self,
        what: &str,
        wanted: &str,
        runs: &[(usize, &RunRow)],
        value: impl Fn(&RunRow) -> String,
    ) -> NotChosen {
        let mut there: Vec<String> = Vec::new();
        for (_, run) in runs {
            let value = format!("`{}`", value(run));
            if !there.contains(&value) {
                there.push(value);
            }
        }
        if there == ["``"] {
            let help = format!("these results have no {what} to choose: leave --{what} out");
            return NotChosen(format!("no finished run has the {what} `{wanted}`\n  = help: {help}"));
        }
        let rest = there.len().saturating_sub(SHOWN);
        there.truncate(SHOWN);
        let and = if rest == 0 { String::new() } else { format!(" and {rest} more") };
        NotChosen(format!("no finished run has the {what} `{wanted}`\n  = help: there is {}{and}", there.join(", ")))
    }
}

/// Values that a message lists.
const SHOWN: usize = 12;

/// The words of a point in an order that does not depend on who wrote them.
fn sorted(point: &str) -> String {
    let mut words: Vec<&str> = point.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

/// Of the runs of each group, those whose value is that of its first run.
fn first_of_each(
    runs: Vec<(usize, &RunRow)>,
    group: impl Fn(&RunRow) -> String,
    value: impl Fn(&RunRow) -> String,
) -> Vec<(usize, &RunRow)> {
    let mut firsts: Vec<(String, String)> = Vec::new();
    let is_first = |(_, run): &(usize, &RunRow)| {
        let (group, value) = (group(run), value(run));
        match firsts.iter().find(|(known, _)| *known == group) {
            Some((_, first)) => *first == value,
            None => {
                firsts.push((group, value));
                true
            }
        }
    };
    runs.into_iter().filter(is_first).collect()
}
