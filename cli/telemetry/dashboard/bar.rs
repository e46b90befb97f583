//! A value against its limits, in one line.

use ratatui::style::Style;
use ratatui::text::Span;

use super::palette::Palette;

/// A bar of `width` cells over a scale from 0 to 1, filled up to `share`, with a tick at every mark. Half cells are used.
pub(super) fn bar(width: usize, share: f64, marks: &[f64], style: Style, palette: Palette) -> Vec<Span<'static>> {
    let place = |share: f64| (share.clamp(0.0, 1.0) * width as f64 * 2.0).round() as usize;
    let filled = place(share);
    let ticks: Vec<usize> = marks.iter().map(|mark| (place(*mark) / 2).min(width.saturating_sub(1))).collect();
    let cell = |at: usize| match (ticks.contains(&at), filled) {
        (true, filled) if filled <= 2 * at => ('┃', palette.warm()),
        (_, filled) if filled >= 2 * at + 2 => ('━', style),
        (_, filled) if filled == 2 * at + 1 => ('╸', style),
        _ => ('─', palette.quiet()),
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (symbol, style) in (0..width).map(cell) {
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(symbol),
            _ => spans.push(Span::styled(symbol.to_string(), style)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(width: usize, share: f64, marks: &[f64]) -> String {
        let palette = Palette::new(false);
        bar(width, share, marks, Style::new(), palette).iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn bars_are_as_long_as_they_should_be() {
        assert_eq!(text(10, 0.0, &[]), "──────────");
        assert_eq!(text(10, 0.5, &[0.8]), "━━━━━───┃─");
        assert_eq!(text(10, 0.55, &[]), "━━━━━╸────");
        assert_eq!(text(10, 9.0, &[1.0]), "━━━━━━━━━━", "what is over the limit fills the bar");
        assert_eq!(text(0, 0.5, &[0.5]), "");
        assert_eq!(text(4, f64::NAN, &[]), "────");
    }
}
