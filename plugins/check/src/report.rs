//! What came out of all cases, for people and for programs.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use isotherm_plugin_host::Item;
use serde::Serialize;

use crate::case::Case;
use crate::child::OPTIONS;
use crate::verdict::{Outcome, Verdict};

/// Results in the order in which they ran. [`Display`](fmt::Display) is for people; it serialises for programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The library.
    pub file: PathBuf,
    /// Name of the package, as the label says.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Root of all that was random.
    pub seed: u64,
    /// One for each case and thing.
    pub results: Vec<CaseResult>,
}

/// What came out of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CaseResult {
    /// `router`, `telemetry` or `placement`.
    pub kind: &'static str,
    /// `owner/name`.
    pub name: String,
    /// Name of the case.
    pub case: &'static str,
    /// What the case is about.
    pub promise: &'static str,
    /// What came out.
    pub outcome: Outcome,
    /// Why; empty for what passed.
    pub reason: String,
    /// A command line that runs this case again.
    pub replay: String,
}

impl CaseResult {
    pub(crate) fn new(item: &Item, case: &Case, verdict: Verdict, command: &Command) -> Self {
        Self {
            kind: item.kind.word(),
            name: item.name.clone(),
            case: case.name,
            promise: case.promise,
            outcome: verdict.outcome,
            reason: verdict.reason,
            replay: command_line(command),
        }
    }
}

impl Report {
    /// Number of results with this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.results.iter().filter(|result| result.outcome == outcome).count()
    }

    /// Whether no case has failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.count(Outcome::Fail) == 0
    }

    /// The report as JSON, with a summary, ended by a line break.
    ///
    /// # Errors
    /// If the path of the library is no text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value["passed"] = self.count(Outcome::Pass).into();
        value["failed"] = self.count(Outcome::Fail).into();
        value["skipped"] = self.count(Outcome::Skip).into();
        serde_json::to_string_pretty(&value).map(|text| text + "\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} ({}), seed {}", self.package, self.version, self.file.display(), self.seed)?;
        let mut before = None;
        // One fault may fail many cases: it is told once.
        let mut told: Vec<&CaseResult> = Vec::new();
        for result in &self.results {
            let item = (result.kind, &result.name);
            if before.replace(item) != Some(item) {
                writeln!(f, "{} {}", result.kind, result.name)?;
                told.clear();
            }
            match result.outcome {
                Outcome::Pass => writeln!(f, "  pass  {:<18} {}", result.case, result.promise)?,
                Outcome::Skip => writeln!(f, "  skip  {:<18} {}", result.case, result.reason)?,
                Outcome::Fail => match told.iter().find(|other| other.reason == result.reason) {
                    Some(other) => writeln!(f, "  FAIL  {:<18} as {}", result.case, other.case)?,
                    None => {
                        writeln!(f, "  FAIL  {:<18} {}", result.case, result.reason)?;
                        writeln!(f, "        {:<18} again: {}", "", result.replay)?;
                        told.push(result);
                    }
                },
            }
        }
        let [passed, failed, skipped] = [Outcome::Pass, Outcome::Fail, Outcome::Skip].map(|o| self.count(o));
        writeln!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// A command as one would type it.
fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let options = command.get_envs().find(|(key, _)| *key == OPTIONS).and_then(|(_, value)| value);
    let before = options.map(|value| format!("{OPTIONS}={}", quoted(value)));
    before.into_iter().chain(words.map(quoted)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let result = |case: &'static str, outcome, reason: &str| CaseResult {
            kind: "router",
            name: "acme/a".to_owned(),
            case,
            promise: "keeps it",
            outcome,
            reason: reason.to_owned(),
            replay: "isotherm plugin check-one libacme.so acme/a x 7".to_owned(),
        };
        let results = vec![
            result("answers", Outcome::Pass, ""),
            result("bounds-after", Outcome::Fail, "touched it"),
            result("save-restore", Outcome::Skip, "has no state"),
            result("older-host", Outcome::Fail, "touched it"),
        ];
        Report { file: "libacme.so".into(), package: "acme".to_owned(), version: "0.3.1".to_owned(), seed: 7, results }
    }

    #[test]
    fn people_get_a_line_for_each_case() {
        let expected = "\
acme 0.3.1 (libacme.so), seed 7
router acme/a
  pass  answers            keeps it
  FAIL  bounds-after       touched it
                           again: isotherm plugin check-one libacme.so acme/a x 7
  skip  save-restore       has no state
  FAIL  older-host         as bounds-after
1 passed, 2 failed, 1 skipped
";
        assert_eq!(report().to_string(), expected);
        assert!(!report().is_clean());
    }

    #[test]
    fn programs_get_json() {
        let value: serde_json::Value = serde_json::from_str(&report().to_json().unwrap()).unwrap();
        assert_eq!(value["failed"], 2);
        assert_eq!(value["results"][1]["outcome"], "fail");
        assert_eq!(value["results"][2]["reason"], "has no state");
    }

    #[test]
    fn command_lines_can_be_typed() {
        let mut command = Command::new("my program");
        command.args(["plugin", "it's", "acme/a", ""]);
        assert_eq!(command_line(&command), r"'my program' plugin 'it'\''s' acme/a ''");
        command.env(OPTIONS, "{}").env("OTHER", "x");
        assert_eq!(command_line(&command), r"ISOTHERM_CHECK_OPTIONS='{}' 'my program' plugin 'it'\''s' acme/a ''");
    }
}
