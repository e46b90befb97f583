//! Text in pictures: how wide it is, what of it fits, and what of a stranger's name may stand in one.
//!
//! Widths are those of the bundled font. A viewer without it takes another sans-serif; layouts leave room for that.

use std::sync::OnceLock;

use ttf_parser::Face;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::name::harmless;

/// The bundled font, in the two weights that figures use.
pub(super) const REGULAR: &[u8] = include_bytes!("../../fonts/Inter-Regular.otf");
pub(super) const SEMI_BOLD: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.otf");

/// A size and a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) bold: bool,
}

impl Type {
    pub(super) const fn plain(size: f64) -> Self {
        Self { size, bold: false }
    }

    pub(super) const fn bold(size: f64) -> Self {
        Self { size, bold: true }
    }

    /// From one line to the next.
    pub(super) fn leading(self) -> f64 {
        (self.size * 1.28).round()
    }
}

/// Width of a text in the unit of its size.
pub(super) fn width(text: &str, of: Type) -> f64 {
    let face = face(of.bold);
    text.chars().map(|letter| advance(face, letter)).sum::<f64>() * of.size
}

/// The bundled font in one of its weights.
fn face(bold: bool) -> Option<&'static Face<'static>> {
    static FACES: OnceLock<[Option<Face<'static>>; 2]> = OnceLock::new();
    let faces = FACES.get_or_init(|| [REGULAR, SEMI_BOLD].map(|bytes| Face::parse(bytes, 0).ok()));
    faces[usize::from(bold)].as_ref()
}

/// Whether the bundled font has a letter.
pub(super) fn is_known(letter: char) -> bool {
    face(false).is_some_and(|face| face.glyph_index(letter).is_some())
}

/// Advance of a letter in ems; what the font lacks is taken for as wide as an em, as most of it is.
fn advance(face: Option<&Face<'_>>, letter: char) -> f64 {
    let known = face.and_then(|face| {
        let glyph = face.glyph_index(letter)?;
        Some(f64::from(face.glyph_hor_advance(glyph)?) / f64::from(face.units_per_em()))
    });
    known.unwrap_or(1.0)
}

/// A name as it may stand in a picture: harmless, and without spaces that nobody sees.
pub(super) fn clean(name: &str) -> String {
    harmless(name).split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text if it is no wider than `room`, else its beginning and its end with an ellipsis between: names that differ often do so at the
/// end.
pub(super) fn fit(text: &str, of: Type, room: f64) -> String {
    let text = clean(text);
    // Nothing that fits has more letters than this, whatever they are.
    let few = text.chars().take(4000).count() < 4000;
    if few && width(&text, of) <= room {
        return text;
    }
    let letters: Vec<&str> = text.graphemes(true).collect();
    let room = room - width("…", of);
    let (mut head, mut tail, mut used) = (0, 0, 0.0);
    while head + tail < letters.len() {
        // As much of the end as of the beginning.
        let at_end = tail < head;
        let letter = if at_end { letters[letters.len() - 1 - tail] } else { letters[head] };
        used += width(letter, of);
        if used > room {
            break;
        }
        if at_end { tail += 1 } else { head += 1 }
    }
    format!("{}…{}", letters[..head].concat().trim_end(), letters[letters.len() - tail..].concat().trim_start())
}

/// The text in lines no wider than `room`, at most `most` of them; the last one ends in an ellipsis if there was more.
pub(super) fn wrap(text: &str, of: Type, room: f64, most: usize) -> Vec<String> {
    let text = clean(text);
    let mut lines: Vec<String> = Vec::new();
    let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
    let mut line = String::new();
    while let Some(word) = words.next() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || (longer.len() < 4000 && width(&longer, of) <= room) {
            line = longer;
        } else if lines.len() + 1 < most {
            lines.push(fit(&line, of, room));
            line = word.to_owned();
        } else {
            line = longer;
            line.extend(words.by_ref().take(40).flat_map(|word| [" ", word]));
            break;
        }
    }
    if !line.is_empty() {
        lines.push(if lines.len() + 1 == most { cut(&line, of, room) } else { fit(&line, of, room) });
    }
    lines
}

/// The beginning of a text, with an ellipsis where it goes on.
fn cut(text: &str, of: Type, room: f64) -> String {
    if width(text, of) <= room {
        return text.to_owned();
    }
    let room = room - width("…", of);
    let mut used = 0.0;
    let fits = |letter: &&str| {
        used += width(letter, of);
        used <= room
    };
    let head: String = text.graphemes(true).take_while(fits).collect();
    format!("{}…", head.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Type = Type::plain(10.0);

    #[test]
    fn what_fits_stays_and_what_does_not_keeps_both_ends() {
        assert_eq!(fit("ttt, eta 4", PLAIN, 100.0), "ttt, eta 4");
        let long = fit("energy-penalty with a very long name, eta 8", PLAIN, 100.0);
        assert!(long.starts_with("energy") && long.ends_with('8') && long.contains('…'), "{long}");
        assert!(width(&long, PLAIN) <= 100.0, "{long}");
    }

    #[test]
    fn a_stranger_s_name_is_made_harmless() {
        assert_eq!(clean("a\u{202e}b\n\u{0}c\t d"), "a\u{fffd}b \u{fffd}c d");
        let emoji = "👩‍👩‍👧".repeat(100);
        let short = fit(&emoji, PLAIN, 95.0);
        assert!(!short.contains("\u{200d}…"), "no letter is cut in two: {short}");
        assert!(width(&fit(&"x".repeat(10_000), PLAIN, 80.0), PLAIN) <= 80.0);
    }

    #[test]
    fn lines_are_no_wider_than_their_room() {
        let text = "How much energy does each router save, and what does it give up for it?";
        let lines = wrap(text, PLAIN, 120.0, 9);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, PLAIN) <= 120.0), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        let two = wrap(text, PLAIN, 120.0, 2);
        assert_eq!(two.len(), 2);
        assert!(two[1].ends_with('…') && width(&two[1], PLAIN) <= 120.0, "{two:?}");
    }
}
