//! PNG: the SVG of a figure, painted with the bundled font.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::{Style, svg, text};
use crate::figure::Figure;
use crate::palette::Theme;

/// Pixels of a unit: 358 an inch at 85 mm.
const SCALE: f32 = 3.0;

/// Why there is no picture. It should not happen: what is painted is what [`svg`] wrote.
#[derive(Debug, thiserror::Error)]
#[error("figure {name}: {reason}")]
pub struct PngError {
    /// The figure.
    pub name: &'static str,
    /// What went wrong.
    pub reason: String,
}

/// The figure as a PNG, 3 pixels a unit: the same bytes on every machine. A letter that the bundled font lacks (it has Latin, Greek and
/// Cyrillic) is a box; [`boxes`] says which. [`Theme::Css`] is painted light.
///
/// # Errors
/// [`PngError`] where the picture cannot be painted.
pub fn png(figure: &Figure, style: &Style) -> Result<Vec<u8>, PngError> {
    png_at(figure, style, SCALE)
}

/// The letters of a figure that its PNG draws as boxes, each once, as the bundled font lacks them; the SVG has them.
///
/// ```
/// use isotherm_report::draw::{Style, boxes};
/// use isotherm_report::figure::Figure;
/// let figure = Figure { title: "Wärme 熱, ist das viel?".into(), ..Figure::default() };
/// assert_eq!(boxes(&figure, &Style::default()), ['熱']);
/// ```
#[must_use]
pub fn boxes(figure: &Figure, style: &Style) -> Vec<char> {
    let drawing = svg(figure, style);
    // The pen writes a line for every text; tooltips are not painted.
    let painted = drawing.lines().filter(|line| line.starts_with("<text"));
    let letters: BTreeSet<char> = painted.flat_map(str::chars).filter(|letter| !text::is_known(*letter)).collect();
    letters.into_iter().collect()
}

/// The same with `scale` pixels a unit.
///
/// # Errors
/// [`PngError`] where the picture cannot be painted.
pub fn png_at(figure: &Figure, style: &Style, scale: f32) -> Result<Vec<u8>, PngError> {
    let fail = |reason: String| PngError { name: figure.name, reason };
    let theme = if style.theme == Theme::Css { Theme::Light } else { style.theme };
    let drawing = svg(figure, &Style { theme, ..*style });
    let options = Options { fontdb: fonts(), font_family: "Inter".to_owned(), ..Options::default() };
    let tree = Tree::from_str(&drawing, &options).map_err(|error| fail(error.to_string()))?;
    let unit = scale * (super::ONE_COLUMN / 85.0) as f32 * 25.4 / options.dpi;
    // Rounded once, in pixels: 400 units are 1,200 of them.
    let [width, height] = [tree.size().width(), tree.size().height()].map(|length| (length * unit).round() as u32);
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| fail("it has no size, or is too large".to_owned()))?;
    resvg::render(&tree, Transform::from_scale(unit, unit), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| fail(error.to_string()))
}

/// The bundled font and no other.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(text::REGULAR.to_vec());
        fonts.load_font_data(text::SEMI_BOLD.to_vec());
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}
