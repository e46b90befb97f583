//! Figures of batches and GPUs against the tables.

use isotherm_report::figure::{Kind, Scale, build};
use isotherm_report::palette::Ink;

use super::tables::{Row, interval, rows, runs};
use super::{Folder, figure, near, panel, series};

/// Rows of the series that belong to these runs, run after run.
fn batches(folder: &Folder, router: &str, point: &str) -> Vec<Vec<Row>> {
    let ids = runs(folder, router, point);
    let mut of_runs: Vec<Vec<Row>> = ids.iter().map(|_| Vec::new()).collect();
    for row in rows(folder, "series.parquet") {
        if let Some(place) = ids.iter().position(|id| id == row.text("run_id")) {
            of_runs[place].push(row);
        }
    }
    of_runs
}

/// The values of all seeds at a batch.
fn at(of_runs: &[Vec<Row>], batch: usize, column: &str) -> Vec<f64> {
    of_runs.iter().map(|rows| rows[batch].number(column)).collect()
}

#[test]
fn usage_is_the_share_of_the_assignments() {
    let folder = Folder::classic();
    let figure = figure("usage-over-time", &folder.results());
    let of_runs = batches(&folder, "ttt", "router.lambda=1");
    let heat = panel(&figure, "ttt").heat.as_ref().unwrap();
    assert_eq!(heat.edges.len(), 41, "40 batches, each a column");
    for batch in 0..40 {
        let lists: Vec<Vec<f64>> = of_runs.iter().map(|rows| rows[batch].list("usage")).collect();
        let all: f64 = lists.iter().flatten().sum();
        for expert in 0..8 {
            let of_expert: f64 = lists.iter().map(|list| list[expert]).sum();
            near(heat.rows[expert][batch].unwrap(), 100.0 * of_expert / all);
        }
    }
}

#[test]
fn long_runs_lose_no_assignment() {
    let folder = Folder::of("classic.toml", &["seeds=1", "arrivals.batches=250", "arrivals.batch_size=1"]);
    let figure = figure("usage-over-time", &folder.results());
    let heat = panel(&figure, "baseline").heat.as_ref().unwrap();
    assert!(heat.edges.len() <= 101 && heat.edges.last() == Some(&250.0), "{:?}", heat.edges);
    let rows = &batches(&folder, "baseline", "")[0];
    // The columns are 4 batches wide.
    near(heat.edges[1], 4.0);
    for (column, rows) in rows.chunks(4).enumerate() {
        let sum = |expert: usize| rows.iter().map(|row| row.list("usage")[expert]).sum::<f64>();
        let all: f64 = (0..8).map(sum).sum();
        near(heat.rows[3][column].unwrap(), 100.0 * sum(3) / all);
    }
}

#[test]
fn diversity_is_the_mean_over_seeds_with_its_interval() {
    let folder = Folder::classic();
    let figure = figure("diversity", &folder.results());
    let of_runs = batches(&folder, "ttt", "router.lambda=1");
    let line = series(&figure.panels[0], "ttt");
    let ribbon = figure.panels[0].series.iter().find(|series| series.name == "ttt").unwrap();
    assert_eq!((line.points.len(), ribbon.points.len()), (40, 40));
    for batch in 0..40 {
        let (mean, half) = interval(&at(&of_runs, batch, "expert_diversity_nats"));
        near(line.points[batch].y, mean);
        let [low, high] = ribbon.points[batch].y_range.unwrap();
        // Sums of squares lose digits that differences keep.
        assert!((low - mean + half).abs() < 1e-6 && (high - mean - half).abs() < 1e-6, "{low} {high} {mean} {half}");
    }
}

#[test]
fn recovery_is_against_the_baseline_on_the_same_tokens() {
    let folder = Folder::drift();
    let figure = figure("drift-recovery", &folder.results());
    let [baseline, ttt] = ["baseline", "ttt, eta 8"].map(|router| batches(&folder, router, ""));
    let line = series(&figure.panels[0], "ttt, eta 8");
    for batch in 0..40 {
        let pairs = at(&ttt, batch, "energy_j").into_iter().zip(at(&baseline, batch, "energy_j"));
        let saved: Vec<f64> = pairs.map(|(joules, reference)| 100.0 * (1.0 - joules / reference)).collect();
        near(line.points[batch].y, interval(&saved).0);
    }
    let rule = &figure.panels[0].rules[0];
    assert!(rule.upright && rule.at.to_bits() == 20.0_f64.to_bits());
    assert!(
        figure.notes.iter().any(|note| note.contains("Not back by the end: energy-penalty, old costs")),
        "{:?}",
        figure.notes
    );
    let classic = Folder::classic();
    let why = build("drift-recovery", &classic.results()).unwrap_err().to_string();
    assert!(why.contains("no [[change]]"), "{why}");
}

#[test]
fn latency_is_the_share_that_took_no_longer() {
    let folder = Folder::drift();
    let figure = figure("latency", &folder.results());
    let of_runs = batches(&folder, "baseline", "");
    let seconds = |row: &Row| (row.number("finished_ns") - row.number("arrived_ns")) * 1e-9;
    let mut all: Vec<f64> = of_runs.iter().flatten().map(seconds).collect();
    all.sort_by(f64::total_cmp);
    let points = &series(&figure.panels[0], "baseline").points;
    near(points.last().unwrap().x, *all.last().unwrap());
    near(points.last().unwrap().y, 100.0);
    for point in points.iter().skip(1) {
        let no_longer = all.iter().filter(|latency| **latency <= point.x * (1.0 + 1e-12)).count();
        near(point.y, 100.0 * no_longer as f64 / all.len() as f64);
    }
}

#[test]
fn temperature_stands_against_the_share_of_the_work() {
    let folder = Folder::drift();
    let figure = figure("temperature-vs-usage", &folder.results());
    let of_runs = batches(&folder, "ttt, eta 4", "");
    for (gpu, point) in series(&figure.panels[0], "ttt, eta 4").points.iter().enumerate() {
        let share = |rows: &Vec<Row>| {
            let [mine, all] = rows.iter().fold([0.0, 0.0], |[mine, all], row| {
                let usage = row.list("usage");
                [mine + usage[gpu], all + usage.iter().sum::<f64>()]
            });
            100.0 * mine / all
        };
        let degc =
            |rows: &Vec<Row>| rows.iter().map(|row| row.list("temperature_degc")[gpu]).sum::<f64>() / rows.len() as f64;
        near(point.x, interval(&of_runs.iter().map(share).collect::<Vec<_>>()).0);
        near(point.y, interval(&of_runs.iter().map(degc).collect::<Vec<_>>()).0);
    }
}

#[test]
fn every_gpu_has_its_line_and_its_limits() {
    let folder = Folder::device();
    let results = folder.results();
    let rows_of = batches(&folder, "ttt", "");
    let shown = [("temperature", "temperature_degc"), ("power", "power_w"), ("clock", "clock_mhz")];
    for (name, column) in shown {
        let figure = figure(name, &results);
        let panel = panel(&figure, "ttt");
        for gpu in 0..8 {
            let line = series(panel, &format!("GPU {gpu}"));
            assert_eq!(line.points.len(), 40);
            for (point, row) in line.points.iter().zip(&rows_of[0]) {
                near(point.x, row.number("finished_ns") * 1e-9);
                near(point.y, row.list(column)[gpu]);
            }
        }
    }
    let power = figure("power", &results);
    let cap = &panel(&power, "ttt").rules[0];
    assert_eq!((cap.name.as_str(), cap.at.to_bits()), ("power cap 700 W", 700.0_f64.to_bits()));
}

#[test]
fn what_is_shaded_is_the_time_that_gpus_were_held_back() {
    let folder = Folder::device();
    let figure = figure("power", &folder.results());
    let id = runs(&folder, "baseline", "")[0].clone();
    let stretches = rows(&folder, "throttling.parquet");
    let capped = stretches.iter().filter(|row| row.text("run_id") == id && row.text("reason") == "SwPowerCap");
    let end = panel(&figure, "baseline").series[0].points.last().unwrap().x;
    let seconds: f64 =
        capped.map(|row| (row.number("until_ns") * 1e-9).min(end) - (row.number("from_ns") * 1e-9).min(end)).sum();
    let bands = panel(&figure, "baseline").bands.iter().filter(|band| band.ink == Ink::Cold);
    let shaded: f64 = bands.map(|band| 8.0 * band.share * (band.range[1] - band.range[0])).sum();
    assert!(seconds > 0.0);
    // Neighbouring columns that differ by less than two hundredths are one band.
    assert!((shaded - seconds).abs() <= 0.02 * 8.0 * end, "{shaded} GPU s are shaded, {seconds} GPU s were held back");
}

#[test]
fn many_gpus_are_a_range() {
    let set = ["seeds=1", "arrivals.batches=8", "hardware.gpus=64", "model.experts=64"];
    let folder = Folder::of("device.toml", &set);
    let figure = figure("temperature", &folder.results());
    let panel = panel(&figure, "baseline");
    assert_eq!(panel.series.len(), 3);
    let rows_of = batches(&folder, "baseline", "");
    for (batch, row) in rows_of[0].iter().enumerate() {
        let degc = row.list("temperature_degc");
        assert_eq!(degc.len(), 64);
        near(series(panel, "highest of 64 GPUs").points[batch].y, degc.iter().copied().fold(f64::MIN, f64::max));
        near(series(panel, "mean of 64 GPUs").points[batch].y, degc.iter().sum::<f64>() / 64.0);
    }
}

#[test]
fn experts_are_hot_as_long_as_the_scenario_says() {
    let folder = Folder::drift();
    let figure = figure("usage-over-time", &folder.results());
    let Scale::Names(names) = &figure.panels[0].y.scale else { panic!("experts have names") };
    assert_eq!(names.join("|"), "0 hot later|1 hot later|2|3|4|5|6 hot at first|7 hot at first");
}

#[test]
fn two_seeds_have_no_band() {
    let folder = Folder::drift();
    let results = folder.results();
    for name in ["drift-recovery", "diversity"] {
        let figure = figure(name, &results);
        assert!(figure.panels.iter().flat_map(|panel| &panel.series).all(|series| series.kind != Kind::Ribbon));
        assert!(figure.notes.iter().any(|note| note.starts_with("Intervals are not drawn")), "{:?}", figure.notes);
    }
}

#[test]
fn a_router_that_saved_nothing_has_nothing_to_get_back() {
    let set = ["seeds=1", "arrivals.batches=30", "change=[{at_batch=1, hot=[0,1]}]"];
    let figure = figure("drift-recovery", &Folder::of("drift.toml", &set).results());
    let note = figure.notes.iter().find(|note| note.starts_with("Nothing to get back"));
    assert!(note.is_some_and(|note| note.contains("ttt, eta 1")), "{:?}", figure.notes);
}

#[test]
fn fixed_temperatures_are_told() {
    let told = |folder: &Folder| {
        let notes = figure("temperature-vs-usage", &folder.results()).notes;
        notes.iter().any(|note| note.contains("fixed"))
    };
    assert!(told(&Folder::classic()));
    assert!(!told(&Folder::device()));
}

#[test]
fn power_above_the_cap_is_told() {
    let folder = Folder::of("device.toml", &["seeds=1", "arrivals.batches=40", "hardware.power_cap=\"350 W\""]);
    let results = folder.results();
    let figure = figure("power", &results);
    let cap = &panel(&figure, "baseline").rules[0];
    assert_eq!((cap.name.as_str(), cap.at.to_bits()), ("power cap 350 W", 350.0_f64.to_bits()));
    let above = results.summary.rows.iter().any(|row| row.metric("cap_violation_s").is_some_and(|s| s.mean > 0.0));
    let said = figure.notes.iter().find(|note| note.starts_with("The cap holds for the mean of a second")).unwrap();
    assert_eq!(said.contains("cap_violation_s"), above, "{said}");
}
