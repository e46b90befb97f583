//! The comparison as a table for a terminal.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{Cell, CellAlignment, ContentLineStyle, LineStyle, Table, TableStyle};

use crate::number::with_unit;
use crate::results::{Overview, Row};
use crate::statistics::{Estimate, Interval};

/// A column of the table: its heading, the metric, and how its number is written.
struct Shown {
    heading: &'static str,
    metric: &'static str,
    form: Form,
}

enum Form {
    /// With its unit and a prefix.
    Unit(&'static str),
    /// As it is, with a sign: percent already.
    SignedPercent,
    /// A share, as percent.
    Share,
    /// A pure number.
    Plain,
}

const COLUMNS: &[Shown] = &[
    Shown { heading: "energy", metric: "energy_j", form: Form::Unit("J") },
    Shown { heading: "saved", metric: "energy_savings_percent", form: Form::SignedPercent },
    Shown { heading: "hot share", metric: "hot_share", form: Form::Share },
    Shown { heading: "mass regret", metric: "mass_regret", form: Form::Share },
    Shown { heading: "frontier", metric: "frontier_efficiency", form: Form::Share },
    Shown { heading: "weight TV", metric: "combine_weight_tv", form: Form::Plain },
    Shown { heading: "agreement", metric: "topk_agreement", form: Form::Share },
    Shown { heading: "p50", metric: "latency_p50_s", form: Form::Unit("s") },
    Shown { heading: "p99", metric: "latency_p99_s", form: Form::Unit("s") },
    Shown { heading: "in SLO", metric: "slo_attainment", form: Form::Share },
    Shown { heading: "CO2", metric: "carbon_g", form: Form::Unit("g") },
    Shown { heading: "peak", metric: "peak_temperature_degc", form: Form::Unit("degC") },
    Shown { heading: "vs constant (not a result)", metric: "savings_vs_constant_percent", form: Form::SignedPercent },
];

/// One line below the headings, and otherwise only space.
pub(crate) const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());

/// The table of a summary and the notes below it. Reads without colour. Of many rows it shows the first and the best, and says where
/// the others are: in `summary`.
#[must_use]
pub fn render(overview: &Overview, summary: &Path) -> String {
    let mut text = String::new();
    if overview.is_whole() {
        text.push_str(&table(&overview.rows));
    } else {
        let _ = writeln!(text, "the first {} of {} rows\n", overview.rows.len(), overview.row_count);
        text.push_str(&table(&overview.rows));
        if !overview.best.is_empty() {
            let _ = writeln!(text, "\nthe {} rows that save most\n", overview.best.len());
            text.push_str(&table(&overview.best));
        }
        let _ = writeln!(text, "\nnote: all {} rows are in {}", overview.row_count, summary.display());
    }
    notes(overview, &mut text);
    text
}

fn table(rows: &[Row]) -> String {
    // Where no pool is hot, its share says nothing.
    let says_something = |column: &&Shown| {
        let values = rows.iter().filter_map(|row| row.metrics.get(column.metric));
        values.into_iter().any(|estimate| column.metric != "hot_share" || estimate.mean > 0.0)
    };
    let shown: Vec<&Shown> = COLUMNS.iter().filter(says_something).collect();
    let axes = axis_columns(rows);
    let mut table = Table::new();
    table.load_style(STYLE);
    let headings =
        ["router"].into_iter().chain(axes.iter().map(|axes| short(axes[0]))).chain(shown.iter().map(|c| c.heading));
    table.set_header(headings.collect::<Vec<_>>());
    for row in rows {
        let mut cells = vec![Cell::new(&row.router)];
        cells.extend(axes.iter().map(|axes| {
            let value = axes.iter().find_map(|axis| row.point.get(*axis)).map_or("", String::as_str);
            Cell::new(value).set_alignment(CellAlignment::Right)
        }));
        cells.extend(shown.iter().map(|column| Cell::new(value(row, column)).set_alignment(CellAlignment::Right)));
        table.add_row(cells);
    }
    table.trim_fmt() + "\n"
}

/// The swept keys, column by column. Keys that end alike, such as `router[1].lambda` and `router[2].lambda`, share a column unless a row has
/// a value for both.
fn axis_columns(rows: &[Row]) -> Vec<Vec<&String>> {
    let all: std::collections::BTreeSet<&String> = rows.iter().flat_map(|row| row.point.keys()).collect();
    let mut columns: Vec<Vec<&String>> = Vec::new();
    for axis in all {
        let meet =
            |other: &&String| rows.iter().any(|row| row.point.contains_key(axis) && row.point.contains_key(*other));
        match columns.iter_mut().find(|column| short(column[0]) == short(axis) && !column.iter().any(meet)) {
            Some(column) => column.push(axis),
            None => columns.push(vec![axis]),
        }
    }
    columns
}

/// The last step of a key path: `lambda` for `router.lambda`.
fn short(axis: &str) -> &str {
    axis.rsplit('.').next().unwrap_or(axis)
}

fn value(row: &Row, column: &Shown) -> String {
    let Some(estimate) = row.metrics.get(column.metric) else { return "-".to_owned() };
    match column.form {
        Form::Unit(unit) => with_unit(estimate.mean, estimate.ci95.filter(|_| column.metric == "energy_j"), unit),
        Form::SignedPercent if row.baseline && column.metric == "energy_savings_percent" => "baseline".to_owned(),
        Form::SignedPercent if column.metric == "energy_savings_percent" && row.is_luck() => {
            format!("{LUCK} {}", percent(estimate, 1.0, true))
        }
        Form::SignedPercent => percent(estimate, 1.0, true),
        Form::Share => percent(&Estimate { ci95: None, ..*estimate }, 100.0, false),
        Form::Plain => format!("{:.4}", estimate.mean),
    }
}

/// Stands before a saving that may be luck: `not significant`, as papers abbreviate it.
const LUCK: &str = "n.s.";

fn percent(estimate: &Estimate, factor: f64, signed: bool) -> String {
    let mean = estimate.mean * factor;
    // A saving of nothing has no sign.
    let mean = if mean.abs() < 0.005 { 0.0 } else { mean };
    let mut text = if signed && mean != 0.0 { format!("{mean:+.2}") } else { format!("{mean:.2}") };
    if let Some(half) = estimate.ci95 {
        let _ = write!(text, " ± {:.2}", half * factor);
    }
    text + " %"
}

/// The rows a note is about: a router by its name where it is about all of its rows, else each with the point it stands at.
fn about(rows: &[&Row], every: &[Row]) -> String {
    let all_of = |router: &str| every.iter().filter(|row| row.router == router).count();
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let name = if rows.iter().filter(|other| other.router == row.router).count() == all_of(&row.router) {
            row.router.clone()
        } else {
            let point: Vec<String> = row.point.iter().map(|(axis, value)| format!("{} {value}", short(axis))).collect();
            format!("{}, {}", row.router, point.join(", "))
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join("; ")
}

/// The warnings of all rows, each once.
fn warnings(rows: &[Row], text: &mut String) {
    let mut said: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        for warning in &row.warnings {
            match said.iter_mut().find(|(known, _)| known == warning) {
                Some((_, rows)) => rows.push(row),
                None => said.push((warning, vec![row])),
            }
        }
    }
    for (warning, about_rows) in said {
        let who =
            if about_rows.len() == rows.len() { String::new() } else { format!(" ({})", about(&about_rows, rows)) };
        let _ = writeln!(text, "note: {warning}{who}");
    }
}

/// The warnings of many rows: the first of its kind, and how many there are.
fn kinds_of_warnings(overview: &Overview, text: &mut String) {
    for (warning, rows) in &overview.warnings {
        let who = match *rows {
            rows if rows == overview.row_count => String::new(),
            1 => " (1 row)".to_owned(),
            rows => format!(" (the first of {rows} rows with such a warning)"),
        };
        let _ = writeln!(text, "note: {warning}{who}");
    }
}

/// What a reader has to know, each sentence once.
fn notes(overview: &Overview, text: &mut String) {
    if overview.is_whole() {
        warnings(&overview.rows, text);
    } else {
        kinds_of_warnings(overview, text);
    }
    if overview.has_seeds {
        let interval = match overview.head.interval {
            Interval::StudentT => "the 95 % Student-t interval".to_owned(),
            Interval::Bootstrap { resamples } => format!("half the 95 % bootstrap interval ({resamples} resamples)"),
        };
        let _ =
            writeln!(text, "note: ± is {interval} of the mean over seeds, paired with the baseline on the same tokens");
    }
    if let Some(versus) = overview.luck {
        let among = match versus.comparisons {
            1 => String::new(),
            many => format!(" after Holm's correction for {many} comparisons"),
        };
        let _ = writeln!(
            text,
            "note: {LUCK}: not significant: the difference in energy may be luck (paired t test, 5 %{among})"
        );
    }
    for (failure, runs) in &overview.failures {
        let alike = if *runs == 1 { String::new() } else { format!(" ({runs} runs alike)") };
        let _ = writeln!(text, "failed: {} with seed {}{alike}: {}", failure.router, failure.seed, failure.message);
    }
    let told: usize = overview.failures.iter().map(|(_, runs)| runs).sum();
    if told < overview.failure_count {
        let _ = writeln!(text, "failed: {} more runs, for other reasons", overview.failure_count - told);
    }
}
