//! Where a value came from, and how a byte offset becomes a line and a column.

use std::ops::Range;

use serde::Serialize;

/// Names one text of a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SourceId(u32);

/// Where a value or key came from; kept through overlays and assignments, so that a fault in the resolved
/// scenario still points to what the user wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// Bytes of a text in the [`SourceMap`].
    File {
        /// Which text.
        source: SourceId,
        /// Bytes in it; on character borders when the parser made it.
        span: Range<usize>,
    },
    /// An assignment on the command line.
    CommandLine {
        /// The assignment as the user typed it, without `--set`: `router.lambda=0.2`; another flag with its name: `--telemetry nvml`.
        text: String,
    },
    /// One point of a sweep.
    Sweep {
        /// The dotted path that the axis varies.
        axis: String,
    },
    /// Nobody wrote it; the program supplied it.
    Default,
}

/// A place in a text as people count it: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters (not bytes), from 1.
    pub column: usize,
}

/// The texts that spans point into, with the names to show for them.
///
/// Core reads no files: the caller adds each text under the name it wants to see in messages.
///
/// ```
/// use isotherm_core::config::{Position, SourceMap};
/// let mut sources = SourceMap::new();
/// let id = sources.add("a.toml", "é = 1\nb = 2\n");
/// assert_eq!(sources.name(id), "a.toml");
/// assert_eq!(sources.position(id, 3), Position { line: 1, column: 3 });
/// assert_eq!(sources.position(id, 7), Position { line: 2, column: 1 });
/// ```
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<(String, String)>,
}

impl SourceMap {
    /// No texts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a text and the name to show for it.
    ///
    /// # Panics
    /// When more than `u32::MAX` texts are added.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = u32::try_from(self.sources.len()).expect("fewer than 2^32 scenario files");
        self.sources.push((name.into(), text.into()));
        SourceId(id)
    }

    /// The name of a text; empty for an id of another map.
    #[must_use]
    pub fn name(&self, id: SourceId) -> &str {
        self.sources.get(id.0 as usize).map_or("", |(name, _)| name.as_str())
    }

    /// The text itself; empty for an id of another map.
    #[must_use]
    pub fn text(&self, id: SourceId) -> &str {
        self.sources.get(id.0 as usize).map_or("", |(_, text)| text.as_str())
    }

    /// Line and column of a byte offset; an offset past the end is the end, one inside a character is its start.
    #[must_use]
    pub fn position(&self, id: SourceId, offset: usize) -> Position {
        let text = self.text(id);
        let offset = floor_char(text, offset);
        let start = line_start(text, offset);
        // A byte order mark is no column: editors do not show it.
        let column = text[start..offset].chars().filter(|c| *c != '\u{feff}').count();
        Position { line: text[..start].matches('\n').count() + 1, column: column + 1 }
    }

    /// The line that holds a byte offset, without its end, and the offset where it starts.
    pub(super) fn line(&self, id: SourceId, offset: usize) -> (&str, usize) {
        let text = self.text(id);
        let start = line_start(text, floor_char(text, offset));
        let line = text[start..].split('\n').next().unwrap_or("");
        (line.strip_suffix('\r').unwrap_or(line), start)
    }
}

/// The nearest character border at or before `offset`.
pub(super) fn floor_char(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_survive_crlf_and_bom() {
        let mut sources = SourceMap::new();
        let id = sources.add("x", "\u{feff}a = 'äö' # é\r\nb = 1\r\n");
        let at = |offset| sources.position(id, offset);
        assert_eq!(at(3), Position { line: 1, column: 1 });
        let hash = sources.text(id).find('#').unwrap();
        assert_eq!(at(hash), Position { line: 1, column: 10 });
        let b = sources.text(id).find('b').unwrap();
        assert_eq!(at(b), Position { line: 2, column: 1 });
        assert_eq!(sources.line(id, b), ("b = 1", b));
        assert_eq!(at(usize::MAX), Position { line: 3, column: 1 });
    }

    #[test]
    fn an_offset_inside_a_character_is_its_start() {
        let mut sources = SourceMap::new();
        let id = sources.add("x", "aé");
        assert_eq!(sources.position(id, 2), sources.position(id, 1));
    }
}
