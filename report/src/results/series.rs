//! `series.parquet`: a row per run and batch, streamed. A gigabyte of series needs the memory of a few thousand rows.

use std::cell::RefCell;

use super::cells::Cells;
use super::error::ReadError;
use super::owners::Owners;
use super::table::{Chunk, Table};
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
        self.each_row(table, &names, wanted.runs.as_deref(), |run, chunk, row| {
            each(run, &BatchRow { chunk, row, slots: &slots })
        })
    }

    /// Gives every row of a table that belongs to one of these runs, or to any, to `each`: its run, the chunk it is in, and where.
    pub(super) fn each_row<E: From<ReadError>>(
        &self,
        table: &Table,
        columns: &[&str],
        runs: Option<&[usize]>,
        mut each: impl FnMut(usize, &Chunk, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let owners = RefCell::new(Owners::of(table, &self.runs, runs)?);
        let chunk_of = RefCell::new(Vec::new());
        let wanted = |ids: &Cells, rows: usize| {
            let runs = owners.borrow_mut().next(ids, rows);
            let is_any = runs.iter().any(Option::is_some);
            chunk_of.replace(runs);
            is_any
        };
        table.each_chunk_where("run_id", columns, wanted, |_, chunk, _| {
            let of_runs = chunk_of.take().into_iter().enumerate();
            of_runs.filter_map(|(row, run)| Some((run?, row))).try_for_each(|(run, row)| each(run, &chunk, row))
        })
    }
}
