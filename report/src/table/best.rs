//! Which cells are the best of their column, and surely so.

use super::columns::{Better, SAVED, Shown};
use crate::axes::world;
use crate::results::Row;

/// Whether the cell of each row is the best of `column`; see [the rule](super#which-cell-is-bold).
pub(super) fn best(column: &Shown, rows: &[Row]) -> Vec<bool> {
    let mut marked = vec![false; rows.len()];
    let Some(better) = column.better else { return marked };
    let mut left: Vec<usize> = (0..rows.len()).filter(|row| competes(column, &rows[*row])).collect();
    while let Some(first) = left.first() {
        let here = world(&rows[*first]);
        let (same, others): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|row| world(&rows[*row]) == here);
        for row in best_of_world(column, better, rows, &same) {
            marked[row] = true;
        }
        left = others;
    }
    marked
}

fn competes(column: &Shown, row: &Row) -> bool {
    row.metrics.contains_key(column.metric) && !row.is_oracle()
}

fn best_of_world(column: &Shown, better: Better, rows: &[Row], here: &[usize]) -> Vec<usize> {
    let value = |row: usize| rows[row].metrics[column.metric];
    let key = |row: &usize| match better {
        Better::Lower => value(*row).mean,
        Better::Higher => -value(*row).mean,
    };
    let Some(first) = here.iter().copied().min_by(|a, b| key(a).total_cmp(&key(b))) else { return Vec::new() };
    let printed = column.cell(&rows[first]);
    let (alike, behind): (Vec<usize>, Vec<usize>) = here.iter().partition(|row| column.cell(&rows[**row]) == printed);
    let is_sure = !behind.is_empty() && behind.iter().all(|other| !value(first).touches(&value(*other)));
    // The baseline has saved nothing by definition, and luck is no merit.
    let merits = |row: &usize| !(column.is_own_baseline(&rows[*row]) || column.metric == SAVED && rows[*row].is_luck());
    if is_sure { alike.into_iter().filter(merits).collect() } else { Vec::new() }
}
