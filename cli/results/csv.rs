//! Columns as CSV, for readers without Parquet. Lists are written with spaces between their elements.

use super::columns::{Column, Values};

/// The bytes of a CSV file with these columns.
pub(super) fn to_bytes(columns: &[Column]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| column.name))?;
    let rows = columns.first().map_or(0, |column| column.values.len());
    for row in 0..rows {
        writer.write_record(columns.iter().map(|column| column.values.text(row)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::WholeLists(values) => values.len(),
            Self::RealLists(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    fn text(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].clone(),
            Self::Whole(values) => values[row].to_string(),
            Self::Real(values) => values[row].map(|value| value.to_string()).unwrap_or_default(),
            Self::WholeLists(values) => joined(&values[row]),
            Self::RealLists(values) => joined(&values[row]),
            Self::Bytes(values) => crate::scenario_file::hex(&values[row]),
        }
    }
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}
