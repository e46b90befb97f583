//! Figures as pictures: SVG, and PNG made of that same SVG.
//!
//! Sizes are in units of which 400 are 85 mm, the width of a column in print: text of 12 units is 7.2 points there. Nothing depends on the
//! machine: widths of text and the PNG's letters come from a bundled font.
//!
//! Why not a plotting library: kuva and plotters draw with fixed colours and their own layouts; a page that changes its theme needs CSS
//! variables, tooltips need `<title>` on single marks, and notes and legends must have room before the plot gets its. What is left of a library
//! after that is its axis arithmetic, some sixty lines here.

mod heat;
mod layout;
mod legend;
mod marks;
mod panel;
mod pen;
mod png;
mod span;
mod text;
mod ticks;

pub use png::{PngError, boxes, png, png_at};
pub(crate) use ticks::number;

use crate::figure::Figure;
use crate::palette::{Ink, Theme, colour};

/// Width of one column in print, and of two with the space between, in units.
pub const ONE_COLUMN: f64 = 400.0;
/// See [`ONE_COLUMN`].
pub const TWO_COLUMNS: f64 = 838.0;
/// Millimetres of a unit.
const MILLIMETRES: f64 = 85.0 / ONE_COLUMN;

/// How a figure is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Style {
    /// Which colours.
    pub theme: Theme,
    /// Width in units (pixels of CSS on a page); one or two columns as the figure needs it if `None`.
    pub width: Option<f64>,
}

/// The figure as an SVG document; for [`Theme::Css`] as an element to stand in a page, without a ground of its own and with the width of what
/// it stands in.
///
/// Marks have a `<title>` with their exact values. There are no ids, styles or scripts.
///
/// ```
/// use isotherm_report::draw::{Style, svg};
/// use isotherm_report::figure::{Axis, Figure, Kind, Panel, Point, Series};
/// use isotherm_report::palette::Ink;
/// let series = Series { name: "<b>".into(), ink: Ink::Strong, kind: Kind::Marks, points: vec![Point::at(1.0, 2.5)] };
/// let panel = Panel { x: Axis::linear("time (s)"), y: Axis::linear("power (W)"), series: vec![series], ..Panel::default() };
/// let figure = Figure { name: "power", title: "Who draws what?".into(), panels: vec![panel], ..Figure::default() };
/// let picture = svg(&figure, &Style::default());
/// assert!(picture.starts_with("<svg") && picture.contains("&lt;b&gt;") && !picture.contains("<b>"));
/// ```
#[must_use]
pub fn svg(figure: &Figure, style: &Style) -> String {
    let width = style.width.unwrap_or_else(|| layout::own_width(figure)).clamp(200.0, 4000.0);
    let (height, elements) = layout::draw(figure, style.theme, width);
    let size = if style.theme == Theme::Css {
        String::new()
    } else {
        format!(" width=\"{}mm\" height=\"{}mm\"", pen::short(width * MILLIMETRES), pen::short(height * MILLIMETRES))
    };
    let ground = if style.theme == Theme::Css {
        String::new()
    } else {
        format!("<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n", colour(Ink::Ground, style.theme))
    };
    let label = pen::escape(&text::clean(&format!("{} {}", figure.title, figure.subtitle)));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\"{size} role=\"img\" aria-label=\"{label}\" \
         font-family=\"Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif\">\n{ground}{elements}</svg>\n",
        pen::short(width),
        pen::short(height)
    )
}
