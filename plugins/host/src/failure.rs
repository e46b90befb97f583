//! What the status of a call means, in words.

use isotherm_plugin_abi::{ABI, ABI_MAJOR, ABI_MINOR, CONFIG, FAILED, PANIC, STATE, Status, UNSUPPORTED};

use crate::text::Reports;

/// Why a call failed; `doing` reads on after "while".
#[cold]
pub(crate) fn failure(subject: &str, doing: &str, status: Status, reports: &Reports) -> String {
    let said = reports.sentence("it does not say why");
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

/// Why an instance could not be made: the option at fault, by its path, or `kind`; and a sentence.
#[cold]
pub(crate) fn creation(subject: &str, status: Status, reports: &Reports) -> (&'static str, String) {
    if status == CONFIG
        && let Some(first) = reports.0.iter().find(|report| !report.pointer.is_empty())
    {
        let message = format!("{} ({subject})", first.message);
        return (crate::leaked::leaked(&crate::options::dotted(&first.pointer)), message);
    }
    ("kind", failure(subject, "being made", status, reports))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Report;

    fn said(pointer: &str, message: &str) -> Reports {
        Reports(vec![Report { pointer: pointer.to_owned(), message: message.to_owned() }])
    }

    #[test]
    fn every_status_has_its_words() {
        let x = "plugin `acme/x` 0.3.1 (libacme.so)";
        let words = |status, reports: &Reports| failure(x, "routing", status, reports);
        let panic = said("", "panicked at src/lib.rs:10:5: boom");
        assert_eq!(words(PANIC, &panic), format!("{x} panicked at src/lib.rs:10:5: boom"));
        assert_eq!(words(PANIC, &said("", "boom")), format!("{x} panicked while routing: boom"));
        assert_eq!(words(FAILED, &Reports::default()), format!("{x} failed while routing: it does not say why"));
        assert_eq!(
            words(77, &said("/a", "b")),
            format!("{x} answered with the unknown status 77 while routing: /a: b")
        );
    }

    #[test]
    fn an_option_that_does_not_fit_is_named_by_its_path() {
        let reports = said("/cap/degc", "too hot");
        assert_eq!(creation("plugin", CONFIG, &reports), ("cap.degc", "too hot (plugin)".to_owned()));
        assert_eq!(creation("plugin", FAILED, &reports).0, "kind");
    }
}
