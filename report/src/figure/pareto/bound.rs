//! The frontiers of the figure, and which energy its marks have to be of to be compared with them.

use super::super::assignments::Assignments;
use super::super::{Figure, Kind, Point, Series, words};
use super::{SAVED, Worlds};
use crate::draw::number;
use crate::palette::{Ink, Routers};
use crate::results::{Curve, Estimate, Results, Row};

/// Frontiers that a panel can show: where costs move with time or heat, each run has its own.
const CURVES: usize = 4;

/// Whether frontiers are drawn, and why not.
pub(super) enum Bounds {
    /// They are, beside savings of the same energy.
    Drawn(Assignments),
    /// They are not, for this reason.
    Not(String),
}

impl Bounds {
    pub(super) fn of(results: &Results, lost: &str, worlds: &Worlds) -> Self {
        let curves = &results.summary.frontier;
        if curves.is_empty() {
            return Self::Not(format!("No frontier is drawn: {}.", why_none(results)));
        }
        if lost != "mass_regret" {
            return Self::Not("No frontier is drawn: it is about mass regret, which these rows lack.".to_owned());
        }
        let of_world = |rows: &Vec<usize>| curves.iter().filter(|curve| belongs(results, curve, rows)).count();
        if worlds.shown.iter().all(|rows| of_world(rows) > CURVES) {
            let why =
                "Each router has a frontier of its own here, as costs move with what it does: see frontier.parquet.";
            return Self::Not(why.to_owned());
        }
        let rows: Vec<usize> = worlds.shown.iter().flatten().copied().collect();
        let rows: Vec<usize> =
            rows.into_iter().filter(|row| results.summary.rows[*row].metric(SAVED).is_some()).collect();
        let unknown = "No frontier is drawn: it bounds the energy of assignments, and runs.parquet does not have that of all runs.";
        Assignments::of(results, &rows).map_or_else(|| Self::Not(unknown.to_owned()), Self::Drawn)
    }

    /// The row that shows best that the energy of assignments is not all energy; `None` where all energy is drawn.
    pub(super) fn other_energy(&self) -> Option<usize> {
        match self {
            Self::Drawn(assignments) => assignments.other,
            Self::Not(_) => None,
        }
    }

    /// What a row saved of the energy that is drawn.
    pub(super) fn saved(&self, place: usize, row: &Row) -> Option<Estimate> {
        match self {
            Self::Drawn(assignments) if assignments.other.is_some() => assignments.saved(place),
            _ => row.metric(SAVED),
        }
    }

    /// The frontiers of a world as far as its marks go.
    pub(super) fn of_world(&self, results: &Results, rows: &[usize], right: f64, routers: &Routers) -> Vec<Series> {
        let curves = results.summary.frontier.iter().filter(|curve| belongs(results, curve, rows));
        let curves: Vec<&Curve> = if matches!(self, Self::Drawn(_)) { curves.collect() } else { Vec::new() };
        let few = curves.iter().filter(|_| curves.len() <= CURVES);
        few.filter_map(|curve| bound(curve, right, routers)).collect()
    }

    pub(super) fn notes(&self, results: &Results, figure: &Figure) -> Vec<String> {
        let assignments = match self {
            Self::Drawn(assignments) => assignments,
            Self::Not(why) => return vec![why.clone()],
        };
        let has_bound = figure.panels.iter().flat_map(|panel| &panel.series).any(|series| series.kind == Kind::Bound);
        let bound = if has_bound {
            "No routing of the same tokens lies above its frontier, which knows all costs in advance."
        } else {
            "No frontier is drawn: no router gave anything up, and it begins where nothing is given up."
        };
        let mut notes = vec![bound.to_owned()];
        notes.extend(assignments.other.and_then(|row| which_energy(assignments, row, &results.summary.rows[row])));
        notes
    }
}

/// Which of the two energies is drawn, by an example of how far they are apart.
fn which_energy(assignments: &Assignments, place: usize, row: &Row) -> Option<String> {
    let (of_assignments, of_all) = (assignments.saved(place)?, row.metric(SAVED)?);
    Some(format!(
        "Energy is that of assignments, which is what the frontier is about: {} saved {} % of it. Of all energy, which the table is \
         about and idle GPUs, the router's own work and moved weights are part of, that is {} %.",
        words::brief(&row.router),
        number(of_assignments.mean),
        number(of_all.mean)
    ))
}

/// Why a folder has no frontier.
fn why_none(results: &Results) -> &'static str {
    let scenario = results.scenario.as_ref();
    let get = |path: &[&str]| scenario.and_then(|scenario| scenario.get(path));
    let is_device = get(&["costs", "kind"]).and_then(toml::Value::as_str) == Some("device");
    if is_device {
        "with `kind = \"device\"` energy is no sum over assignments"
    } else if get(&["compare", "frontier"]).and_then(toml::Value::as_bool) == Some(false) {
        "`compare.frontier` is off in the scenario"
    } else {
        "the folder has none"
    }
}

/// Whether a frontier is that of these rows.
fn belongs(results: &Results, curve: &Curve, rows: &[usize]) -> bool {
    let rows = rows.iter().map(|row| &results.summary.rows[*row]);
    let of_curve = |row: &&Row| curve.router.as_ref().is_none_or(|router| *router == row.router);
    let is_subset = |row: &Row| curve.point.iter().all(|(key, value)| row.point.get(key) == Some(value));
    let mut rows = rows.filter(of_curve);
    rows.any(|row| is_subset(row) && (curve.router.is_none() || curve.point == row.point))
}

/// The frontier as far as the marks go: beyond that it says nothing about them.
fn bound(curve: &Curve, right: f64, routers: &Routers) -> Option<Series> {
    let mut points: Vec<Point> = Vec::new();
    for optimum in &curve.points {
        let point = Point {
            text: format!("price {} per J", number(optimum.price_per_j)),
            ..Point::at(100.0 * optimum.mass_regret, optimum.energy_savings_percent)
        };
        if point.x > right {
            // The piece of the line up to the edge.
            if let Some(last) = points.last().filter(|last| last.x < right) {
                let share = (right - last.x) / (point.x - last.x);
                let y = last.y + share * (point.y - last.y);
                points.push(Point::at(right, y));
            }
            break;
        }
        points.push(point);
    }
    let (name, ink) = match &curve.router {
        None if curve.oracle => ("optimal frontier (oracle)".to_owned(), Ink::Strong),
        None => ("optimal frontier".to_owned(), Ink::Strong),
        Some(router) => (format!("frontier of {}", words::brief(router)), routers.ink(router)),
    };
    (points.len() > 1).then_some(Series { name, ink, kind: Kind::Bound, points })
}
