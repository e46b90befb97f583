//! A results folder written here, as `docs/RESULTS.md` describes it.
#![allow(dead_code, reason = "each test program uses another part of it")]

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use isotherm_report::results::{Column, Kind};
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

/// The values of a column.
#[derive(Clone)]
pub(crate) enum Values {
    Text(Vec<String>),
    Whole(Vec<i64>),
    Real(Vec<Option<f64>>),
    Counts(Vec<Vec<i32>>),
    Lists(Vec<Vec<f32>>),
}

pub(crate) type Table = Vec<(&'static str, Values)>;

pub(crate) const HASH: &str = "5ce0";

/// Writes a table in row groups of `rows` rows.
pub(crate) fn write(path: &Path, table: &Table, hash: &str, rows: usize) {
    let mut file = Writer::begin(path, table, hash);
    let count = table.first().map_or(0, |(_, values)| values.len());
    for from in (0..count).step_by(rows) {
        file.add(table, from..(from + rows).min(count));
    }
    file.finish();
}

/// A table under way.
pub(crate) struct Writer(SerializedFileWriter<File>);

impl Writer {
    /// An empty file with the columns of this table.
    pub(crate) fn begin(path: &Path, table: &Table, hash: &str) -> Self {
        let fields = table.iter().map(|(name, values)| Arc::new(field(name, values))).collect();
        let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build().unwrap());
        let origin = vec![KeyValue::new("isotherm.scenario_hash".to_owned(), hash.to_owned())];
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(origin))
            .build();
        let file = File::create(path).unwrap();
        Self(SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap())
    }

    /// Some rows of a table, as a row group.
    pub(crate) fn add(&mut self, table: &Table, rows: Range<usize>) {
        let mut group = self.0.next_row_group().unwrap();
        for (_, values) in table {
            let mut column = group.next_column().unwrap().unwrap();
            values.write(&mut column, rows.clone());
            column.close().unwrap();
        }
        group.close().unwrap();
    }

    pub(crate) fn finish(self) {
        self.0.close().unwrap();
    }
}

impl Values {
    fn write(&self, column: &mut SerializedColumnWriter<'_>, rows: Range<usize>) {
        let written = match self {
            Self::Text(texts) => {
                let bytes: Vec<ByteArray> = texts[rows].iter().map(|text| ByteArray::from(text.as_str())).collect();
                column.typed::<ByteArrayType>().write_batch(&bytes, None, None)
            }
            Self::Whole(numbers) => column.typed::<Int64Type>().write_batch(&numbers[rows], None, None),
            Self::Real(numbers) => {
                let numbers = &numbers[rows];
                let levels: Vec<i16> = numbers.iter().map(|number| i16::from(number.is_some())).collect();
                let there: Vec<f64> = numbers.iter().flatten().copied().collect();
                column.typed::<DoubleType>().write_batch(&there, Some(&levels), None)
            }
            Self::Counts(lists) => {
                let (flat, definition, repetition) = flatten(&lists[rows]);
                column.typed::<Int32Type>().write_batch(&flat, Some(&definition), Some(&repetition))
            }
            Self::Lists(lists) => {
                let (flat, definition, repetition) = flatten(&lists[rows]);
                column.typed::<FloatType>().write_batch(&flat, Some(&definition), Some(&repetition))
            }
        };
        written.unwrap();
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::Counts(values) => values.len(),
            Self::Lists(values) => values.len(),
        }
    }
}

fn flatten<T: Copy>(lists: &[Vec<T>]) -> (Vec<T>, Vec<i16>, Vec<i16>) {
    let (mut definition, mut repetition) = (Vec::new(), Vec::new());
    for list in lists {
        definition.extend((0..list.len().max(1)).map(|_| i16::from(!list.is_empty())));
        repetition.extend((0..list.len().max(1)).map(|position| i16::from(position > 0)));
    }
    (lists.concat(), definition, repetition)
}

fn field(name: &str, values: &Values) -> Type {
    let primitive = |physical, repetition| Type::primitive_type_builder(name, physical).with_repetition(repetition);
    match values {
        Values::Text(_) => primitive(Physical::BYTE_ARRAY, Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .with_converted_type(ConvertedType::UTF8)
            .build()
            .unwrap(),
        Values::Whole(_) => primitive(Physical::INT64, Repetition::REQUIRED).build().unwrap(),
        Values::Real(_) => primitive(Physical::DOUBLE, Repetition::OPTIONAL).build().unwrap(),
        Values::Counts(_) => list(name, Physical::INT32),
        Values::Lists(_) => list(name, Physical::FLOAT),
    }
}

fn list(name: &str, physical: Physical) -> Type {
    let element =
        Type::primitive_type_builder("element", physical).with_repetition(Repetition::REQUIRED).build().unwrap();
    let repeated = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()
        .unwrap();
    Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_converted_type(ConvertedType::LIST)
        .with_fields(vec![Arc::new(repeated)])
        .build()
        .unwrap()
}

/// Routers and seeds of the comparison, in the order of the plan.
pub(crate) const ROUTERS: [&str; 2] = ["baseline", "penalty"];
pub(crate) const SEEDS: usize = 2;
pub(crate) const GPUS: usize = 3;

pub(crate) fn run_id(run: usize) -> String {
    format!("{run:016x}")
}

/// Runs, seed after seed, router after router.
pub(crate) fn runs() -> Table {
    let count = ROUTERS.len() * SEEDS;
    let text = |value: &dyn Fn(usize) -> String| Values::Text((0..count).map(value).collect());
    let router = |run: usize| run % ROUTERS.len();
    vec![
        ("run_id", text(&run_id)),
        ("scenario", text(&|_| "written".to_owned())),
        ("router", text(&|run| ROUTERS[router(run)].to_owned())),
        ("point", text(&|run| if router(run) == 1 { "router.lambda=0.1".to_owned() } else { String::new() })),
        ("seed", text(&|run| (run / ROUTERS.len()).to_string())),
        ("stream_id", text(&|run| format!("stream {}", run / ROUTERS.len()))),
        ("error", text(&|_| String::new())),
        ("trace_hash", text(&|_| "0".to_owned())),
        ("events", Values::Whole(vec![7; count])),
        (
            "energy_j",
            Values::Real((0..count).map(|run| Some(100.0 - 10.0 * router(run) as f64 + run as f64)).collect()),
        ),
        ("energy_savings_percent", Values::Real((0..count).map(|run| Some(10.0 * router(run) as f64)).collect())),
        ("carbon_g", Values::Real(vec![None; count])),
    ]
}

/// Energy of a batch of a run.
pub(crate) fn joules(run: usize, batch: usize) -> f64 {
    (100 * run + batch) as f64
}

/// As many batches of every run.
pub(crate) fn series(batches: usize) -> Table {
    let rows: Vec<(usize, usize)> =
        (0..ROUTERS.len() * SEEDS).flat_map(|run| (0..batches).map(move |batch| (run, batch))).collect();
    let whole = |value: &dyn Fn(usize) -> i64| Values::Whole(rows.iter().map(|(_, batch)| value(*batch)).collect());
    let per_gpu = |value: &dyn Fn(usize, usize, usize) -> f32| {
        let list = |(run, batch): &(usize, usize)| (0..GPUS).map(|gpu| value(*run, *batch, gpu)).collect();
        Values::Lists(rows.iter().map(list).collect())
    };
    let mut table = vec![
        ("run_id", Values::Text(rows.iter().map(|(run, _)| run_id(*run)).collect())),
        ("batch", whole(&|batch| batch as i64)),
        ("started_ns", whole(&|batch| 1_000_000 * batch as i64 + 10)),
        ("finished_ns", whole(&|batch| 1_000_000 * (batch as i64 + 1))),
        ("energy_j", Values::Real(rows.iter().map(|(run, batch)| Some(joules(*run, *batch))).collect())),
        ("gate_kl_nats", Values::Real(rows.iter().map(|(run, _)| (run % 2 == 1).then_some(0.25)).collect())),
        (
            "mass_regret",
            Values::Real(rows.iter().map(|(_, batch)| Some(if *batch == 1 { f64::NAN } else { 0.5 })).collect()),
        ),
        ("usage", Values::Counts(rows.iter().map(|(_, batch)| vec![*batch as i32, 4]).collect())),
        ("temperature_degc", per_gpu(&|run, batch, gpu| (40 + run + batch + 10 * gpu) as f32)),
        ("power_w", per_gpu(&|_, _, gpu| 100.0 * gpu as f32)),
        ("clock_mhz", Values::Lists(vec![Vec::new(); rows.len()])),
    ];
    for column in Column::ALL {
        if !table.iter().any(|(name, _)| *name == column.name()) {
            table.push(match column.kind() {
                Kind::Whole => (column.name(), Values::Whole(vec![0; rows.len()])),
                Kind::Real => (column.name(), Values::Real(vec![None; rows.len()])),
                Kind::List => (column.name(), Values::Lists(vec![Vec::new(); rows.len()])),
            });
        }
    }
    table
}

pub(crate) const SUMMARY: &str = r#"{
  "schema_version": 2, "isotherm": "0.1.0", "scenario": "written", "scenario_hash": "5ce0", "data_files": [], "interval": "student-t",
  "rows": [
    { "scenario": "written", "router": "baseline", "baseline": true, "point": {}, "seeds": 2,
      "metrics": { "energy_j": { "mean": 101.0, "ci95": 1.5 }, "carbon_g": { "mean": null, "ci95": null } }, "warnings": [] },
    { "scenario": "written", "router": "penalty", "baseline": false, "point": { "router.lambda": "0.1" }, "seeds": 2,
      "metrics": { "energy_j": { "mean": 92.0, "ci95": 0.5, "bounds": [91.5, 92.75] } },
      "versus_baseline": { "energy_difference_j": { "mean": -9.0, "ci95": 1.0 }, "pairs": 2, "p_value": 0.01, "p_holm": 0.01, "comparisons": 1, "significant": true },
      "warnings": ["fewer than ten seeds"], "later": { "key": 1 } }
  ],
  "failures": []
}"#;

/// A whole folder; the series in row groups of `rows` rows.
pub(crate) fn whole(batches: usize, rows: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("summary.json"), SUMMARY).unwrap();
    std::fs::write(path.join("scenario.resolved.toml"), "name = \"written\"\n[hardware]\ngpus = 3\n").unwrap();
    write(&path.join("runs.parquet"), &runs(), HASH, 100);
    write(&path.join("series.parquet"), &series(batches), HASH, rows);
    let text = |value: &str| Values::Text(vec![value.to_owned()]);
    let throttling: Table = vec![
        ("run_id", text(&run_id(1))),
        ("gpu", Values::Whole(vec![2])),
        ("reason", text("SwThermalSlowdown")),
        ("cause", text("MemoryThermalSlowdown")),
        ("from_ns", Values::Whole(vec![5])),
        ("until_ns", Values::Whole(vec![9])),
    ];
    write(&path.join("throttling.parquet"), &throttling, HASH, 100);
    folder
}
