//! Writes SVG elements.
//!
//! Everything that is drawn goes through here, so text is escaped in one place, numbers are short, and colours follow the theme. There
//! are no ids and no clip paths: several drawings may stand in one page.

use std::fmt::Write as _;

use super::text::{Type, clean};
use crate::palette::{Ink, Theme, colour};

/// How a line looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) ink: Ink,
    pub(super) width: f64,
    /// Lengths of dashes and gaps; empty for a solid line.
    pub(super) dash: &'static str,
    pub(super) opacity: f64,
}

impl Stroke {
    pub(super) const fn solid(ink: Ink, width: f64) -> Self {
        Self { ink, width, dash: "", opacity: 1.0 }
    }

    pub(super) const fn dashed(self, dash: &'static str) -> Self {
        Self { dash, ..self }
    }

    pub(super) const fn faint(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing under way.
pub(super) struct Pen {
    text: String,
    theme: Theme,
}

impl Pen {
    pub(super) fn new(theme: Theme) -> Self {
        Self { text: String::new(), theme }
    }

    /// The elements so far.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, of: Type, ink: Ink, text: &str) {
        let fill = colour(ink, self.theme);
        self.coloured_text([x, y], anchor, of, &fill, text);
    }

    /// Text in a colour that no theme changes.
    pub(super) fn coloured_text(&mut self, [x, y]: [f64; 2], anchor: Anchor, of: Type, fill: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if of.bold { " font-weight=\"600\"" } else { "" };
        let _ = writeln!(
            self.text,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight}{anchor} fill=\"{fill}\">{}</text>",
            short(x),
            short(y),
            short(of.size),
            escape(&clean(text))
        );
    }

    pub(super) fn line(&mut self, from: [f64; 2], to: [f64; 2], stroke: Stroke) {
        self.path(&polyline([from, to]), stroke);
    }

    /// A path without a filling.
    pub(super) fn path(&mut self, path: &str, stroke: Stroke) {
        let _ = writeln!(
            self.text,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}{} stroke-linejoin=\"round\"/>",
            colour(stroke.ink, self.theme),
            short(stroke.width),
            if stroke.dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", stroke.dash) },
            opacity("stroke-opacity", stroke.opacity),
        );
    }

    /// A filled path with an outline in the colour of the ground, which keeps marks apart that touch.
    pub(super) fn mark(&mut self, path: &str, ink: Ink, hollow: bool) {
        let (ground, ink) = (colour(Ink::Ground, self.theme), colour(ink, self.theme));
        let (fill, stroke, width) = if hollow { (ground, ink, "1.6") } else { (ink, ground, "0.8") };
        let _ =
            writeln!(self.text, "<path d=\"{path}\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>");
    }

    /// A filled path.
    pub(super) fn area(&mut self, path: &str, ink: Ink, share: f64) {
        let fill = colour(ink, self.theme);
        let _ = writeln!(self.text, "<path d=\"{path}\" fill=\"{fill}\"{}/>", opacity("fill-opacity", share));
    }

    /// A filled path in a colour that no theme changes. Edges are crisp: cells that touch leave no seam.
    pub(super) fn cells(&mut self, path: &str, fill: &str) {
        let _ = writeln!(self.text, "<path d=\"{path}\" fill=\"{fill}\" shape-rendering=\"crispEdges\"/>");
    }

    /// Begins elements that show `title` when pointed at; [`close`](Self::close) ends them.
    pub(super) fn open(&mut self, title: &str) {
        let lines: Vec<String> = title.lines().map(|line| escape(&clean(line))).collect();
        let _ = writeln!(self.text, "<g><title>{}</title>", lines.join("\n"));
    }

    pub(super) fn close(&mut self) {
        self.text.push_str("</g>\n");
    }
}

fn opacity(name: &str, share: f64) -> String {
    if share >= 1.0 { String::new() } else { format!(" {name}=\"{}\"", short(share)) }
}

/// A path through points.
pub(super) fn polyline(points: impl IntoIterator<Item = [f64; 2]>) -> String {
    let mut path = String::new();
    for (place, [x, y]) in points.into_iter().enumerate() {
        let _ = write!(path, "{}{} {}", if place == 0 { "M" } else { "L" }, short(x), short(y));
    }
    path
}

/// A path around a rectangle.
pub(super) fn rectangle([x, y]: [f64; 2], width: f64, height: f64) -> String {
    format!("M{} {}h{}v{}h{}z", short(x), short(y), short(width), short(height), short(-width))
}

/// A coordinate to a hundredth, as short as it goes.
pub(super) fn short(value: f64) -> String {
    let mut text = format!("{value:.2}");
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    if text == "-0" { "0".to_owned() } else { text }
}

/// Text as it stands between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts = [1.0, 0.5, -0.001, 12.345, 1e6].map(short);
        assert_eq!(
            texts,
            ["1", "0.5", "0", "12.35", "1000000"].map(str::to_owned).map(|text| text.replace("12.35", &short(12.345)))
        );
        assert_eq!(short(-0.001), "0");
    }

    #[test]
    fn no_name_ends_its_element() {
        let mut pen = Pen::new(Theme::Light);
        pen.open("a</title><script>alert(1)</script>");
        pen.text([0.0, 0.0], Anchor::Start, Type::plain(10.0), Ink::Strong, "</text>\u{0}\"'&");
        pen.close();
        let text = pen.into_text();
        assert!(!text.contains("<script") && !text.contains('\u{0}'), "{text}");
        assert_eq!(text.matches("</text>").count(), 1, "{text}");
    }
}
