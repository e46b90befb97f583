//! What the place can show that a table is printed to.

use crate::name::{harmless, narrowed};

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

/// Most letters of a name that are shown, however much room there is.
const NAME: usize = 60;

/// A name that somebody gave, as one that moves no cursor, breaks no line and fills no screen.
pub(super) fn brief(name: &str) -> String {
    narrowed(&harmless(name), NAME)
}
