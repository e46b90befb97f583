//! Our columns as Parquet.

use std::fs::File;

use isotherm_core::input::InputError;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use crate::header::{FORMAT, Header};
use crate::recorder::AGED;
use crate::signal::Signal;

use super::own::age_column;
use super::rows::{Row, Rows, Shape};
use super::table::{no_column, standing};
use super::{Format, Recording};

/// What such a file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Where the columns are.
struct Places {
    time: usize,
    gpu: Option<usize>,
    status: Option<usize>,
    /// Value and age.
    values: Vec<(Signal, usize, Option<usize>)>,
}

pub(super) fn read(file: &str) -> std::result::Result<Recording, InputError> {
    let fault = |error: ParquetError| {
        let found = format!("the Parquet file cannot be read ({error})");
        InputError::new(
            file,
            found,
            "expected a whole file; copy it again, or open the journal that a killed recording left",
        )
    };
    let reader = File::open(file).map_err(|error| fault(error.into()))?;
    let reader = SerializedFileReader::new(reader).map_err(fault)?;
    let metadata = reader.metadata().file_metadata();
    let fields = metadata.schema_descr().columns();
    let names: Vec<String> = fields.iter().map(|column| column.name().to_owned()).collect();
    let pairs = metadata.key_value_metadata().into_iter().flatten();
    let header = pairs.filter(|pair| pair.key == FORMAT).find_map(|pair| pair.value.as_deref()).map(Header::from_json);
    let header = header
        .transpose()
        .map_err(|found| InputError::new(file, found, "expected a file that this version of isotherm can read"))?;
    let places = places(&names)
        .ok_or_else(|| no_column("column `t_ns` (whole nanoseconds) with one such as `temp_c`", &names))
        .map_err(|(found, expected)| InputError::new(file, found, expected))?;
    let shape = Shape {
        signals: places.values.iter().map(|(signal, _, age)| (*signal, age.is_some())).collect(),
        has_standing: places.status.is_some(),
        has_age: false,
        outlives_clock: header.is_some(),
    };
    let mut rows = Rows::of(shape);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(fault)?;
        let group = Group::read(&*group, &places).map_err(fault)?;
        for row in 0..group.times.len() {
            let row = group.row(row);
            rows.push(&row).map_err(|(found, expected)| InputError::new(file, found, expected))?;
        }
    }
    Ok(rows.finish(file, Format::Parquet, header, (names, None)))
}

fn places(names: &[String]) -> Option<Places> {
    let find = |wanted: &str| names.iter().position(|name| name == wanted);
    let value = |signal: Signal| {
        let age = if AGED.contains(&signal) { find(&age_column(signal)) } else { None };
        Some((signal, find(signal.column())?, age))
    };
    let values: Vec<_> = Signal::ALL.into_iter().filter_map(value).collect();
    let is_any = !values.is_empty();
    is_any.then_some(Places { time: find("t_ns")?, gpu: find("gpu"), status: find("status"), values })
}

/// The columns of a row group.
struct Group {
    times: Vec<Option<i64>>,
    gpus: Vec<f64>,
    words: Vec<String>,
    values: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Group {
    fn read(group: &dyn RowGroupReader, places: &Places) -> Result<Self> {
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
        let column = |place: usize| -> Result<(ColumnReader, i16)> {
            Ok((group.get_column_reader(place)?, group.metadata().column(place).column_descr().max_def_level()))
        };
        let numbers = |place: Option<usize>| match place {
            Some(place) => column(place).and_then(|(reader, level)| numbers(reader, level, count)),
            None => Ok(Vec::new()),
        };
        let times = match column(places.time)? {
            (ColumnReader::Int64ColumnReader(reader), level) => all(reader, level, count)?,
            _ => return Err(ParquetError::General("`t_ns` is no column of 64-bit integers".to_owned())),
        };
        let words = match places.status.map(column).transpose()? {
            Some((ColumnReader::ByteArrayColumnReader(reader), level)) => all(reader, level, count)?,
            _ => Vec::new(),
        };
        let word =
            |word: Option<ByteArray>| word.and_then(|word| word.as_utf8().map(str::to_owned).ok()).unwrap_or_default();
        let values = places.values.iter().map(|(_, value, age)| Ok((numbers(Some(*value))?, numbers(*age)?)));
        Ok(Self {
            times,
            gpus: numbers(places.gpu)?,
            words: words.into_iter().map(word).collect(),
            values: values.collect::<Result<_>>()?,
        })
    }

    fn row(&self, row: usize) -> Row {
        let at = |column: &[f64]| column.get(row).copied().unwrap_or(f64::NAN);
        Row {
            time: self.times[row].unwrap_or_default(),
            gpu: self.gpus.get(row).map_or(0, |gpu| *gpu as u32),
            values: self.values.iter().map(|(values, ages)| (at(values), at(ages))).collect(),
            standing: self.words.get(row).map(|word| standing(word)).unwrap_or_default(),
            ..Row::default()
        }
    }
}

/// A column of any kind of number; NaN for no value.
fn numbers(reader: ColumnReader, level: i16, count: usize) -> Result<Vec<f64>> {
    fn real<T: DataType>(
        reader: ColumnReaderImpl<T>,
        level: i16,
        count: usize,
        to: fn(T::T) -> f64,
    ) -> Result<Vec<f64>> {
        Ok(all(reader, level, count)?.into_iter().map(|value| value.map_or(f64::NAN, to)).collect())
    }
    match reader {
        ColumnReader::Int32ColumnReader(reader) => real(reader, level, count, f64::from),
        ColumnReader::Int64ColumnReader(reader) => real(reader, level, count, |value| value as f64),
        ColumnReader::FloatColumnReader(reader) => real(reader, level, count, f64::from),
        ColumnReader::DoubleColumnReader(reader) => real(reader, level, count, |value| value),
        _ => Err(ParquetError::General("a column of readings holds no numbers".to_owned())),
    }
}

/// All values of a column; with a highest level of 0 there is one in each row.
fn all<T: DataType>(mut reader: ColumnReaderImpl<T>, level: i16, count: usize) -> Result<Vec<Option<T::T>>> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < count {
        let (more, ..) = reader.read_records(count - read, Some(&mut levels), None, &mut values)?;
        if more == 0 {
            return Err(ParquetError::EOF("a column ends early".to_owned()));
        }
        read += more;
    }
    if level == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.iter().map(|found| if *found == level { values.next() } else { None }).collect())
}
