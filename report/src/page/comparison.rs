//! The table of the page: a row per router and sweep point, with intervals, for sorting.

use maud::{Markup, html};

use super::answer::probability;
use super::name::name;
use crate::axes::Axis;
use crate::number::{percent_parts, with_unit};
use crate::palette::{Routers, Theme, colour};
use crate::results::{Estimate, Results, Row};

/// More rows are not read, and make the page slow: of a larger sweep the rows that save most are shown.
const MOST_ROWS: usize = 500;

struct Shown {
    title: &'static str,
    metric: &'static str,
    form: Form,
}

enum Form {
    /// With a prefix, and the interval where it says something.
    Unit(&'static str),
    /// Percent already, with a sign.
    Saved,
    /// A share, as percent.
    Share,
    Plain,
}

const COLUMNS: &[Shown] = &[
    Shown { title: "energy saved", metric: "energy_savings_percent", form: Form::Saved },
    Shown { title: "energy", metric: "energy_j", form: Form::Unit("J") },
    Shown { title: "mass regret", metric: "mass_regret", form: Form::Share },
    Shown { title: "frontier efficiency", metric: "frontier_efficiency", form: Form::Share },
    Shown { title: "weight TV", metric: "combine_weight_tv", form: Form::Plain },
    Shown { title: "agreement", metric: "topk_agreement", form: Form::Share },
    Shown { title: "latency p50", metric: "latency_p50_s", form: Form::Unit("s") },
    Shown { title: "latency p99", metric: "latency_p99_s", form: Form::Unit("s") },
    Shown { title: "in SLO", metric: "slo_attainment", form: Form::Share },
    Shown { title: "peak temperature", metric: "peak_temperature_degc", form: Form::Unit("degC") },
    Shown { title: "power of a GPU", metric: "power_mean_w", form: Form::Unit("W") },
    Shown { title: "held back", metric: "throttled_share", form: Form::Share },
    Shown { title: "hot share", metric: "hot_share", form: Form::Share },
    Shown { title: "CO2", metric: "carbon_g", form: Form::Unit("g") },
];

/// The table, and what has to be said about it.
pub(super) fn table(results: &Results, axes: &[Axis], routers: &Routers) -> Markup {
    let all = &results.summary.rows;
    let rows = shown(all);
    let says_something =
        |column: &&Shown| rows.iter().filter_map(|row| row.metric(column.metric)).any(|estimate| estimate.mean != 0.0);
    let columns: Vec<&Shown> = COLUMNS.iter().filter(says_something).collect();
    let tested = rows.iter().any(|row| row.versus_baseline.is_some_and(|versus| versus.p_holm.is_some()));
    html! {
        @if rows.len() < all.len() {
            p { "The " (rows.len()) " rows of " (all.len()) " that save most; runs.parquet has all." }
        }
        div.controls.no-print {
            label.grow hidden { "filter rows" input #filter type="search" placeholder="router or value"; }
        }
        div.scroll role="region" aria-label="Comparison of routers" tabindex="0" {
            table.numbers {
                thead { tr {
                    th scope="col" { "router" }
                    @for axis in axes { th scope="col" title=(axis.keys.join(", ")) { (axis.label) } }
                    @for (place, column) in columns.iter().enumerate() {
                        th scope="col" title=(column.metric) { (column.title) }
                        // Beside the saving.
                        @if tested && place == 0 { th scope="col" title="two-sided p after Holm's correction" { "p" sub { "Holm" } } }
                    }
                    th scope="col" { "seeds" }
                } }
                tbody {
                    @for row in &rows {
                        tr.baseline[row.baseline] {
                            th scope="row" data-value=(row.router) {
                                svg.swatch viewBox="0 0 1 1" aria-hidden="true" { rect width="1" height="1" fill=(colour(routers.ink(&row.router), Theme::Css)) {} }
                                (name(&row.router))
                            }
                            @for axis in axes { td data-value=[axis.value(row)] title=[axis.value(row).filter(|v| axis.word(v) != *v)] { (axis.value(row).map_or("–", |value| axis.word(value))) } }
                            @for (place, column) in columns.iter().enumerate() {
                                (cell(row, column))
                                @if tested && place == 0 { (p_cell(row)) }
                            }
                            td data-value=(row.seeds) { (row.seeds) }
                        }
                    }
                }
            }
        }
        p.quiet.small { (legend(results)) }
    }
}

/// All rows, or those that save most with the baselines, in the order of the plan.
fn shown(all: &[Row]) -> Vec<&Row> {
    if all.len() <= MOST_ROWS {
        return all.iter().collect();
    }
    let saved = |row: &Row| row.metric("energy_savings_percent").map_or(f64::NEG_INFINITY, |saved| saved.mean);
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| saved(&all[*b]).total_cmp(&saved(&all[*a])));
    order.truncate(MOST_ROWS);
    order.sort_unstable();
    order.into_iter().map(|row| &all[row]).collect()
}

fn cell(row: &Row, column: &Shown) -> Markup {
    let Some(estimate) = row.metric(column.metric) else { return html! { td { "–" } } };
    let is_saving = matches!(column.form, Form::Saved);
    if is_saving && row.baseline {
        return html! { td data-value="0" { "baseline" } };
    }
    let (mean, half) = written(estimate, &column.form);
    html! {
        td data-value=(estimate.mean) title=[ends(estimate)] {
            @if is_saving && row.is_luck() { "n.s. " }
            (mean)
            @if let Some(half) = half { span.interval { " ± " (half) } }
            @if matches!(column.form, Form::Saved | Form::Share) { " %" }
        }
    }
}

fn p_cell(row: &Row) -> Markup {
    match row.versus_baseline.and_then(|versus| versus.p_holm) {
        Some(p) => html! { td data-value=(p) { (probability(p).trim_start_matches("= ")) } },
        None => html! { td { "–" } },
    }
}

/// The mean, and half the interval where it is shown.
fn written(estimate: Estimate, form: &Form) -> (String, Option<String>) {
    let share = |factor, signed| percent_parts(estimate.mean, estimate.ci95, factor, signed);
    match form {
        Form::Saved => share(1.0, true),
        Form::Share => share(100.0, false),
        Form::Plain => (format!("{:.4}", estimate.mean), estimate.ci95.map(|half| format!("{half:.4}"))),
        Form::Unit(unit) => {
            let unit = if *unit == "degC" { "°C" } else { unit };
            (with_unit(estimate.mean, estimate.ci95, unit), None)
        }
    }
}

/// Where the interval begins and ends, for the tooltip.
fn ends(estimate: Estimate) -> Option<String> {
    estimate.interval().map(|[low, high]| format!("95 % interval of the mean: {low} to {high}"))
}

fn legend(results: &Results) -> String {
    let mut words = Vec::new();
    if results.summary.rows.iter().any(|row| row.metrics.values().any(|estimate| estimate.ci95.is_some())) {
        words.push("± is half the 95 % interval of the mean over seeds, paired with the baseline on the same tokens.");
    }
    if results.summary.rows.iter().any(Row::is_luck) {
        words.push("n.s.: not significant: the difference in energy may be luck.");
    }
    if results.summary.rows.iter().any(|row| row.metric("frontier_efficiency").is_some()) {
        words.push("Frontier efficiency is about the energy of assignments; what is saved is of all energy, idle GPUs and the router's own work included.");
    }
    words.push("A heading sorts: once downwards, twice upwards, three times as planned.");
    words.join(" ")
}
