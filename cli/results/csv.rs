//! Columns as CSV, for readers without Parquet. Lists are written with spaces between their elements.

use std::io::Write;

use super::columns::{Column, Values};

/// A CSV file under way.
pub(super) struct Rows<W: Write> {
    writer: csv::Writer<W>,
    has_head: bool,
}

impl<W: Write> Rows<W> {
    /// An empty one.
    pub(super) fn new(out: W) -> Self {
        Self { writer: csv::Writer::from_writer(out), has_head: false }
    }

    /// Appends the rows of these columns, which are the same ones every time.
    pub(super) fn add(&mut self, columns: &[Column]) -> csv::Result<()> {
        if !std::mem::replace(&mut self.has_head, true) {
            self.writer.write_record(columns.iter().map(|column| column.name))?;
        }
        for row in 0..columns.first().map_or(0, |column| column.values.len()) {
            self.writer.write_record(columns.iter().map(|column| column.values.text(row)))?;
        }
        Ok(())
    }

    /// Writes out what is still in memory.
    pub(super) fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

impl Values {
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
