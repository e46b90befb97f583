//! A CSV journal to Parquet, a row group at a time.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::error::{RecordError, journal_of};
use crate::file::nanos;
use crate::header::{FORMAT, Header};

/// Rows of a row group: what is in memory at once.
const GROUP: usize = 8192;

/// Makes the Parquet file of a recording that was killed from the journal it left; `path` names either of the two.
///
/// A last line without its end is left out. The journal is taken away when the Parquet file is whole.
///
/// # Errors
/// [`RecordError`]: there is no journal, the Parquet file is there already, or it cannot be made.
pub fn recover(path: &Path) -> Result<PathBuf, RecordError> {
    let name = path.to_string_lossy();
    let target = name.strip_suffix(".journal.csv").map_or_else(|| path.to_owned(), PathBuf::from);
    if target.exists() {
        return Err(RecordError::Exists { path: target, hint: String::new() });
    }
    to_parquet(&journal_of(&target), &target)?;
    Ok(target)
}

/// Writes `target` whole under another name, gives it its name, then takes the journal away.
pub(super) fn to_parquet(journal: &Path, target: &Path) -> Result<(), RecordError> {
    let fault = |why: String| RecordError::Convert { path: target.to_owned(), why };
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    convert(journal, &partial).map_err(|why| {
        let _ = fs::remove_file(&partial);
        fault(why)
    })?;
    fs::rename(&partial, target).map_err(|error| fault(error.to_string()))?;
    fs::remove_file(journal).map_err(|error| fault(error.to_string()))
}

fn convert(journal: &Path, target: &Path) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut rows = BufReader::new(File::open(journal).map_err(text)?);
    let (mut first, mut names) = (String::new(), String::new());
    rows.read_line(&mut first).and_then(|_| rows.read_line(&mut names)).map_err(text)?;
    let header = Header::from_line(first.trim_end()).ok_or("the journal has no header")??;
    let mut columns: Vec<Column> = names.trim_end().split(',').map(Column::of).collect();
    write(rows, &header, &mut columns, File::create(target).map_err(text)?).map_err(|error| error.to_string())
}

fn write(mut rows: impl BufRead, header: &Header, columns: &mut [Column], target: File) -> Result<(), ParquetError> {
    let fields = columns.iter().map(|column| column.field().map(Arc::new)).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("recording").with_fields(fields).build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("isotherm {}", env!("CARGO_PKG_VERSION")))
        .build();
    let mut writer = SerializedFileWriter::new(target, Arc::new(schema), Arc::new(properties))?;
    writer.append_key_value_metadata(KeyValue::new(FORMAT.to_owned(), header.to_json()));
    let mut line = String::new();
    loop {
        let mut count = 0;
        while count < GROUP {
            line.clear();
            rows.read_line(&mut line)?;
            // The end, or a line that a kill cut short.
            let Some(row) = line.strip_suffix('\n') else { break };
            columns.iter_mut().zip(row.split(',')).for_each(|(column, cell)| column.push(cell));
            count += 1;
        }
        if count == 0 {
            break;
        }
        let mut group = writer.next_row_group()?;
        for column in columns.iter_mut() {
            if let Some(mut out) = group.next_column()? {
                column.write(&mut out)?;
                out.close()?;
            }
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// The values of a column in the present row group; a level of 0 stands for an empty cell.
struct Column {
    name: String,
    values: Values,
    levels: Vec<i16>,
}

enum Values {
    Index(Vec<i32>),
    Whole(Vec<i64>),
    Real(Vec<f64>),
    Text(Vec<ByteArray>),
}

impl Column {
    /// Unix time in nanoseconds does not fit a double: `t_s` becomes the integer `t_ns`.
    fn of(name: &str) -> Self {
        let values = match name {
            "gpu" => Values::Index(Vec::new()),
            "status" => Values::Text(Vec::new()),
            _ if name.ends_with("_age_ms") => Values::Real(Vec::new()),
            _ => Values::Whole(Vec::new()),
        };
        Self { name: if name == "t_s" { "t_ns" } else { name }.to_owned(), values, levels: Vec::new() }
    }

    fn field(&self) -> Result<Type, ParquetError> {
        let physical = match self.values {
            Values::Index(_) => Physical::INT32,
            Values::Whole(_) => Physical::INT64,
            Values::Real(_) => Physical::DOUBLE,
            Values::Text(_) => Physical::BYTE_ARRAY,
        };
        let field = Type::primitive_type_builder(&self.name, physical).with_repetition(Repetition::OPTIONAL);
        match self.values {
            Values::Text(_) => {
                field.with_logical_type(Some(LogicalType::String)).with_converted_type(ConvertedType::UTF8)
            }
            _ => field,
        }
        .build()
    }

    fn push(&mut self, cell: &str) {
        let known = match &mut self.values {
            Values::Index(values) => cell.parse().map(|value| values.push(value)).is_ok(),
            Values::Whole(values) if self.name == "t_ns" => nanos(cell).map(|value| values.push(value)).is_some(),
            Values::Whole(values) => cell.parse().map(|value| values.push(value)).is_ok(),
            Values::Real(values) => cell.parse().map(|value| values.push(value)).is_ok(),
            Values::Text(values) => {
                values.push(ByteArray::from(cell));
                true
            }
        };
        self.levels.push(i16::from(known));
    }

    /// Writes the values and forgets them.
    fn write(&mut self, out: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        let levels = Some(levels.as_slice());
        match &mut self.values {
            Values::Index(values) => out.typed::<Int32Type>().write_batch(&std::mem::take(values), levels, None)?,
            Values::Whole(values) => out.typed::<Int64Type>().write_batch(&std::mem::take(values), levels, None)?,
            Values::Real(values) => out.typed::<DoubleType>().write_batch(&std::mem::take(values), levels, None)?,
            Values::Text(values) => out.typed::<ByteArrayType>().write_batch(&std::mem::take(values), levels, None)?,
        };
        Ok(())
    }
}
