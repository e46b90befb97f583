//! What the child of one case does.

use std::io::Write as _;
use std::path::Path;

use isotherm_plugin_host::{Item, inspect};
use thiserror::Error;

use crate::case::{CASES, Check, Visit};
use crate::finding::{Checked, Finding};
use crate::memory::watch_signals;
use crate::subject::Subject;
use crate::verdict::{Outcome, Verdict};

/// The environment variable with options that a child uses instead of the manifest's example.
pub(crate) const OPTIONS: &str = "ISOTHERM_CHECK_OPTIONS";

/// Why a case cannot be run at all.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaseError {
    /// There is no such case.
    #[error("no case is called `{name}`; there are {}", CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", "))]
    NoSuchCase {
        /// The name given.
        name: String,
    },
    /// The case is for other kinds of things.
    #[error("the case `{case}` does not apply to a {kind}")]
    OtherKind {
        /// The case.
        case: &'static str,
        /// What the thing is.
        kind: &'static str,
    },
    /// The library offers nothing of this name.
    #[error("{file}: found no `{name}` in its label; there are {offered}")]
    NoSuchItem {
        /// The file.
        file: String,
        /// The name given.
        name: String,
        /// What it offers.
        offered: String,
    },
    /// The file is no plugin.
    #[error("{0}")]
    NoPlugin(String),
}

/// Runs one case in this process and writes what came out to the standard output, for the process that [`run`](crate::run) works in.
///
/// The plugin's code runs here, with all that it may do: crash, hang, exit. `name` is the `owner/name` of what is tested, with
/// its kind and a colon in front where a library offers several of one name (`router:acme/a`). The environment variable
/// `ISOTHERM_CHECK_OPTIONS` may hold options (a JSON object) that take the place of the manifest's example.
///
/// # Errors
/// [`CaseError`] if there is no such case or thing. A case that fails is no error.
pub fn run_case(file: &Path, name: &str, case: &str, seed: u64) -> Result<(), CaseError> {
    let visit: Visit = case.parse().map_err(|()| CaseError::NoSuchCase { name: case.to_owned() })?;
    let item = item_named(file, name)?;
    if !visit.case.kinds.contains(&item.kind) {
        return Err(CaseError::OtherKind { case: visit.case.name, kind: item.kind.noun() });
    }
    keep_no_core();
    watch_signals();
    let options = std::env::var(OPTIONS).ok();
    let subject = Subject { file: file.to_owned(), item, options, seed, elsewhere: visit.elsewhere };
    let result = match visit.case.check {
        Check::Once(check) => check(&subject).map(|()| None),
        Check::Compared(check) => check(&subject).map(Some),
    };
    let mut output = std::io::stdout().lock();
    // Where nobody listens there is nobody to tell.
    let _ = output.write_all(verdict(result).line().as_bytes()).and_then(|()| output.flush());
    Ok(())
}

fn verdict(result: Checked<Option<String>>) -> Verdict {
    match result {
        Ok(digest) => Verdict { outcome: Outcome::Pass, reason: String::new(), digest },
        Err(Finding::NotApplicable(reason)) => Verdict::skip(reason),
        Err(finding) => Verdict::fail(finding.to_string()),
    }
}

fn item_named(file: &Path, name: &str) -> Result<Item, CaseError> {
    let items = inspect(file).map_err(|refusal| CaseError::NoPlugin(refusal.to_string()))?.label.items;
    let named = |item: &&Item| name == item.name || Some((item.kind.word(), &*item.name)) == name.split_once(':');
    items.iter().find(named).cloned().ok_or_else(|| CaseError::NoSuchItem {
        file: file.display().to_string(),
        name: name.to_owned(),
        offered: items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// Crashes are what this process is for: they leave no image of its memory behind.
#[expect(unsafe_code, reason = "a limit of this process")]
fn keep_no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: sets a limit of this process.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}
