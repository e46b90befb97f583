//! What the place can show that a table is printed to.

/// How a table is drawn for a terminal, a pipe or a file.
///
/// ```
/// use isotherm_report::table::Look;
/// assert_eq!(Look::default(), Look { bold: false, ascii: false, width: None });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether the best of a column is bold, by ANSI escapes: only for a terminal.
    pub bold: bool,
    /// Whether lines and spark lines are drawn with ASCII characters, where others would come out as question marks.
    pub ascii: bool,
    /// Columns of characters that fit; columns of the table that do not fit are left out, the least important first, and named.
    pub width: Option<u16>,
}

impl Look {
    /// Text that isotherm has written itself, with the characters that can be shown.
    pub(super) fn drawn(self, text: &str) -> String {
        if self.ascii { text.replace('±', "+-").replace('…', "...") } else { text.to_owned() }
    }
}

/// Most characters of a name that are shown.
const NAME: usize = 60;

/// A name that somebody gave, as one that moves no cursor, breaks no line and fills no screen.
pub(super) fn harmless(name: &str) -> String {
    let unseen = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown: String = name.chars().take(NAME).map(|c| if unseen(c) { '\u{fffd}' } else { c }).collect();
    if name.chars().nth(NAME).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_nothing_to_a_terminal() {
        assert_eq!(harmless("ttt, eta 1"), "ttt, eta 1");
        assert_eq!(harmless("\u{1b}[2Ja\r\nb\u{202e}c"), "\u{fffd}[2Ja\u{fffd}\u{fffd}b\u{fffd}c");
        assert_eq!(harmless(&"ä".repeat(10_000)), "ä".repeat(60) + "…");
    }
}
