//! Values of one column of a table, some rows at a time: only what was asked for is decoded, and a page at a time is in memory.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::RowGroupReader;

use super::caught::caught;

/// The next rows of a column.
#[derive(Debug)]
pub(super) enum Cells {
    Texts(Vec<ByteArray>),
    Wholes(Vec<Option<i64>>),
    /// Absent values are `NaN`.
    Reals(Vec<f64>),
    /// Lists one after another, and where each one ends.
    Lists {
        values: Vec<f64>,
        ends: Vec<usize>,
    },
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Texts(values) => values.len(),
            Self::Wholes(values) => values.len(),
            Self::Reals(values) => values.len(),
            Self::Lists { ends, .. } => ends.len(),
        }
    }

    /// The number in a row, if there is a finite one.
    pub(super) fn value(&self, row: usize) -> Option<f64> {
        match self {
            Self::Wholes(values) => values.get(row).copied().flatten().map(|value| value as f64),
            Self::Reals(values) => values.get(row).copied().filter(|value| value.is_finite()),
            Self::Texts(_) | Self::Lists { .. } => None,
        }
    }

    pub(super) fn whole(&self, row: usize) -> Option<i64> {
        match self {
            Self::Wholes(values) => values.get(row).copied().flatten(),
            _ => None,
        }
    }

    pub(super) fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Texts(values) => values.get(row)?.as_utf8().ok(),
            _ => None,
        }
    }

    pub(super) fn list(&self, row: usize) -> &[f64] {
        match self {
            Self::Lists { values, ends } => {
                let from = if row == 0 { 0 } else { ends.get(row - 1).copied().unwrap_or_default() };
                ends.get(row).and_then(|to| values.get(from..*to)).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// A column of a row group, read from its first row on.
pub(super) struct CellReader {
    reader: ColumnReader,
    levels: Levels,
}

/// How a column nests: the definition level of a value that is there, and whether rows are lists.
#[derive(Clone, Copy)]
struct Levels {
    present: i16,
    is_list: bool,
}

impl CellReader {
    pub(super) fn open(group: &dyn RowGroupReader, place: usize) -> Result<Self> {
        let metadata = group.metadata();
        let column = metadata
            .columns()
            .get(place)
            .ok_or_else(|| ParquetError::General(format!("a row group has no column {place}")))?
            .column_descr();
        let levels = Levels { present: column.max_def_level(), is_list: column.max_rep_level() > 0 };
        Ok(Self { reader: caught(|| group.get_column_reader(place))?, levels })
    }

    /// The next `rows` rows, fewer at the end of the group.
    pub(super) fn read(&mut self, rows: usize) -> Result<Cells> {
        let levels = self.levels;
        caught(|| match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                let pulled = Pulled::pull(reader, rows, levels)?;
                Ok(Cells::Texts(pulled.flat().map(Option::unwrap_or_default).collect()))
            }
            ColumnReader::Int64ColumnReader(reader) => wholes(Pulled::pull(reader, rows, levels)?),
            ColumnReader::Int32ColumnReader(reader) => wholes(Pulled::pull(reader, rows, levels)?),
            ColumnReader::DoubleColumnReader(reader) => reals(Pulled::pull(reader, rows, levels)?),
            ColumnReader::FloatColumnReader(reader) => reals(Pulled::pull(reader, rows, levels)?),
            _ => Err(ParquetError::General("a column has a type that no results have".to_owned())),
        })
    }

    /// Passes over the next `rows` rows.
    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        let skipped = caught(|| match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => reader.skip_records(rows),
            ColumnReader::Int64ColumnReader(reader) => reader.skip_records(rows),
            ColumnReader::Int32ColumnReader(reader) => reader.skip_records(rows),
            ColumnReader::DoubleColumnReader(reader) => reader.skip_records(rows),
            ColumnReader::FloatColumnReader(reader) => reader.skip_records(rows),
            _ => Ok(rows),
        })?;
        if skipped == rows { Ok(()) } else { Err(ParquetError::General("a column has too few rows".to_owned())) }
    }
}

/// Whole numbers as they are; lists of them as reals, for whoever plots them.
fn wholes<T: Copy + Into<i64>>(pulled: Pulled<T>) -> Result<Cells> {
    if pulled.levels.is_list {
        return Ok(pulled.lists(|value| value.into() as f64));
    }
    Ok(Cells::Wholes(pulled.flat().map(|value| value.map(Into::into)).collect()))
}

fn reals<T: Copy + Into<f64>>(pulled: Pulled<T>) -> Result<Cells> {
    if pulled.levels.is_list {
        return Ok(pulled.lists(Into::into));
    }
    Ok(Cells::Reals(pulled.flat().map(|value| value.map_or(f64::NAN, Into::into)).collect()))
}

/// Rows as Parquet stores them: values that are there, and levels that say where.
struct Pulled<T> {
    values: Vec<T>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
    levels: Levels,
}

impl<T> Pulled<T> {
    fn pull<D: DataType<T = T>>(reader: &mut ColumnReaderImpl<D>, rows: usize, levels: Levels) -> Result<Self> {
        let mut pulled = Self { values: Vec::new(), definition: Vec::new(), repetition: Vec::new(), levels };
        let mut left = rows;
        while left > 0 {
            let (read, ..) = reader.read_records(
                left,
                (levels.present > 0).then_some(&mut pulled.definition),
                levels.is_list.then_some(&mut pulled.repetition),
                &mut pulled.values,
            )?;
            if read == 0 {
                break;
            }
            left -= read;
        }
        Ok(pulled)
    }

    /// A value a row, where there is one.
    fn flat(self) -> impl Iterator<Item = Option<T>> {
        let Self { values, definition, levels, .. } = self;
        let rows = if levels.present > 0 { definition.len() } else { values.len() };
        let mut values = values.into_iter();
        (0..rows).map(move |row| match definition.get(row) {
            Some(level) if *level < levels.present => None,
            _ => values.next(),
        })
    }

    /// A list a row.
    fn lists(self, number: impl Fn(T) -> f64) -> Cells {
        let (mut flat, mut ends) = (Vec::with_capacity(self.values.len()), Vec::new());
        let mut values = self.values.into_iter();
        for (level, repetition) in self.definition.iter().zip(&self.repetition) {
            if *repetition == 0 {
                ends.push(flat.len());
            }
            if *level == self.levels.present {
                flat.extend(values.next().map(&number));
                if let Some(end) = ends.last_mut() {
                    *end = flat.len();
                }
            }
        }
        Cells::Lists { values: flat, ends }
    }
}
