//! The comparison table of a results folder, as the program prints it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use isotherm_report::table::{Look, text as table};

use crate::lab::{announce, isotherm, root, text};

/// The drift scenario, short enough for a test; 34 batches are two a character of a spark line.
fn drifted() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let scenario = root().join("scenarios/drift.toml").display().to_string();
    let small = ["--set", "seeds=3", "--set", "arrivals.batches=34", "--csv", "--quiet", "--out", "out"];
    let (code, out, err) = text(&isotherm(folder.path(), &[&["run", &scenario][..], &small].concat()));
    assert_eq!(code, 0, "{err}");
    (folder, out)
}

#[test]
fn run_prints_what_the_folder_alone_says() {
    let (folder, out) = drifted();
    // From another place: only the path in a note could differ, and only large folders have it.
    assert_eq!(table(&folder.path().join("out"), Look::default()).unwrap(), out);
    let again = ["run", &root().join("scenarios/drift.toml").display().to_string(), "--quiet", "--out", "out"];
    let small = ["--set", "seeds=3", "--set", "arrivals.batches=34"];
    let (code, complete, err) = text(&isotherm(folder.path(), &[&again[..], &small].concat()));
    assert_eq!((code, complete), (0, out), "{err}");
}

#[test]
fn report_prints_what_run_printed_and_other_forms_of_it() {
    let (folder, out) = drifted();
    let report = |more: &[&str]| {
        let (code, out, err) = text(&isotherm(folder.path(), &[&["report", "out"], more].concat()));
        assert_eq!(code, 0, "{err}");
        (out, err)
    };
    // A table alone writes nothing.
    let before = std::fs::read_dir(folder.path().join("out")).unwrap().count();
    let summary = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    assert_eq!(report(&["--json"]), (summary.clone(), String::new()));
    let (markdown, _) = report(&["--markdown"]);
    let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() == 7 && rows[0].starts_with("| router | energy | saved | J/token over time |"), "{markdown}");
    assert!(markdown.contains("**") && markdown.contains("- oracle: this router sees true costs"), "{markdown}");
    let (table, _) = report(&["--csv"]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6);
    for (row, expected) in rows.iter().zip(summary["rows"].as_array().unwrap()) {
        assert_eq!(row["router"], expected["router"].as_str().unwrap());
        let metrics = expected["metrics"].as_object().unwrap();
        assert!(metrics.len() > 30);
        for (name, estimate) in metrics {
            let number = |column: &str| row[column].parse::<f64>().unwrap();
            let (mean, half) = (estimate["mean"].as_f64().unwrap(), estimate["ci95"].as_f64().unwrap());
            let read = [number(name), number(&format!("{name}_low")), number(&format!("{name}_high"))];
            assert_eq!(read, [mean, mean - half, mean + half], "{name}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path().join("out")).unwrap().count(), before);
    assert_eq!(report(&[]).0, out);
}

/// Rows of a CSV table by the names of their columns.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_spark_line_is_the_energy_per_token_of_the_series() {
    let (folder, out) = drifted();
    let runs = rows(&folder.path().join("out/runs.csv"));
    let router: BTreeMap<&str, &str> = runs.iter().map(|run| (&*run["run_id"], &*run["router"])).collect();
    let mut sums: BTreeMap<&str, [[f64; 2]; 17]> = BTreeMap::new();
    let series = rows(&folder.path().join("out/series.csv"));
    for batch in &series {
        let number = |name: &str| batch[name].parse::<f64>().unwrap();
        let sum = &mut sums.entry(router[&*batch["run_id"]]).or_default()[number("batch") as usize / 2];
        *sum = [sum[0] + number("energy_j"), sum[1] + number("tokens")];
    }
    assert_eq!(series.len(), 6 * 3 * 34);
    let each: BTreeMap<&str, [f64; 17]> =
        sums.iter().map(|(router, sums)| (*router, sums.map(|[joules, tokens]| joules / tokens))).collect();
    let all = || each.values().flatten().copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    assert!(out.contains(&format!("▁ is {low:.3} J, █ is {high:.3} J")), "{out}");
    let bars: Vec<char> = "▁▂▃▄▅▆▇█".chars().collect();
    for (router, joules) in &each {
        let line: String = joules.iter().map(|j| bars[(((j - low) / (high - low) * 8.0) as usize).min(7)]).collect();
        let row = out.lines().find(|row| row.starts_with(&format!(" {router}  "))).unwrap();
        assert!(row.contains(&line), "{line} in\n{row}");
    }
    assert_eq!(each.len(), 6);
}

#[test]
fn only_a_terminal_gets_escapes_and_a_table_that_fits() {
    let (folder, out) = drifted();
    let program = env!("CARGO_BIN_EXE_isotherm");
    let scenario = root().join("scenarios/drift.toml").display().to_string();
    let run = format!("'{program}' run '{scenario}' --set seeds=3 --set arrivals.batches=34 --quiet --out out");
    let on_terminal = |columns: u32, variables: &[(&str, &str)]| {
        let shell = format!("stty rows 50 cols {columns}; {run}");
        let mut script = Command::new("script");
        script.args(["-qec", &shell, "/dev/null"]).current_dir(folder.path()).env_remove("NO_COLOR");
        script.env("LC_ALL", "C.UTF-8").env("TERM", "xterm").envs(variables.iter().copied());
        let output = script.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n"))
    };
    let Some(wide) = on_terminal(250, &[]) else {
        announce("skipped: no `script` of util-linux that makes a terminal");
        return;
    };
    assert!(wide.contains("\u{1b}[1m") && wide.contains("note: bold: "), "{wide}");
    assert_eq!(on_terminal(250, &[("NO_COLOR", "1")]).unwrap(), out);
    let narrow = on_terminal(80, &[("NO_COLOR", "1")]).unwrap();
    assert!(narrow.lines().take(8).all(|line| line.chars().count() <= 80), "{narrow}");
    let head = narrow.lines().next().unwrap();
    assert!(narrow.contains("note: too wide for this terminal: J/token") && !head.contains("J/token"), "{narrow}");
    let ascii = on_terminal(250, &[("LC_ALL", "C")]).unwrap();
    assert!(ascii.is_ascii() && ascii.contains("; . is 1.") && ascii.contains("+- 0."), "{ascii}");
}
