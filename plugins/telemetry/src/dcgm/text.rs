//! One line of the Prometheus text format 0.0.4.
//!
//! Own code, because the crate there is (prometheus-parse 0.2.5) splits labels at every comma and equals sign: a model or pod name with one of them in it
//! is lost with its label, and a `}` in a label ends the row.

use std::borrow::Cow;

/// One sample: a metric's name, its labels and the text of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    labels: Vec<(&'a str, Cow<'a, str>)>,
    pub(super) value: &'a str,
    /// When the sample was taken (ms, Unix time), where the page says so.
    pub(super) millis: Option<i64>,
}

impl Row<'_> {
    /// The value of a label; an empty one counts as absent, as in Prometheus.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let (_, value) = self.labels.iter().find(|(label, _)| *label == name)?;
        (!value.is_empty()).then_some(value)
    }
}

/// Reads a line that is neither empty nor a comment; `None` if it is no sample.
pub(super) fn row(line: &str) -> Option<Row<'_>> {
    let mut rest = line.trim_matches([' ', '\t', '\r']);
    let name = word(&mut rest, ":")?;
    skip_blanks(&mut rest);
    let labels = if eat(&mut rest, '{') { labels(&mut rest)? } else { Vec::new() };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?;
    let millis = words.next().and_then(|stamp| stamp.parse().ok());
    words.next().is_none().then_some(Row { name, labels, value, millis })
}

/// Labels up to and including the closing brace.
fn labels<'a>(rest: &mut &'a str) -> Option<Vec<(&'a str, Cow<'a, str>)>> {
    let mut labels = Vec::new();
    loop {
        skip_blanks(rest);
        if eat(rest, '}') {
            return Some(labels);
        }
        let name = word(rest, "")?;
        skip_blanks(rest);
        (eat(rest, '=')).then_some(())?;
        skip_blanks(rest);
        labels.push((name, quoted(rest)?));
        skip_blanks(rest);
        // A comma after the last label is allowed.
        (eat(rest, ',') || rest.starts_with('}')).then_some(())?;
    }
}

/// A quoted text, in which `\\`, `\"` and `\n` are escapes.
fn quoted<'a>(rest: &mut &'a str) -> Option<Cow<'a, str>> {
    eat(rest, '"').then_some(())?;
    let text = *rest;
    let plain = text.find(['"', '\\'])?;
    if text[plain..].starts_with('"') {
        *rest = &text[plain + 1..];
        return Some(Cow::Borrowed(&text[..plain]));
    }
    let mut owned = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                *rest = &text[place + 1..];
                return Some(Cow::Owned(owned));
            }
            '\\' => match characters.next()?.1 {
                'n' => owned.push('\n'),
                // Others than `\\` and `\"` are not allowed; Prometheus keeps both characters.
                other @ ('\\' | '"') => owned.push(other),
                other => owned.extend(['\\', other]),
            },
            other => owned.push(other),
        }
    }
    None
}

/// A name of letters, digits, underscores and `more`, not beginning with a digit.
fn word<'a>(rest: &mut &'a str, more: &str) -> Option<&'a str> {
    let fits = |character: char| character.is_ascii_alphanumeric() || character == '_' || more.contains(character);
    let (word, after) = rest.split_at(rest.find(|character| !fits(character)).unwrap_or(rest.len()));
    *rest = after;
    (!word.is_empty() && !word.starts_with(|character: char| character.is_ascii_digit())).then_some(word)
}

fn skip_blanks(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t']);
}

fn eat(rest: &mut &str, character: char) -> bool {
    let after = rest.strip_prefix(character);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_the_format_allows_is_read() {
        let row =
            row("  a:b_1 { x = \"1\" ,\ty=\"a,b=}{ \\\"c\\\" \\\\ \\n d\", empty=\"\",} \t -3.5e1  1700000000000\r")
                .unwrap();
        assert_eq!((row.name, row.value, row.millis), ("a:b_1", "-3.5e1", Some(1_700_000_000_000)));
        assert_eq!(row.label("x"), Some("1"));
        assert_eq!(row.label("y"), Some("a,b=}{ \"c\" \\ \n d"));
        assert_eq!(row.label("empty"), None);
        assert_eq!(super::row("up 1").unwrap(), Row { name: "up", labels: vec![], value: "1", millis: None });
        assert_eq!(super::row("up{} NaN").unwrap().value, "NaN");
    }

    #[test]
    fn every_cut_of_a_row_is_no_row_or_has_no_value_of_its_own() {
        let whole = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",modelName=\"a\\\"b\"} 45";
        assert!(row(whole).is_some());
        let value = whole.rfind(' ').unwrap();
        for cut in 0..=value {
            assert_eq!(row(&whole[..cut]), None, "{}", &whole[..cut]);
        }
    }

    #[test]
    fn other_text_is_no_row() {
        for line in [
            "<!DOCTYPE html>",
            "{\"a\": 1}",
            "9a 1",
            "a",
            "a{",
            "a{b} 1",
            "a{b=1} 1",
            "a{b=\"1\" c=\"2\"} 1",
            "a 1 2 3",
            "é 1",
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(line in "\\PC*") {
            let _ = row(&line);
        }

        #[test]
        fn nearly_right_text_is_no_panic(line in "[a{}\",= \\\\n1é]{0,24}") {
            let _ = row(&line);
        }
    }
}
