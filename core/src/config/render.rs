//! Faults as text for people, in the form that rustc has taught them to read.

use std::fmt::Write as _;
use std::ops::Range;

use super::fault::{Fault, Faults};
use super::origin::{Origin, SourceId, SourceMap, floor_char};

/// Longer lines are shown in part, around the fault.
const MAX_WIDTH: usize = 160;

impl Fault {
    /// The fault with the line it is in, without colour and without a newline at the end.
    ///
    /// Text from the user is shown with its control characters escaped, so that no scenario can
    /// write to the terminal.
    ///
    /// ```
    /// use isotherm_core::config::{Fault, FaultKind, Origin, SourceMap};
    /// let mut sources = SourceMap::new();
    /// let source = sources.add("x.toml", "lamda = 0.1\n");
    /// let fault = Fault::new(FaultKind::UnknownKey, "lamda", "unknown key `lamda`")
    ///     .origin(Origin::File { source, span: 0..5 })
    ///     .expected("one of `lambda`, `scale`")
    ///     .hint("did you mean `lambda`?");
    /// assert_eq!(
    ///     fault.render(&sources),
    ///     "\
    /// error: unknown key `lamda`
    ///  --> x.toml:1:1
    ///   |
    /// 1 | lamda = 0.1
    ///   | ^^^^^ expected one of `lambda`, `scale`
    ///   |
    ///   = help: did you mean `lambda`?"
    /// );
    /// ```
    #[must_use]
    pub fn render(&self, sources: &SourceMap) -> String {
        let mut out = format!("error: {}", plain(&self.message));
        let label = self.expected.as_ref().map(|e| format!("expected {}", plain(e)));
        let mut margin = 1;
        let mut notes = Vec::new();
        match &self.origin {
            // An empty span at the start is the file as a whole: no line of it is to blame.
            Some(Origin::File { source, span }) if *span == (0..0) => {
                let _ = write!(out, "\n --> {}:1:1", plain(sources.name(*source)));
                notes.extend(label);
            }
            Some(Origin::File { source, span }) => {
                margin = snippet(&mut out, sources, *source, span, label.as_deref());
            }
            Some(Origin::CommandLine { text }) => {
                let flag = if text.starts_with("--") { "" } else { "--set " };
                let _ = write!(out, "\n --> {flag}{}", plain(text));
                notes.extend(label);
            }
            Some(Origin::Sweep { axis }) => {
                let _ = write!(out, "\n --> sweep axis `{}`", plain(axis));
                notes.extend(label);
            }
            Some(Origin::Default) | None => {
                if !self.pointer.is_empty() {
                    let _ = write!(out, "\n --> `{}`", plain(&self.pointer));
                }
                notes.extend(label);
            }
        }
        notes.extend(self.hint.as_ref().map(|hint| format!("help: {}", plain(hint))));
        notes.extend(self.example.as_ref().map(|text| {
            // Further lines of an example stand under its first.
            let lines: Vec<String> = text.lines().map(plain).collect();
            format!("example: {}", lines.join(&format!("\n{:margin$}            ", "")))
        }));
        let below_snippet = matches!(&self.origin, Some(Origin::File { span, .. }) if *span != (0..0));
        if below_snippet && !notes.is_empty() {
            let _ = write!(out, "\n{:margin$} |", "");
        }
        for note in notes {
            let _ = write!(out, "\n{:margin$} = {note}", "");
        }
        out
    }
}

impl Faults {
    /// All faults in the order of their places, with an empty line between two; empty when there are none.
    #[must_use]
    pub fn render(&self, sources: &SourceMap) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        let texts: Vec<String> = sorted.iter().map(|fault| fault.render(sources)).collect();
        texts.join("\n\n")
    }
}

/// Writes place, line and underline; returns the width of the margin with the line number.
fn snippet(out: &mut String, sources: &SourceMap, source: SourceId, span: &Range<usize>, label: Option<&str>) -> usize {
    let at = sources.position(source, span.start);
    let number = at.line.to_string();
    let margin = number.len();
    let (line, start) = sources.line(source, span.start);
    let from = floor_char(line, span.start.saturating_sub(start));
    let to = floor_char(line, span.end.saturating_sub(start)).max(from);
    let (line, from, marked) = window(line, from, to);

    // Tabs stay tabs under the line, so that the carets stand where the terminal puts the text.
    let indent: String = line.chars().take(from).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let carets = "^".repeat(marked.max(1));
    let name = plain(sources.name(source));
    let _ = write!(out, "\n{:margin$}--> {name}:{}:{}", "", at.line, at.column);
    let _ = write!(out, "\n{:margin$} |\n{number} | {line}", "");
    let _ = write!(out, "\n{:margin$} | {indent}{carets}", "");
    if let Some(label) = label {
        let _ = write!(out, " {label}");
    }
    margin
}

/// The part of a line to show, the mark's start in it and the mark's width, both in characters.
fn window(line: &str, from: usize, to: usize) -> (String, usize, usize) {
    let visible = |text: &str| -> Vec<char> {
        let shown = text.chars().filter(|c| *c != '\u{feff}');
        shown.map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
    };
    let chars = visible(line);
    let from = visible(&line[..from]).len();
    let marked = visible(&line[..to]).len() - from;
    if chars.len() <= MAX_WIDTH {
        return (chars.into_iter().collect(), from, marked);
    }
    let start = from.saturating_sub(MAX_WIDTH / 2);
    let end = (start + MAX_WIDTH).min(chars.len());
    let (head, tail) = (if start > 0 { "..." } else { "" }, if end < chars.len() { "..." } else { "" });
    let shown: String = chars[start..end].iter().collect();
    (format!("{head}{shown}{tail}"), from - start + head.len(), marked.min(end - from))
}

/// One line of text without control characters.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fault::FaultKind;
    use super::*;

    fn render(text: &str, span: Range<usize>) -> String {
        let mut sources = SourceMap::new();
        let source = sources.add("x.toml", text);
        let fault = Fault::new(FaultKind::Invalid, "a", "bad\u{1b}[31m");
        fault.origin(Origin::File { source, span }).render(&sources)
    }

    #[test]
    fn carets_stand_under_the_text_after_tabs_and_wide_characters() {
        let text = "\té = 'x'\r\nb = 2\n";
        let at = text.find('\'').unwrap();
        let shown = render(text, at..at + 3);
        assert!(shown.contains("x.toml:1:6\n"), "{shown}");
        assert!(shown.contains("1 | \té = 'x'\n  | \t    ^^^"), "{shown}");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let shown = render("a = \u{1b}[31m", 4..5);
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn long_lines_are_cut_around_the_fault() {
        let text = format!("{}bad{}", "x".repeat(10_000), "y".repeat(10_000));
        let shown = render(&text, 10_000..10_003);
        assert!(shown.len() < 600 && shown.contains("bad") && shown.contains(":1:10001"), "{shown}");
    }

    #[test]
    fn a_span_over_several_lines_marks_the_first() {
        let shown = render("a = [\n1,\n]\n", 4..10);
        assert!(shown.contains("1 | a = [\n  |     ^"), "{shown}");
    }

    #[test]
    fn spans_outside_of_the_text_are_clamped() {
        for (start, end) in [(5, 9), (100, 200), (0, 1), (2, 1)] {
            assert!(render("ab\n", start..end).starts_with("error:"));
        }
    }
}
