//! The comparison of two folders as a table for a terminal.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table};
use isotherm_report::table::STYLE;

use super::rows::Tested;
use super::{Comparison, RowName};
use crate::statistics::Interval;
use isotherm_report::number::{precise, signed};

/// The table, a line a metric, and the notes. Reads without colour.
pub(super) fn render(comparison: &Comparison) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    let points = comparison.rows.iter().any(|row| !row.name.point.is_empty());
    let point = points.then_some("point");
    let headings = ["metric", "router"].into_iter().chain(point).chain(["A", "B", "difference", "p", "p Holm"]);
    table.set_header(headings.collect::<Vec<_>>());
    for row in &comparison.rows {
        let mut cells = vec![Cell::new(&row.metric), Cell::new(&row.name.router)];
        cells.extend(points.then(|| Cell::new(row.point())));
        let mean = |mean: f64| precise(mean, None, row.unit);
        let numbers = [mean(row.a.mean), mean(row.b.mean), difference(row), p(row.p_value), p(row.p_holm)];
        cells.extend(numbers.map(|text| Cell::new(text).set_alignment(CellAlignment::Right)));
        table.add_row(cells);
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    for verdict in &comparison.verdicts {
        let _ = writeln!(text, "{}", verdict.text);
    }
    notes(comparison, &mut text);
    text
}

/// B minus A and its interval; a star where the runs are not pairs.
fn difference(row: &Tested) -> String {
    let Tested { difference, .. } = row;
    let star = if row.test == "welch" { " *" } else { "" };
    if (difference.mean, difference.ci95) == (0.0, Some(0.0)) {
        return "none".to_owned() + star;
    }
    signed(difference.mean, precise(difference.mean, difference.ci95, row.unit)) + star
}

fn p(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p < 1e-4 => "<0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
}

fn notes(comparison: &Comparison, text: &mut String) {
    let _ = writeln!(text, "note: A is {}, B is {}, difference is B - A", comparison.a.folder, comparison.b.folder);
    for (rows, side) in [(&comparison.only_in_a, "A"), (&comparison.only_in_b, "B")] {
        if !rows.is_empty() {
            let _ = writeln!(text, "note: only in {side}: {}", rows.iter().map(named).collect::<Vec<_>>().join("; "));
        }
    }
    let interval = match comparison.interval {
        Interval::StudentT => "the 95 % Student-t interval".to_owned(),
        Interval::Bootstrap { resamples } => format!("half the 95 % bootstrap interval ({resamples} resamples)"),
    };
    let paired = if comparison.rows.iter().any(|row| row.test == "paired-t") {
        ", paired by seed on the same tokens"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "note: ± is {interval} of the mean difference{paired}; p Holm is corrected for the {} tests above, significant up to 0.05",
        comparison.comparisons
    );
    for note in &comparison.notes {
        let _ = writeln!(text, "note: {note}");
    }
}

fn named(row: &RowName) -> String {
    let point: String = row.point.iter().map(|(axis, value)| format!(" {axis}={value}")).collect();
    row.router.clone() + &point
}
