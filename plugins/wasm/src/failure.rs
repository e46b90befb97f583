//! What the status of a call means, in the words that native plugins get.

use isotherm_plugin_abi::{ABI, ABI_MAJOR, ABI_MINOR, CONFIG, FAILED, PANIC, STATE, Status, UNSUPPORTED};
use isotherm_plugin_host::options::Report;

use crate::options::sentence;

/// Why a call failed; `doing` reads on after "while".
#[cold]
pub(crate) fn failure(subject: &str, doing: &str, status: Status, reports: &[Report]) -> String {
    let said = if reports.is_empty() { "it does not say why".to_owned() } else { sentence(reports) };
    match status {
        // The place comes first in what is reported: "panicked at src/lib.rs:10:5: text".
        PANIC if said.starts_with("panicked") => format!("{subject} {said}"),
        PANIC => format!("{subject} panicked while {doing}: {said}"),
        FAILED | CONFIG => format!("{subject} failed while {doing}: {said}"),
        STATE => format!("{subject} has no usable state while {doing}: {said}"),
        ABI => format!("{subject} needs more than interface {ABI_MAJOR}.{ABI_MINOR} gives it while {doing}: {said}"),
        UNSUPPORTED => format!("{subject} has no means of {doing}: {said}"),
        other => format!("{subject} answered with the unknown status {other} while {doing}: {said}"),
    }
}
