//! `series.parquet`: a row per run and batch, streamed. A gigabyte of series needs the memory of a few thousand rows.

use std::collections::BTreeMap;

use super::cells::Cells;
use super::error::ReadError;
use super::table::Chunk;
use super::{Column, Results};

/// Which columns of which runs to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Columns to decode; others are absent in [`BatchRow`].
    pub columns: Vec<Column>,
    /// Indices into [`Results::runs`]; `None` for all.
    pub runs: Option<Vec<usize>>,
}

impl Wanted {
    /// These columns of all runs.
    #[must_use]
    pub fn all_runs(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), runs: None }
    }

    /// These columns of some runs, by their indices in [`Results::runs`].
    #[must_use]
    pub fn of_runs(columns: &[Column], runs: &[usize]) -> Self {
        Self { columns: columns.to_vec(), runs: Some(runs.to_vec()) }
    }
}

/// A row of the series while it is looked at.
#[derive(Debug)]
pub struct BatchRow<'a> {
    chunk: &'a Chunk,
    row: usize,
    /// Where each column of [`Column::ALL`] is in the chunk.
    slots: &'a [Option<usize>],
}

impl BatchRow<'_> {
    fn cells(&self, column: Column) -> Option<&Cells> {
        self.chunk.get(self.slots.get(column as usize).copied().flatten()?)?.as_ref()
    }

    /// The number in a column; `None` where it does not apply, is not finite, is a list, was not asked for or is not in the file.
    #[must_use]
    pub fn value(&self, column: Column) -> Option<f64> {
        self.cells(column)?.value(self.row)
    }

    /// The whole number in a column; `None` as for [`value`](Self::value).
    #[must_use]
    pub fn whole(&self, column: Column) -> Option<i64> {
        self.cells(column)?.whole(self.row)
    }

    /// The list in a column: one number per GPU or expert, `NaN` where the file has it. Empty where it does not apply, was not asked
    /// for or is not in the file.
    #[must_use]
    pub fn list(&self, column: Column) -> &[f64] {
        self.cells(column).map_or(&[], |cells| cells.list(self.row))
    }
}

impl Results {
    /// Gives every row of the series that is wanted to `each`, with the index of its run in [`runs`](Self::runs): run after run in
    /// the order of the plan, batch after batch in the order in which they finished. No row where the folder has no series.
    ///
    /// # Errors
    /// Where the table is damaged; rows before that were given.
    pub fn each_batch(&self, wanted: &Wanted, mut each: impl FnMut(usize, &BatchRow<'_>)) -> Result<(), ReadError> {
        self.try_each_batch(wanted, |run, row| {
            each(run, row);
            Ok(())
        })
    }

    /// The same where `each` may fail, which ends the reading.
    ///
    /// # Errors
    /// As for [`each_batch`](Self::each_batch), and what `each` says.
    pub fn try_each_batch<E: From<ReadError>>(
        &self,
        wanted: &Wanted,
        mut each: impl FnMut(usize, &BatchRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(table) = &self.series else { return Ok(()) };
        let mut slots = vec![None; Column::ALL.len()];
        for (slot, column) in wanted.columns.iter().enumerate() {
            slots[*column as usize] = Some(slot);
        }
        let names: Vec<&str> = wanted.columns.iter().map(|column| column.name()).collect();
        let indices = self.indices(wanted.runs.as_deref());
        let wanted = |ids: &Cells, rows: usize| (0..rows).any(|row| run(&indices, ids, row).is_some());
        table.each_chunk_where("run_id", &names, wanted, |ids, chunk, rows| {
            for row in 0..rows {
                if let Some(run) = run(&indices, &ids, row) {
                    each(run, &BatchRow { chunk: &chunk, row, slots: &slots })?;
                }
            }
            Ok(())
        })
    }

    /// Where each run is, by its id; of some runs only.
    pub(super) fn indices(&self, wanted: Option<&[usize]>) -> BTreeMap<&str, usize> {
        let is_wanted = |run: &usize| wanted.is_none_or(|wanted| wanted.contains(run));
        let runs = self.runs.iter().enumerate().filter(|(run, _)| is_wanted(run));
        runs.map(|(index, run)| (run.run_id.as_str(), index)).collect()
    }
}

/// The run of a row, by its id.
pub(super) fn run(indices: &BTreeMap<&str, usize>, ids: &Cells, row: usize) -> Option<usize> {
    indices.get(ids.text(row)?).copied()
}
