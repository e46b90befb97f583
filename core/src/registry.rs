//! What a plugin crate offers, as a list one can read.

/// One `kind = "..."` of a scenario.
///
/// A plugin crate keeps its kinds in a constant list beside the code; a test holds the list and the linked
/// implementations together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name a scenario uses.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The smallest table that works, as TOML.
    pub example: &'static str,
}
