//! The figures of the page that do not move: those that are not over time, with tooltips on their marks.

use crate::draw::{Style, svg};
use crate::figure;
use crate::palette::Theme;
use crate::results::Results;

/// Over time the page has plots of its own.
const NAMES: [&str; 7] =
    ["pareto", "sweep", "drift-recovery", "latency", "energy-vs-imbalance", "temperature-vs-usage", "cold-vs-hot"];
/// Width in pixels at which letters have the size of the text around them.
const WIDTH: f64 = 620.0;
/// Larger drawings, of sweeps with thousands of points, are for `isotherm plot`.
const MOST_BYTES: usize = 150_000;

/// A drawing with the question it answers.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) title: String,
    pub(super) svg: String,
}

/// What applies to this folder, in the order of [`NAMES`], and what is too large to be shown.
pub(super) fn figures(results: &Results) -> (Vec<Drawn>, Vec<&'static str>) {
    let style = Style { theme: Theme::Css, width: Some(WIDTH) };
    let (mut drawn, mut too_large) = (Vec::new(), Vec::new());
    for name in NAMES {
        // A figure that does not apply has nothing to say here; `isotherm plot` tells why.
        let Ok(figure) = figure::build(name, results) else { continue };
        let svg = svg(&figure, &style);
        if svg.len() > MOST_BYTES {
            too_large.push(name);
        } else {
            drawn.push(Drawn { title: figure.title, svg });
        }
    }
    (drawn, too_large)
}
