//! Columns as a Parquet file: Snappy, no time stamps, the same bytes for the same row groups.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::columns::{Column, Values};

/// A Parquet file under way.
pub(super) struct Groups<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    count: usize,
}

impl<W: Write + Send> Groups<W> {
    /// An empty file with the names and types of these columns, whose metadata says where it is from.
    pub(super) fn new(name: &str, columns: &[Column], origin: &[(&str, String)], out: W) -> Result<Self> {
        let origin = origin.iter().map(|(key, value)| KeyValue::new(format!("isotherm.{key}"), value.clone()));
        let fields: Result<Vec<TypePtr>> = columns.iter().map(|column| field(column).map(Arc::new)).collect();
        let schema = Arc::new(Type::group_type_builder(name).with_fields(fields?).build()?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("isotherm {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(Some(origin.collect()))
            .build();
        Ok(Self { writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?, count: 0 })
    }

    /// Number of row groups.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Writes these columns, all with equally many rows, as the next row group.
    pub(super) fn add(&mut self, columns: &[Column]) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in columns {
            if let Some(mut out) = group.next_column()? {
                write(&mut out, &column.values)?;
                out.close()?;
            }
        }
        group.close()?;
        self.count += 1;
        Ok(())
    }

    /// Writes the end of the file, and gives back what it was written to.
    pub(super) fn finish(self) -> Result<W> {
        let mut out = self.writer.into_inner()?;
        out.flush()?;
        Ok(out)
    }
}

pub(crate) fn field(column: &Column) -> Result<Type> {
    let primitive =
        |physical, repetition| Type::primitive_type_builder(column.name, physical).with_repetition(repetition);
    match &column.values {
        Values::Text(_) => primitive(Physical::BYTE_ARRAY, Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .with_converted_type(ConvertedType::UTF8)
            .build(),
        Values::Whole(_) => primitive(Physical::INT64, Repetition::REQUIRED).build(),
        Values::Real(_) => primitive(Physical::DOUBLE, Repetition::OPTIONAL).build(),
        Values::WholeLists(_) => list(column.name, Physical::INT32),
        Values::RealLists(_) => list(column.name, Physical::FLOAT),
        Values::Bytes(_) => primitive(Physical::BYTE_ARRAY, Repetition::REQUIRED).build(),
    }
}

/// The three-level form that every reader knows: a required list of required elements.
fn list(name: &str, physical: Physical) -> Result<Type> {
    let element = Type::primitive_type_builder("element", physical).with_repetition(Repetition::REQUIRED).build()?;
    let repeated = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_converted_type(ConvertedType::LIST)
        .with_fields(vec![Arc::new(repeated)])
        .build()
}

pub(crate) fn write(out: &mut SerializedColumnWriter<'_>, values: &Values) -> Result<()> {
    match values {
        Values::Text(texts) => {
            let bytes: Vec<ByteArray> = texts.iter().map(|text| ByteArray::from(text.as_str())).collect();
            out.typed::<ByteArrayType>().write_batch(&bytes, None, None)?;
        }
        Values::Whole(numbers) => {
            out.typed::<Int64Type>().write_batch(numbers, None, None)?;
        }
        Values::Real(numbers) => {
            let present: Vec<f64> = numbers.iter().flatten().copied().collect();
            let levels: Vec<i16> = numbers.iter().map(|number| i16::from(number.is_some())).collect();
            out.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
        }
        Values::WholeLists(lists) => {
            let (flat, definition, repetition) = flatten(lists);
            out.typed::<Int32Type>().write_batch(&flat, Some(&definition), Some(&repetition))?;
        }
        Values::RealLists(lists) => {
            let (flat, definition, repetition) = flatten(lists);
            out.typed::<FloatType>().write_batch(&flat, Some(&definition), Some(&repetition))?;
        }
        Values::Bytes(values) => {
            let bytes: Vec<ByteArray> = values.iter().map(|value| ByteArray::from(value.as_slice())).collect();
            out.typed::<ByteArrayType>().write_batch(&bytes, None, None)?;
        }
    }
    Ok(())
}

/// Elements with their definition levels (0: the list is empty) and repetition levels (0: a new row begins).
fn flatten<T: Copy>(lists: &[Vec<T>]) -> (Vec<T>, Vec<i16>, Vec<i16>) {
    let (mut flat, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        if list.is_empty() {
            definition.push(0);
            repetition.push(0);
        }
        for (position, value) in list.iter().enumerate() {
            flat.push(*value);
            definition.push(1);
            repetition.push(i16::from(position > 0));
        }
    }
    (flat, definition, repetition)
}
