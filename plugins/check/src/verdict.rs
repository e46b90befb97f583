//! How a child tells its parent what came out: one line of JSON behind a mark, among whatever the plugin itself prints.

use serde::{Deserialize, Serialize};

/// What the line of a verdict begins with.
pub(crate) const MARK: &str = "isotherm-check: ";

/// What came out of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The plugin keeps this promise, as far as the case can tell.
    Pass,
    /// It does not.
    Fail,
    /// The case does not apply to this plugin or this system.
    Skip,
}

/// Outcome, why, and what is compared between processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) digest: Option<String>,
}

impl Verdict {
    pub(crate) fn fail(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, reason: reason.into(), digest: None }
    }

    pub(crate) fn skip(reason: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skip, reason: reason.into(), digest: None }
    }

    /// The line for the parent. It begins with a line break, for what the plugin has printed may not have ended with one.
    pub(crate) fn line(&self) -> String {
        // Text and options of text: nothing in it can fail to become JSON.
        format!("\n{MARK}{}\n", serde_json::to_string(self).unwrap_or_default())
    }

    /// The last verdict among the lines of an output.
    pub(crate) fn last_in(output: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(output);
        text.lines().rev().find_map(|line| serde_json::from_str(line.strip_prefix(MARK)?).ok())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_verdict_is_found_again(noise in any::<String>(), reason in any::<String>(), digest in any::<Option<String>>()) {
            let verdict = Verdict { outcome: Outcome::Skip, reason, digest };
            let output = format!("{noise}{}", verdict.line());
            prop_assert_eq!(Verdict::last_in(output.as_bytes()), Some(verdict));
        }

        #[test]
        fn no_output_makes_it_panic(bytes in any::<Vec<u8>>(), rest in "[ -~]{0,40}") {
            let _ = Verdict::last_in(&[&bytes[..], MARK.as_bytes(), rest.as_bytes()].concat());
        }
    }
}
