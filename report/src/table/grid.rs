//! The cells of a table before it is known how they are drawn.

use unicode_segmentation::UnicodeSegmentation as _;

use super::best::best;
use super::columns::{COLUMNS, SAVED};
use super::look::brief;
use super::work::Work;
use crate::axes::axes;
use crate::name::narrowed;
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
    /// What it names.
    names: Names,
    /// Letters of a text that are shown.
    most: usize,
    pub(super) cells: Vec<Cell>,
}

/// Whether a column says whose the others are: its texts may be shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Routers,
    Points,
    Nothing,
}

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) is_best: bool,
}

/// How a table becomes narrower, step by step: names to so many letters at least, then points, then columns leave that leave at this
/// value or above, and so on. What a saving has cost leaves last.
const STEPS: [Step; 6] = [
    Step::Shorten(Names::Routers, 24),
    Step::Shorten(Names::Points, 16),
    Step::Leave(2),
    Step::Shorten(Names::Routers, 10),
    Step::Shorten(Names::Points, 6),
    Step::Leave(1),
];

#[derive(Clone, Copy)]
enum Step {
    Shorten(Names, usize),
    Leave(u8),
}

/// What was done to a table that is too wide.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Narrowed {
    /// Texts were shortened.
    Shortened,
    /// A column with this heading was taken out.
    Left(String),
}

/// When the spark line leaves a narrow terminal.
const SPARK_LEAVES: u8 = 2;

impl Grid {
    /// The table of some rows. `work` is that of the same rows; `mark_best` says whether the best can be told, which takes all rows.
    pub(super) fn of(rows: &[Row], work: Option<&Work>, ascii: bool, mark_best: bool) -> Self {
        let mut columns = vec![Column::of_text("router", false, rows.iter().map(|row| brief(&row.router)))];
        columns[0].names = Names::Routers;
        for axis in axes(rows) {
            let value = |row: &Row| axis.value(row).map_or_else(String::new, brief);
            let points = Column::of_text(&brief(&axis.label), true, rows.iter().map(value));
            columns.push(Column { names: Names::Points, ..points });
        }
        for shown in COLUMNS.iter().filter(|column| column.says_something(rows)) {
            let is_best = if mark_best { best(shown, rows) } else { vec![false; rows.len()] };
            let cells = rows.iter().zip(is_best).map(|(row, is_best)| Cell { text: shown.cell(row), is_best });
            columns.push(Column {
                heading: shown.heading.to_owned(),
                is_number: true,
                leaves: shown.leaves,
                names: Names::Nothing,
                most: usize::MAX,
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

    /// Makes a table narrower that is too wide by so many letters; `None` if nothing can be done any more.
    pub(super) fn narrow(&mut self, excess: usize) -> Option<Narrowed> {
        STEPS.iter().find_map(|step| match *step {
            Step::Shorten(names, least) => self.shorten(names, least, excess).then_some(Narrowed::Shortened),
            Step::Leave(from) => self.leave(from).map(Narrowed::Left),
        })
    }

    /// Shortens the longest texts of one sort by no more than it takes; whether there were any with more than `least` letters.
    fn shorten(&mut self, names: Names, least: usize, excess: usize) -> bool {
        let columns = self.columns.iter_mut().filter(|column| column.names == names);
        let Some(column) = columns.max_by_key(|column| column.longest()).filter(|column| column.longest() > least)
        else {
            return false;
        };
        column.most = column.longest().saturating_sub(excess).max(least);
        true
    }

    /// Takes out the column that leaves first, if there is one that leaves at `from` or above.
    fn leave(&mut self, from: u8) -> Option<String> {
        let (at, column) = self.columns.iter().enumerate().max_by_key(|(at, column)| (column.leaves, *at))?;
        if column.leaves < from { None } else { Some(self.columns.remove(at).heading) }
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
        Self { heading: heading.to_owned(), is_number, leaves: 0, names: Names::Nothing, most: usize::MAX, cells }
    }

    /// The longest text, in letters, as it is shown.
    fn longest(&self) -> usize {
        let texts = self.cells.iter().map(|cell| &cell.text).chain([&self.heading]);
        texts.map(|text| text.graphemes(true).count()).max().unwrap_or(0).min(self.most)
    }

    /// A text of this column, as long as it may be.
    pub(super) fn shown(&self, text: &str) -> String {
        narrowed(text, self.most)
    }
}
