//! A whole folder: every number that was written is read, and only what was asked for.

use isotherm_report::results::{Column, Estimate, Interval, Kind, Results, ThrottleRow, Wanted};
use proptest::prelude::*;

use crate::folder::{self, GPUS, ROUTERS, SEEDS, joules};

#[test]
fn nothing_is_missing() {
    let folder = folder::whole(5, 100);
    let results = Results::open(folder.path()).unwrap();
    assert_eq!(results.gaps, []);
    assert_eq!((results.routers(), results.series_rows()), (vec!["baseline", "penalty"], Some(20)));
    assert_eq!(results.summary.interval, Interval::StudentT);
    let row = &results.summary.rows[1];
    let energy = row.metric("energy_j").unwrap();
    assert_eq!(energy, Estimate { mean: 92.0, ci95: Some(0.5), bounds: Some([91.5, 92.75]) });
    assert!(!row.is_luck() && row.versus_baseline.unwrap().energy_difference_j.unwrap().mean == -9.0);
    // A mean that is no number is none.
    assert_eq!(results.summary.rows[0].metric("carbon_g"), None);
    let gpus = results.scenario.as_ref().unwrap().get(&["hardware", "gpus"]).and_then(toml::Value::as_integer);
    assert_eq!(gpus, Some(3));
    let stretch = ThrottleRow {
        run: 1,
        gpu: 2,
        reason: "SwThermalSlowdown".to_owned(),
        cause: "MemoryThermalSlowdown".to_owned(),
        from_ns: 5,
        until_ns: 9,
    };
    assert_eq!(results.throttling(None).unwrap(), [stretch]);
    assert_eq!(results.throttling(Some(&[0])).unwrap(), []);
    assert_eq!((results.layers().unwrap().len(), results.frontier().unwrap().len()), (0, 0));
}

#[test]
fn runs_know_their_rows() {
    let folder = folder::whole(1, 100);
    let results = Results::open(folder.path()).unwrap();
    let rows: Vec<Option<usize>> = results.runs.iter().map(|run| run.row).collect();
    assert_eq!(rows, [Some(0), Some(1), Some(0), Some(1)]);
    let seeds: Vec<&str> = results.runs_of(1).map(|(_, run)| run.seed.as_str()).collect();
    assert_eq!(seeds, ["0", "1"]);
    assert_eq!(results.runs[3].metrics["energy_j"], 93.0);
    assert!(!results.runs[3].metrics.contains_key("carbon_g") && !results.runs[3].metrics.contains_key("events"));
}

#[test]
fn what_was_not_asked_for_is_not_there() {
    let folder = folder::whole(3, 100);
    let results = Results::open(folder.path()).unwrap();
    let mut seen = 0;
    let wanted = Wanted::of_runs(&[Column::EnergyJ], &[2]);
    results
        .each_batch(&wanted, |run, row| {
            assert_eq!((run, row.value(Column::EnergyJ)), (2, Some(joules(2, seen))));
            assert_eq!((row.value(Column::Batch), row.list(Column::TemperatureDegc)), (None, &[][..]));
            seen += 1;
        })
        .unwrap();
    assert_eq!(seen, 3);
}

#[test]
fn columns_have_the_names_of_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RESULTS.md")).unwrap();
    for column in Column::ALL {
        assert!(page.contains(&format!("`{}`", column.name())), "{} is not documented", column.name());
        let has_unit = column.name().ends_with(&format!("_{}", column.unit().to_lowercase()));
        assert!(column.unit().is_empty() || has_unit, "{} in {}", column.name(), column.unit());
    }
    assert!(Column::ALL.iter().any(|column| column.kind() == Kind::List));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every row once, in order, whatever the row groups are, and whichever runs are asked for.
    #[test]
    fn rows_come_once_and_in_order(batches in 1_usize..1500, rows in 1_usize..3000, runs in prop::option::of(prop::collection::vec(0_usize..4, 0..4))) {
        let rows = rows.max(batches / 50 + 1);
        let folder = folder::whole(batches, rows);
        let results = Results::open(folder.path()).unwrap();
        let wanted = Wanted { columns: Column::ALL.to_vec(), runs: runs.clone() };
        let mut seen = Vec::new();
        results.each_batch(&wanted, |run, row| {
            let batch = row.whole(Column::Batch).unwrap() as usize;
            seen.push((run, batch));
            assert_eq!(row.value(Column::EnergyJ), Some(joules(run, batch)));
            assert_eq!(row.whole(Column::FinishedNs), Some(1_000_000 * (batch as i64 + 1)));
            assert_eq!(row.value(Column::GateKlNats), (run % 2 == 1).then_some(0.25));
            // A number that is none is absent.
            assert_eq!(row.value(Column::MassRegret), (batch != 1).then_some(0.5));
            assert_eq!(row.list(Column::Usage), [batch as f64, 4.0]);
            let degc: Vec<f64> = (0..GPUS).map(|gpu| (40 + run + batch + 10 * gpu) as f64).collect();
            assert_eq!(row.list(Column::TemperatureDegc), degc);
            assert!(row.list(Column::ClockMhz).is_empty() && row.list(Column::BusyS).is_empty());
        }).unwrap();
        let all = (0..ROUTERS.len() * SEEDS).filter(|run| runs.as_ref().is_none_or(|runs| runs.contains(run)));
        let expected: Vec<(usize, usize)> = all.flat_map(|run| (0..batches).map(move |batch| (run, batch))).collect();
        prop_assert_eq!(seen, expected);
    }
}
