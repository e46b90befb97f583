//! Faults of data files that plugins read: one sentence with the place, what was found and what was expected.

use thiserror::Error;

/// A data file cannot be used. Fatal to the scenario that names it, found before any run starts.
///
/// ```
/// use isotherm_core::input::InputError;
/// let fault = InputError::new("trace.csv", "timestamps must not go back", "sort the file by its first column").at_line(7);
/// assert_eq!(fault.to_string(), "trace.csv:7: timestamps must not go back; sort the file by its first column");
/// ```
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{file}{}: {found}; {expected}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct InputError {
    /// The file as the scenario names it.
    pub file: String,
    /// Line in the file, from 1, where one is known.
    pub line: Option<u64>,
    /// What is wrong.
    pub found: String,
    /// What was expected, with an example or a remedy.
    pub expected: String,
}

impl InputError {
    /// A fault of a whole file.
    #[must_use]
    pub fn new(file: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, found: found.into(), expected: expected.into() }
    }

    /// The same fault at a line, counted from 1.
    #[must_use]
    pub fn at_line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }
}
