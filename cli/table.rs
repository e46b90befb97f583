//! The comparison as a table for a terminal.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, ContentLineStyle, LineStyle, Table, TableStyle};

use crate::number::with_unit;
use crate::results::{Failure, Row, Summary};
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

/// The table of a summary and the notes below it. Reads without colour.
#[must_use]
pub fn render(summary: &Summary) -> String {
    // Where no pool is hot, its share says nothing.
    let says_something = |column: &&Shown| {
        let values = summary.rows.iter().filter_map(|row| row.metrics.get(column.metric));
        values.into_iter().any(|estimate| column.metric != "hot_share" || estimate.mean > 0.0)
    };
    let shown: Vec<&Shown> = COLUMNS.iter().filter(says_something).collect();
    let axes = axis_columns(summary);
    let mut table = Table::new();
    table.load_style(STYLE);
    let headings =
        ["router"].into_iter().chain(axes.iter().map(|axes| short(axes[0]))).chain(shown.iter().map(|c| c.heading));
    table.set_header(headings.collect::<Vec<_>>());
    for row in &summary.rows {
        let mut cells = vec![Cell::new(&row.router)];
        cells.extend(axes.iter().map(|axes| {
            let value = axes.iter().find_map(|axis| row.point.get(*axis)).map_or("", String::as_str);
            Cell::new(value).set_alignment(CellAlignment::Right)
        }));
        cells.extend(shown.iter().map(|column| Cell::new(value(row, column)).set_alignment(CellAlignment::Right)));
        table.add_row(cells);
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    notes(summary, &mut text);
    text
}

/// The swept keys, column by column. Keys that end alike, such as `router[1].lambda` and `router[2].lambda`, share a column unless a row has
/// a value for both.
fn axis_columns(summary: &Summary) -> Vec<Vec<&String>> {
    let all: std::collections::BTreeSet<&String> = summary.rows.iter().flat_map(|row| row.point.keys()).collect();
    let mut columns: Vec<Vec<&String>> = Vec::new();
    for axis in all {
        let meet = |other: &&String| {
            summary.rows.iter().any(|row| row.point.contains_key(axis) && row.point.contains_key(*other))
        };
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
        Form::SignedPercent if column.metric == "energy_savings_percent" && is_luck(row) => {
            format!("{LUCK} {}", percent(estimate, 1.0, true))
        }
        Form::SignedPercent => percent(estimate, 1.0, true),
        Form::Share => percent(&Estimate { ci95: None, ..*estimate }, 100.0, false),
        Form::Plain => format!("{:.4}", estimate.mean),
    }
}

/// Stands before a saving that may be luck: `not significant`, as papers abbreviate it.
const LUCK: &str = "n.s.";

/// Whether seeds could test this row's energy against the baseline's, and found no difference.
fn is_luck(row: &Row) -> bool {
    row.versus_baseline.is_some_and(|versus| versus.p_holm.is_some() && !versus.significant)
}

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
fn about(rows: &[&Row], summary: &Summary) -> String {
    let all_of = |router: &str, rows: &[&Row]| rows.iter().filter(|row| row.router == router).count();
    let every: Vec<&Row> = summary.rows.iter().collect();
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let name = if all_of(&row.router, rows) == all_of(&row.router, &every) {
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

/// What a reader has to know, each sentence once.
fn notes(summary: &Summary, text: &mut String) {
    let mut said: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in &summary.rows {
        for warning in &row.warnings {
            match said.iter_mut().find(|(known, _)| known == warning) {
                Some((_, rows)) => rows.push(row),
                None => said.push((warning, vec![row])),
            }
        }
    }
    for (warning, rows) in said {
        let who =
            if rows.len() == summary.rows.len() { String::new() } else { format!(" ({})", about(&rows, summary)) };
        let _ = writeln!(text, "note: {warning}{who}");
    }
    if summary.rows.iter().any(|row| row.seeds > 1) {
        let interval = match summary.interval {
            Interval::StudentT => "the 95 % Student-t interval".to_owned(),
            Interval::Bootstrap { resamples } => format!("half the 95 % bootstrap interval ({resamples} resamples)"),
        };
        let _ =
            writeln!(text, "note: ± is {interval} of the mean over seeds, paired with the baseline on the same tokens");
    }
    let compared = summary.rows.iter().filter(|row| is_luck(row)).find_map(|row| row.versus_baseline);
    if let Some(versus) = compared {
        let among = match versus.comparisons {
            1 => String::new(),
            many => format!(" after Holm's correction for {many} comparisons"),
        };
        let _ = writeln!(
            text,
            "note: {LUCK}: not significant: the difference in energy may be luck (paired t test, 5 %{among})"
        );
    }
    for (failure, runs) in distinct_failures(&summary.failures) {
        let alike = if runs == 1 { String::new() } else { format!(" ({runs} runs alike)") };
        let _ = writeln!(text, "failed: {} with seed {}{alike}: {}", failure.router, failure.seed, failure.message);
    }
}
/// What a failure says behind the event it happened at and its instant, which is another in every run.
fn cause(failure: &Failure) -> &str {
    failure.message.split_once(": ").map_or(&failure.message, |(_, cause)| cause)
}

/// The first failure of each router and cause, and how many runs failed alike: a plugin that panics does so with every seed.
fn distinct_failures(failures: &[Failure]) -> Vec<(&Failure, usize)> {
    let mut distinct: Vec<(&Failure, usize)> = Vec::new();
    for failure in failures {
        let alike =
            |(first, _): &&mut (&Failure, usize)| first.router == failure.router && cause(first) == cause(failure);
        match distinct.iter_mut().find(alike) {
            Some((_, runs)) => *runs += 1,
            None => distinct.push((failure, 1)),
        }
    }
    distinct
}
