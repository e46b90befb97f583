//! The comparison of a live run with its simulation, as a table for a terminal or in Markdown.

use super::compare::{Compared, Pair, Row};

const HEAD: [&str; 11] = [
    "router",
    "share",
    "mJ/token measured",
    "predicted",
    "error",
    "layer ms measured",
    "predicted",
    "error",
    "mean degC measured",
    "predicted",
    "peak degC measured / predicted",
];

/// All of it, for people.
#[must_use]
pub fn render(compared: &Compared, markdown: bool) -> String {
    let rows: Vec<Vec<String>> = compared.rows.iter().map(cells).collect();
    let mut text = format!("{} on {}\n", compared.scenario, compared.devices.join(", "));
    if compared.simulated {
        text.push_str("Nothing was measured: the load and its meter are a model. This tries the commands, and says nothing of hardware.\n");
    }
    text.push_str(&format!("Profile: {}. Ambient: {}.\n\n", compared.profile, compared.ambient));
    text.push_str(&if markdown { in_markdown(&rows) } else { in_columns(&rows) });
    text.push('\n');
    for ranking in &compared.rankings {
        let verdict = if ranking.same { "the same" } else { "not the same" };
        text.push_str(&format!(
            "Ranking by energy, measured: {}; predicted: {}; {verdict}.\n",
            ranking.measured.join(" < "),
            ranking.predicted.join(" < ")
        ));
        if markdown {
            text.push('\n');
        }
    }
    let (worst, goals) = (compared.worst, compared.goals);
    let verdict = |error: f64, goal: f64, unit: &str| match error {
        error if error.is_nan() => "not measured".to_owned(),
        error if error <= goal => format!("{error:.1} {unit} (within {goal:.0} {unit})"),
        error => format!("{error:.1} {unit} (not within {goal:.0} {unit})"),
    };
    text.push_str(&format!(
        "Worst errors: energy per token {}, layer time {}, mean temperature {}.\n",
        verdict(100.0 * worst.energy, 100.0 * goals.energy, "%"),
        verdict(100.0 * worst.layer, 100.0 * goals.layer, "%"),
        verdict(worst.die_k, goals.die_k, "K"),
    ));
    let meters = compared.rows.iter().filter_map(|row| row.integrated_over_counter);
    if let Some(most) = meters.max_by(|a, b| a.abs().total_cmp(&b.abs())) {
        let flag = if most.abs() > 0.03 { "; more than 3 %: trust neither before you know why" } else { "" };
        text.push_str(&format!(
            "Energy by power readings against the counters: {:+.1} % at most{flag}.\n",
            100.0 * most
        ));
    }
    for note in &compared.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

fn cells(row: &Row) -> Vec<String> {
    let share: Vec<String> = row.share.iter().map(|share| format!("{:.0}", 100.0 * share)).collect();
    let measured = |pair: &Pair, scale: f64, digits: usize| {
        pair.measured.map_or("-".to_owned(), |value| format!("{:.digits$}", scale * value))
    };
    let error = |pair: &Pair| pair.relative().map_or("-".to_owned(), |error| format!("{:+.1} %", 100.0 * error));
    let all = |pairs: &[Pair], of: &dyn Fn(&Pair) -> String| pairs.iter().map(of).collect::<Vec<_>>().join(" ");
    let celsius = |pair: &Pair| measured(pair, 1.0, 1);
    let predicted = |pair: &Pair| format!("{:.1}", pair.predicted);
    let (energy, layer) = (&row.joules_per_token, &row.layer_seconds);
    vec![
        row.run.clone(),
        share.join("/"),
        measured(energy, 1e3, 3),
        format!("{:.3}", 1e3 * energy.predicted),
        error(energy),
        measured(layer, 1e3, 3),
        format!("{:.3}", 1e3 * layer.predicted),
        error(layer),
        all(&row.die_mean_degc, &celsius),
        all(&row.die_mean_degc, &predicted),
        format!("{} / {}", all(&row.die_peak_degc, &celsius), all(&row.die_peak_degc, &predicted)),
    ]
}

fn in_markdown(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&HEAD.map(ToOwned::to_owned));
    text.push_str(&line(&HEAD.map(|_| "---".to_owned())));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

fn in_columns(rows: &[Vec<String>]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(isotherm_report::table::STYLE).set_header(HEAD);
    rows.iter().for_each(|row| {
        table.add_row(row);
    });
    format!("{table}\n")
}
