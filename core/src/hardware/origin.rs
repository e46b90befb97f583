//! Where a number of a profile comes from, and how far it can be trusted.

use serde::{Deserialize, Serialize};

/// The origin of one number, or of a group of numbers, of a device profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// How it was found.
    pub basis: Basis,
    /// Half width of its 95 % interval, in the unit of the number, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus_minus: Option<f64>,
    /// Source or reason in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How a number was found, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Read off the device.
    Measured,
    /// Fitted to recordings of the device.
    Fitted,
    /// From a data sheet or a paper.
    Published,
    /// Computed from other numbers, or carried over from a device of the same kind.
    Derived,
    /// Somebody's judgement.
    Guessed,
}
