//! Words of a text file with their places, and errors that point there.

use thiserror::Error;

/// What is wrong with a file, where, and what was expected. Nothing was built from the file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {what}; expected {expected}, for example `{example}`")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found.
    pub what: String,
    /// What belongs there.
    pub expected: String,
    /// A line that would be right.
    pub example: String,
}

/// A word of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Word<'_> {
    pub(crate) fn error(&self, what: String, expected: &str, example: &str) -> ParseError {
        ParseError {
            line: self.line,
            column: self.column,
            what,
            expected: expected.to_owned(),
            example: example.to_owned(),
        }
    }

    /// A finite number.
    pub(crate) fn number(&self, expected: &str, example: &str) -> Result<f64, ParseError> {
        match self.text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.error(format!("`{}` is not a number", self.text), expected, example)),
        }
    }
}

/// Lines that say something, as words between white space; from `#` on a line is a comment.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Vec<Word<'_>>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line_text = line.split('#').next().unwrap_or("");
        let mut words = Vec::new();
        let mut start = None;
        for (at, c) in line_text.char_indices().chain([(line_text.len(), ' ')]) {
            match (start, c.is_whitespace()) {
                (None, false) => start = Some(at),
                (Some(from), true) => {
                    let column = line_text[..from].chars().count() + 1;
                    words.push(Word { text: &line_text[from..at], line: index + 1, column });
                    start = None;
                }
                _ => {}
            }
        }
        (!words.is_empty()).then_some(words)
    })
}

/// The end of a text, for what is missing altogether.
pub(crate) fn end_of(text: &str) -> Word<'static> {
    Word { text: "", line: text.lines().count().max(1), column: 1 }
}
