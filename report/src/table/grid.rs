//! The cells of a table before it is known how they are drawn.

use super::best::best;
use super::columns::{COLUMNS, SAVED};
use super::look::harmless;
use super::work::Work;
use crate::axes::axes;
use crate::results::Row;

/// A table: columns of equal length.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) columns: Vec<Column>,
}

/// A column and its cells, from top to bottom.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) heading: String,
    /// Numbers stand at the right, so that their digits are below each other.
    pub(super) is_number: bool,
    /// When it leaves a narrow terminal: the largest goes first, 0 stays.
    pub(super) leaves: u8,
    pub(super) cells: Vec<Cell>,
}

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) is_best: bool,
}

/// When the spark line leaves a narrow terminal.
const SPARK_LEAVES: u8 = 2;

impl Grid {
    /// The table of some rows. `work` is that of the same rows; `mark_best` says whether the best can be told, which takes all rows.
    pub(super) fn of(rows: &[Row], work: Option<&Work>, ascii: bool, mark_best: bool) -> Self {
        let mut columns = vec![Column::of_text("router", false, rows.iter().map(|row| harmless(&row.router)))];
        for axis in axes(rows) {
            let value = |row: &Row| axis.value(row).map_or_else(String::new, harmless);
            columns.push(Column::of_text(&harmless(&axis.label), true, rows.iter().map(value)));
        }
        for shown in COLUMNS.iter().filter(|column| column.says_something(rows)) {
            let is_best = if mark_best { best(shown, rows) } else { vec![false; rows.len()] };
            let cells = rows.iter().zip(is_best).map(|(row, is_best)| Cell { text: shown.cell(row), is_best });
            columns.push(Column {
                heading: shown.heading.to_owned(),
                is_number: true,
                leaves: shown.leaves,
                cells: cells.collect(),
            });
            if let Some(work) = work.filter(|_| shown.metric == SAVED) {
                let mut sparks = Column::of_text(super::work::HEADING, false, work.sparks(ascii));
                sparks.leaves = SPARK_LEAVES;
                columns.push(sparks);
            }
        }
        Self { columns }
    }

    /// Whether any cell is the best of its column.
    pub(super) fn has_best(&self) -> bool {
        self.columns.iter().flat_map(|column| &column.cells).any(|cell| cell.is_best)
    }

    /// Takes out the column that leaves first; `None` if all others have to stay.
    pub(super) fn leave(&mut self) -> Option<String> {
        let (at, column) = self.columns.iter().enumerate().max_by_key(|(at, column)| (column.leaves, *at))?;
        if column.leaves == 0 { None } else { Some(self.columns.remove(at).heading) }
    }

    /// The cells of each row, from left to right.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<&Cell>> {
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        (0..rows).map(|row| self.columns.iter().map(|column| &column.cells[row]).collect())
    }
}

impl Column {
    fn of_text(heading: &str, is_number: bool, texts: impl IntoIterator<Item = String>) -> Self {
        let cells = texts.into_iter().map(|text| Cell { text, is_best: false }).collect();
        Self { heading: heading.to_owned(), is_number, leaves: 0, cells }
    }
}
