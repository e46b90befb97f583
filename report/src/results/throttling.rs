//! `throttling.parquet`: what held GPUs back, and when.

use super::Results;
use super::error::ReadError;
use super::table::Chunk;

/// A stretch of time in which something held a GPU back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThrottleRow {
    /// Index of the run in [`Results::runs`].
    pub run: usize,
    /// Which GPU.
    pub gpu: u32,
    /// NVML's name of the reason.
    pub reason: String,
    /// What it was in particular.
    pub cause: String,
    /// From when on (ns of simulated time).
    pub from_ns: i64,
    /// Until when (ns).
    pub until_ns: i64,
}

/// The columns that are read, after the run's id.
const COLUMNS: [&str; 5] = ["gpu", "reason", "cause", "from_ns", "until_ns"];

impl Results {
    /// All stretches of some runs, or of all of them, in the order of the file: run after run, in the order in which they ended. None
    /// where the folder has no such table.
    ///
    /// # Errors
    /// Where the table is damaged.
    pub fn throttling(&self, runs: Option<&[usize]>) -> Result<Vec<ThrottleRow>, ReadError> {
        let mut found = Vec::new();
        self.try_each_stretch(runs, |stretch| {
            found.push(stretch);
            Ok::<(), ReadError>(())
        })?;
        Ok(found)
    }

    /// Gives them to `each` one after another, in memory that does not grow with the table.
    ///
    /// # Errors
    /// As for [`throttling`](Self::throttling), and what `each` says.
    pub fn try_each_stretch<E: From<ReadError>>(
        &self,
        runs: Option<&[usize]>,
        mut each: impl FnMut(ThrottleRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(table) = &self.throttling else { return Ok(()) };
        self.each_row(table, &COLUMNS, runs, |run, chunk, row| stretch(run, chunk, row).map_or(Ok(()), &mut each))
    }
}

/// One row, if it has what a stretch needs.
fn stretch(run: usize, chunk: &Chunk, row: usize) -> Option<ThrottleRow> {
    let whole = |column: usize| chunk[column].as_ref()?.whole(row);
    let text = |column: usize| chunk[column].as_ref()?.text(row).map(str::to_owned);
    Some(ThrottleRow {
        run,
        gpu: u32::try_from(whole(0)?).ok()?,
        reason: text(1)?,
        cause: text(2).unwrap_or_default(),
        from_ns: whole(3)?,
        until_ns: whole(4)?,
    })
}
