//! Whose the rows of a table are. Routers that differ in nothing but their names have runs with one id, and rows that are alike.

use std::collections::{BTreeMap, BTreeSet};

use super::RunRow;
use super::cells::Cells;
use super::error::ReadError;
use super::table::Table;

/// Tells each row its run, while the rows of a table go by from the first one on.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    /// Which runs are asked about; `None` for all.
    wanted: Option<BTreeSet<usize>>,
    by_id: BTreeMap<&'a str, Runs>,
}

/// The runs with one id, in the order of the plan, which is that of their rows.
#[derive(Debug, Default)]
struct Runs {
    places: Vec<usize>,
    /// Rows that belong to each of them. The same run has as many every time.
    rows: usize,
    seen: usize,
}

impl<'a> Owners<'a> {
    /// Those of a table of these runs. Where several runs have one id, the rows with it are counted first.
    ///
    /// # Errors
    /// Where the table is damaged.
    pub(super) fn of(table: &Table, runs: &'a [RunRow], wanted: Option<&[usize]>) -> Result<Self, ReadError> {
        let mut by_id: BTreeMap<&str, Runs> = BTreeMap::new();
        for (place, run) in runs.iter().enumerate() {
            by_id.entry(&run.run_id).or_default().places.push(place);
        }
        if by_id.values().any(|runs| runs.places.len() > 1) {
            table.each_chunk(&["run_id"], |chunk, rows| {
                for id in (0..rows).filter_map(|row| chunk[0].as_ref()?.text(row)) {
                    if let Some(runs) = by_id.get_mut(id) {
                        runs.rows += 1;
                    }
                }
            })?;
            by_id.values_mut().for_each(|runs| runs.rows = runs.rows.div_ceil(runs.places.len()));
        }
        Ok(Self { wanted: wanted.map(|wanted| wanted.iter().copied().collect()), by_id })
    }

    /// The run of each of the next rows; `None` where nobody asks for it.
    pub(super) fn next(&mut self, ids: &Cells, rows: usize) -> Vec<Option<usize>> {
        (0..rows).map(|row| self.run(ids.text(row)?)).collect()
    }

    fn run(&mut self, id: &str) -> Option<usize> {
        let runs = self.by_id.get_mut(id)?;
        let place = match runs.places[..] {
            [only] => only,
            _ => {
                runs.seen += 1;
                *runs.places.get((runs.seen - 1) / runs.rows.max(1))?
            }
        };
        self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&place)).then_some(place)
    }
}
