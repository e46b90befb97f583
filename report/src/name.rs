//! Names and sentences that others have given, as the table, the page and the figures show them: of any length, in any script, with
//! whatever is in them. Data for other programs, and tooltips, have them as they are.

use unicode_segmentation::UnicodeSegmentation as _;

/// Stands for a character that is not shown.
const UNSHOWN: char = '\u{fffd}';

/// A text that moves no cursor, breaks no line and turns no direction: white space of any kind is a space, and what controls something, or
/// the direction of what follows, is `\u{fffd}`, so that nobody takes two names for one.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(letter: char) -> char {
    match letter {
        letter if letter.is_whitespace() => ' ',
        letter if letter.is_control() => UNSHOWN,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => UNSHOWN,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => UNSHOWN,
        letter => letter,
    }
}

/// The same, at most so many letters of it: a long one ends in an ellipsis.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut letters = text.graphemes(true);
    let mut short: Vec<&str> = letters.by_ref().take(most).collect();
    if letters.next().is_none() {
        return harmless(text);
    }
    short.pop();
    harmless(&short.concat()) + "…"
}

/// The same with the ellipsis between beginning and end: names that differ often do so at the end.
pub(crate) fn narrowed(text: &str, most: usize) -> String {
    let letters: Vec<&str> = text.graphemes(true).collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    format!("{}…{}", letters[..head].concat(), letters[letters.len() - tail..].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_does_nothing() {
        assert_eq!(harmless("ttt, eta 1"), "ttt, eta 1");
        assert_eq!(harmless("\u{1b}[2Ja\r\nb\u{202e}c\u{2028}d"), "\u{fffd}[2Ja  b\u{fffd}c d");
        assert_eq!(
            harmless("👩\u{200d}👩\u{200d}👧 موجه"),
            "👩\u{200d}👩\u{200d}👧 موجه",
            "joined letters stay joined"
        );
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(shortened(&"ä".repeat(10_000), 60), "ä".repeat(59) + "…");
        assert_eq!(shortened("👩\u{200d}👩\u{200d}👧 abc", 3), "👩\u{200d}👩\u{200d}👧 …");
        assert_eq!(shortened("four", 4), "four");
        assert_eq!(narrowed("energy-penalty at 0.25", 9), "ener…0.25");
        assert_eq!(narrowed("nine char", 9), "nine char");
    }
}
