//! Figures as data, before anything is drawn.
//!
//! What a picture claims can only be checked where its numbers can be read. So every figure is built as data first, from a results folder
//! alone: [`crate::draw`] makes a picture of it, [`csv()`] a table, and tests compare it with the folder.

mod assignments;
mod averages;
mod axis;
mod choice;
mod cold_hot;
mod csv;
mod diversity;
mod drift;
mod gpus;
mod imbalance;
mod latency;
mod list;
mod pareto;
mod routers;
mod sweep;
mod temperature_usage;
mod throttled;
mod usage;
mod words;

pub use axis::{Axis, Scale, prefix};
pub use csv::csv;
pub use list::{FIGURES, Listed, NoFigure, build};

use crate::palette::Ink;
use crate::results::downsample::Thinned;

/// One figure: the question it answers, and the numbers that answer it.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// Its name on the command line and in file names.
    pub name: &'static str,
    /// The question it answers.
    pub title: String,
    /// What is compared: scenario, sweep points, seeds.
    pub subtitle: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Panels beside each other, at most.
    pub columns: usize,
    /// What the marks stand for, where panels do not say it themselves.
    pub legend: Vec<Key>,
    /// What a reader has to know to read it right.
    pub notes: Vec<String>,
}

/// A plot with its axes.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// What is in it; empty where the figure has only one.
    pub title: String,
    /// The colour of its title's mark, where the panel belongs to one router.
    pub ink: Option<Ink>,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// Marks, the first ones at the back.
    pub series: Vec<Series>,
    /// Shaded stretches of the x axis.
    pub bands: Vec<Band>,
    /// Lines at a value: limits and instants.
    pub rules: Vec<Rule>,
    /// A field of coloured cells, behind everything else.
    pub heat: Option<Heat>,
}

/// Values that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// Whose they are, a router for instance.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// How they are drawn.
    pub kind: Kind,
    /// The values in the order of drawing.
    pub points: Vec<Point>,
}

/// How the values of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line through all of them.
    Line,
    /// A thin line that stands back, and a mark with its intervals at each.
    Dots,
    /// A mark with its intervals at each, and no line.
    Marks,
    /// A line through all of them and a mark at each.
    LineAndDots,
    /// A line that changes at each of them.
    Steps,
    /// A dashed line, for a bound.
    Bound,
    /// The surface between the ends of `y_range`; in a legend a stretch that is shaded.
    Ribbon,
    /// A bar from `from` to x at the place y of a named axis.
    Bars,
    /// The line of a [`Rule`], with its dash; in a legend only.
    Limit(u8),
}

/// One value with what is known about it, in the units of the axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Along the x axis.
    pub x: f64,
    /// Along the y axis.
    pub y: f64,
    /// Interval of x.
    pub x_range: Option<[f64; 2]>,
    /// Interval of y.
    pub y_range: Option<[f64; 2]>,
    /// Where a bar begins.
    pub from: f64,
    /// Which value it is, the sweep point for instance.
    pub text: String,
}

impl Point {
    /// A bare value.
    #[must_use]
    pub fn at(x: f64, y: f64) -> Self {
        Self { x, y, ..Self::default() }
    }
}

/// A shaded stretch of the x axis.
#[derive(Clone, Debug)]
pub struct Band {
    /// What happened in it.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// From where to where.
    pub range: [f64; 2],
    /// How much of it, between 0 and 1: the share of the GPUs for instance.
    pub share: f64,
}

/// A line at one value of an axis.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is, a limit for instance.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// Whether it stands at a value of x; at one of y otherwise.
    pub upright: bool,
    /// Where.
    pub at: f64,
    /// Which dash, so that two limits of one panel can be told apart.
    pub dash: u8,
}

/// A field of cells, coloured by value.
#[derive(Clone, Debug)]
pub struct Heat {
    /// What the colour means, with its unit.
    pub label: String,
    /// Ends of the columns along x, one more than there are columns.
    pub edges: Vec<f64>,
    /// Cells of each row, in the order of the names of the y axis. Absent where there is no value.
    pub rows: Vec<Vec<Option<f64>>>,
    /// Half the 95 % interval of each cell, where values have one.
    pub halves: Vec<Vec<Option<f64>>>,
    /// Whether cells have their number written in them and a tooltip; for few cells.
    pub numbers: bool,
}

/// A line of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// What it stands for.
    pub name: String,
    /// Its colour.
    pub ink: Ink,
    /// What the sample looks like.
    pub kind: Kind,
}

impl Figure {
    /// A key for every series, rule and band that has a name, each once, in the order of the panels.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let mut add = |name: &str, ink, kind| {
            let known = |key: &Key| key.name == name && key.ink == ink;
            if !name.is_empty() && !keys.iter().any(known) {
                keys.push(Key { name: name.to_owned(), ink, kind });
            }
        };
        let series = self.panels.iter().flat_map(|panel| &panel.series);
        series
            .filter(|series| series.kind != Kind::Ribbon)
            .for_each(|series| add(&series.name, series.ink, series.kind));
        let rules = self.panels.iter().flat_map(|panel| &panel.rules);
        rules.for_each(|rule| add(&rule.name, rule.ink, Kind::Limit(rule.dash)));
        let bands = self.panels.iter().flat_map(|panel| &panel.bands);
        bands.for_each(|band| add(&band.name, band.ink, Kind::Ribbon));
        keys
    }
}

/// What is left of a long series, to be drawn.
fn thinned(series: &Thinned) -> Vec<Point> {
    series.points().iter().map(|point| Point::at(point.time, point.value)).collect()
}

/// How many panels of this number stand beside each other: one print column has room for two, and takes eight of them.
fn beside(panels: usize) -> usize {
    match panels {
        0..=3 => 1,
        4..=8 => 2,
        _ => 4,
    }
}
