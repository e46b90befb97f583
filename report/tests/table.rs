//! The comparison table of handmade folders: what is bold, what fits, what hostile names do, and what other programs read.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use isotherm_report::table::{Look, csv, json, markdown, text};
use serde_json::{Value, json};
use tempfile::TempDir;

const ON_TERMINAL: Look = Look { bold: true, ascii: false, width: None };

/// A folder with nothing but a summary of these rows.
fn folder(rows: &[Value]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let summary = json!({ "schema_version": 2, "scenario": "made", "interval": "student-t", "rows": rows });
    std::fs::write(folder.path().join("summary.json"), summary.to_string()).unwrap();
    folder
}

fn number(mean: f64, ci95: f64) -> Value {
    json!({ "mean": mean, "ci95": ci95 })
}

fn row(router: &str, energy: Value, saved: Value) -> Value {
    json!({ "router": router, "seeds": 10, "metrics": { "energy_j": energy, "energy_savings_percent": saved } })
}

fn baseline() -> Value {
    let mut row = row("baseline", number(100.0, 1.0), number(0.0, 0.0));
    row["baseline"] = json!(true);
    row
}

/// What is bold, row by row.
fn bold(rows: &[Value]) -> Vec<String> {
    let table = text(folder(rows).path(), ON_TERMINAL).unwrap();
    table.split("\u{1b}[1m").skip(1).map(|rest| rest.split("\u{1b}[0m").next().unwrap().to_owned()).collect()
}

#[test]
fn the_best_is_bold_if_it_is_surely_the_best() {
    let good = row("good", number(80.0, 1.0), number(20.0, 0.5));
    let better = row("better", number(70.0, 1.0), number(30.0, 0.5));
    assert_eq!(bold(&[baseline(), good.clone(), better]), ["70.00 ± 1.00 J", "+30.00 ± 0.50 %"]);
    // Another one that might be as good.
    let close = row("close", number(79.0, 0.5), number(21.0, 0.4));
    assert_eq!(bold(&[baseline(), good.clone(), close]), ["+21.00 ± 0.40 %"], "80 - 1 is within 79 + 0.5");
    // Equals share it, unless all are equal.
    let twin = row("twin", number(80.0, 1.0), number(20.0, 0.5));
    assert_eq!(bold(&[baseline(), good.clone(), twin.clone()]).len(), 4);
    assert!(bold(&[good.clone(), twin]).is_empty());
    assert!(bold(&[good]).is_empty());
}

#[test]
fn baselines_luck_and_oracles_win_nothing() {
    let worse = row("worse", number(120.0, 1.0), number(-20.0, 0.5));
    assert_eq!(bold(&[baseline(), worse]), ["100.0 ± 1.0 J"], "the baseline needs the least, and saves nothing");

    let mut lucky = row("lucky", json!({ "mean": 99.0 }), json!({ "mean": 1.0 }));
    lucky["versus_baseline"] =
        json!({ "pairs": 10, "p_value": 0.2, "p_holm": 0.2, "comparisons": 1, "significant": false });
    assert!(bold(&[baseline(), lucky]).iter().all(|cell| !cell.contains('%')));

    let real = row("real", number(80.0, 1.0), number(20.0, 0.5));
    let mut oracle = row("oracle", number(50.0, 1.0), number(50.0, 0.5));
    oracle["warnings"] = json!(["oracle: this router sees true costs that no real router knows"]);
    assert_eq!(bold(&[baseline(), oracle, real]), ["80.00 ± 1.00 J", "+20.00 ± 0.50 %"]);
}

#[test]
fn rows_of_different_worlds_do_not_compete() {
    let at = |mut row: Value, batch: &str, lambda: Option<&str>| {
        row["point"] = json!({ "arrivals.batch_size": batch });
        if let Some(lambda) = lambda {
            row["point"]["router.lambda"] = json!(lambda);
        }
        row
    };
    let router = |energy: f64| row("router", number(energy, 0.1), number(100.0 - energy, 0.1));
    let rows = [
        at(baseline(), "1", None),
        at(router(90.0), "1", Some("0.1")),
        at(router(85.0), "1", Some("0.2")),
        at(baseline(), "2", None),
        at(router(40.0), "2", Some("0.1")),
    ];
    let expected = ["85.00 ± 0.10 J", "+15.00 ± 0.10 %", "40.00 ± 0.10 J", "+60.00 ± 0.10 %"];
    assert_eq!(bold(&rows), expected);
}

#[test]
fn without_a_terminal_nothing_is_bold_and_the_rest_is_the_same() {
    let folder = folder(&[baseline(), row("good", number(80.0, 1.0), number(20.0, 0.5))]);
    let (plain, styled) = (text(folder.path(), Look::default()), text(folder.path(), ON_TERMINAL));
    let (plain, styled) = (plain.unwrap(), styled.unwrap());
    assert!(!plain.contains('\u{1b}') && !plain.contains("bold"));
    let unstyled = styled.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    let lines: Vec<&str> = unstyled.lines().filter(|line| !line.starts_with("note: bold: ")).collect();
    assert_eq!(lines, plain.lines().collect::<Vec<_>>());
}

#[test]
fn ascii_is_ascii() {
    let folder = folder(&[baseline(), row("good", number(80.0, 1.0), number(20.0, 0.5))]);
    let table = text(folder.path(), Look { ascii: true, ..Look::default() }).unwrap();
    assert!(table.is_ascii() && table.contains("80.00 +- 1.00 J") && table.contains("note: +- is the 95 %"), "{table}");
}

#[test]
fn a_narrow_terminal_loses_the_least_important_columns_and_is_told_so() {
    let mut good = row("good", number(80.0, 1.0), number(20.0, 0.5));
    for metric in ["mass_regret", "combine_weight_tv", "topk_agreement", "latency_p99_s", "peak_temperature_degc"] {
        good["metrics"][metric] = number(0.5, 0.01);
    }
    let folder = folder(&[baseline(), good]);
    let at = |width: u16| text(folder.path(), Look { width: Some(width), ..Look::default() }).unwrap();
    assert!(!at(200).contains("too wide"));
    for (width, there, gone) in [(95, "peak", "weight TV"), (65, "mass regret", "p99"), (30, "saved", "mass regret")] {
        let table = at(width);
        let head = table.lines().next().unwrap();
        assert!(head.contains(there) && !head.contains(gone), "{width}\n{table}");
        let note = table.lines().find(|line| line.starts_with("note: too wide for this terminal: ")).unwrap();
        assert!(note.contains(gone) && note.ends_with("summary.json"), "{note}");
        if width > 30 {
            assert!(table.lines().take(4).all(|line| line.chars().count() <= usize::from(width)), "{table}");
        }
    }
}

#[test]
fn names_stay_in_their_cells() {
    let hostile = "</script>|**x** `a` \u{1b}[31m\r\n\u{202e}🔥 \"q\"";
    let mut row = row(hostile, number(80.0, 1.0), number(20.0, 0.5));
    row["point"] = json!({ "router.name": "a|b\nc" });
    row["warnings"] = json!([format!("few seeds: 3 of {hostile}")]);
    let long = "ä".repeat(10_000);
    let folder = folder(&[baseline(), row, middling(&long)]);
    let table = text(folder.path(), Look::default()).unwrap();
    assert!(table.chars().all(|c| c == '\n' || !c.is_control()) && !table.contains('\u{202e}'), "{table:?}");
    assert!(table.contains("🔥 \"q\"") && table.lines().all(|line| line.chars().count() < 200), "{table}");
    let page = markdown(folder.path()).unwrap();
    assert!(page.contains(r"\</script\>\|\*\*x\*\* \`a\` "), "{page}");
    let bars = |line: &str| line.matches('|').count() - line.matches(r"\|").count();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|line| bars(line) == bars(rows[0])), "{page}");
    // Other programs get what was written.
    let mut bytes = Vec::new();
    csv(folder.path(), &mut bytes).unwrap().unwrap();
    let mut reader = ::csv::Reader::from_reader(&bytes[..]);
    let names: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
    assert_eq!(names, ["baseline", hostile, &long]);
}

fn middling(router: &str) -> Value {
    row(router, number(90.0, 1.0), number(10.0, 0.5))
}

#[test]
fn csv_has_every_number_of_the_summary() {
    let mut good =
        row("good, or so", number(80.125, 1.5), json!({ "mean": 20.0, "ci95": 0.6, "bounds": [19.0, 20.25] }));
    good["point"] = json!({ "router.lambda": "0.1" });
    good["versus_baseline"] = json!({
        "energy_difference_j": { "mean": -20.0, "ci95": 0.5 }, "pairs": 10, "p_value": 1e-12, "p_holm": 2e-12,
        "comparisons": 2, "significant": true
    });
    good["warnings"] = json!(["a: b", "c"]);
    good["metrics"]["of_tomorrow_x"] = json!({ "mean": 3.0 });
    let folder = folder(&[baseline(), good]);
    let mut bytes = Vec::new();
    csv(folder.path(), &mut bytes).unwrap().unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "router,baseline,router.lambda,seeds,energy_j,energy_j_low,energy_j_high,energy_savings_percent,\
         energy_savings_percent_low,energy_savings_percent_high,of_tomorrow_x,of_tomorrow_x_low,of_tomorrow_x_high,\
         energy_difference_j,energy_difference_j_low,energy_difference_j_high,p_value,p_holm,significant,warnings\n\
         baseline,true,,10,100,99,101,0,0,0,,,,,,,,,,\n\
         \"good, or so\",false,0.1,10,80.125,78.625,81.625,20,19,20.25,3,,,-20,-20.5,-19.5,0.000000000001,0.000000000002,true,a: b; c\n"
    );
}

#[test]
fn of_many_rows_people_see_some_and_programs_all() {
    let mut rows: Vec<Value> =
        (0..300).map(|n| row(&format!("r{n}"), number(100.0, 1.0), number(f64::from(n % 97), 0.1))).collect();
    rows.insert(0, baseline());
    let folder = folder(&rows);
    for page in [text(folder.path(), ON_TERMINAL).unwrap(), markdown(folder.path()).unwrap()] {
        assert!(page.lines().count() < 40, "{page}");
        for said in ["the first 10 of 301 rows", "the 10 rows that save most", "all 301 rows are in ", "r96", "r193"] {
            assert!(page.contains(said), "`{said}` in\n{page}");
        }
        assert!(!page.contains('\u{1b}') && !page.contains("**"), "the best may be one that is not shown");
    }
    let mut bytes = Vec::new();
    csv(folder.path(), &mut bytes).unwrap().unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 302);
    let mut copy = Vec::new();
    json(folder.path(), &mut copy).unwrap().unwrap();
    assert_eq!(copy, std::fs::read(folder.path().join("summary.json")).unwrap());
}

#[test]
fn what_is_missing_is_said_and_nothing_is_refused() {
    let part = folder(&[baseline()]);
    let table = text(part.path(), Look::default()).unwrap();
    assert!(table.contains("note: series.parquet: it is missing"), "{table}");
    let empty = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    assert!(text(empty.path(), Look::default()).is_err() && markdown(empty.path()).is_err());
    assert!(csv(empty.path(), &mut out).is_err());
    std::fs::write(empty.path().join("summary.json"), "{ \"rows\": [").unwrap();
    let error = json(empty.path(), &mut out).unwrap_err().to_string();
    assert!(error.contains("summary.json: it cannot be read") && out.is_empty(), "{error}");
}

#[test]
fn failed_runs_are_told_once() {
    let folder = folder(&[baseline()]);
    let path = folder.path().join("summary.json");
    let mut summary: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let failure = |seed: u32, message: &str| json!({ "run": "id", "router": "r", "seed": seed, "message": message });
    summary["failures"] =
        json!([failure(3, "at event 5: no home"), failure(4, "at event 9: no home"), failure(5, "else")]);
    std::fs::write(&path, summary.to_string()).unwrap();
    let table = text(folder.path(), Look::default()).unwrap();
    let failed: Vec<&str> = table.lines().filter(|line| line.contains("failed")).collect();
    assert_eq!(failed, ["failed: r with seed 3 (2 runs alike): at event 5: no home", "failed: r with seed 5: else"]);
}

/// A disk that is full, or a reader that has gone away.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_takes_no_more_is_not_blamed_on_the_folder() {
    let rows: Vec<Value> = (0..2000).map(|n| middling(&format!("r{n}"))).collect();
    let folder = folder(&rows);
    for error in [csv(folder.path(), Full).unwrap().unwrap_err(), json(folder.path(), Full).unwrap().unwrap_err()] {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
}

/// Names get shorter before columns leave, points after them; what a saving has cost stays as long as there is any other way.
#[test]
fn long_names_and_points_cost_letters_and_not_the_answer() {
    let long = |end: &str| format!("energy-penalty of the second rack in the north building, {end}");
    let rows: Vec<Value> = ["day", "night"]
        .iter()
        .map(|end| {
            let mut row = row(&long(end), number(80_000.0, 100.0), number(20.0, 0.5));
            row["point"] =
                json!({ "arrivals.kind_of_the_stream_that_comes": format!("everything that there is by {end}") });
            for metric in ["mass_regret", "combine_weight_tv", "topk_agreement", "latency_p99_s", "hot_share"] {
                row["metrics"][metric] = number(0.5, 0.01);
            }
            row
        })
        .collect();
    let folder = folder(&rows);
    let at = |width: u16| text(folder.path(), Look { width: Some(width), ..Look::default() }).unwrap();
    let whole = at(300);
    assert!(whole.contains(&long("day")) && !whole.contains("shortened"), "{whole}");
    for width in [190, 120, 100, 80] {
        let table = at(width);
        assert!(table.lines().take(4).all(|line| line.chars().count() <= usize::from(width)), "{width}\n{table}");
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[0].contains("energy") && lines[0].contains("saved") && lines[0].contains("mass regret"),
            "{table}"
        );
        assert!(
            lines[2].contains("day ") && lines[3].contains("night "),
            "names and points are still told apart\n{table}"
        );
        assert!(table.contains("note: names are shortened for this terminal; whole ones are in "), "{table}");
    }
    assert!(at(190).contains("everything that there is by night") && at(190).contains("weight TV"), "{}", at(190));
}
