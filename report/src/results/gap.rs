//! What a reader of a figure or page has to know about the folder it was made of.

use std::fmt;

/// Something that is missing in a results folder, or odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The file it is about: `series.parquet`.
    pub file: &'static str,
    /// One sentence for a reader, without a full stop.
    pub sentence: String,
}

impl Gap {
    pub(super) fn new(file: &'static str, sentence: impl Into<String>) -> Self {
        Self { file, sentence: sentence.into() }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.sentence)
    }
}
