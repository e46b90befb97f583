//! The rows of a shard as columns, point after point.

use super::super::kept::{self, Heading};
use crate::fault::Fault;
use crate::results::{Column, Finished, Streams, Values, run_columns};
use crate::scenario_file::hex;
use crate::sweep::Part;

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a point's id, beside its index.
const ID_DIGITS: usize = 12;

/// Rows that are not written yet.
#[derive(Default)]
pub(super) struct Rows {
    columns: Vec<Column>,
    pub(super) rows: usize,
    /// Bytes of their records.
    pub(super) bytes: usize,
}

impl Rows {
    /// Appends the runs of some points of one world, whose token streams these are.
    pub(super) fn add(&mut self, part: &Part, streams: &Streams, finished: &[Finished]) -> Result<(), Fault> {
        let columns = columns(part, streams, finished)?;
        self.rows += finished.len();
        if let Some(Column { values: Values::Bytes(records), .. }) = columns.last() {
            self.bytes += records.iter().map(Vec::len).sum::<usize>();
        }
        if self.columns.is_empty() {
            self.columns = columns;
            return Ok(());
        }
        for (all, mut more) in self.columns.iter_mut().zip(columns) {
            let rows = more.values.len();
            all.values.take_first(&mut more.values, rows);
        }
        Ok(())
    }

    /// The columns of all rows since the last time.
    pub(super) fn take(&mut self) -> Vec<Column> {
        (self.rows, self.bytes) = (0, 0);
        std::mem::take(&mut self.columns)
    }
}

fn columns(part: &Part, streams: &Streams, finished: &[Finished]) -> Result<Vec<Column>, Fault> {
    let points: Vec<usize> = finished.iter().map(|f| part.point_of(&f.run)).collect();
    let records: Vec<Vec<u8>> = finished
        .iter()
        .zip(&points)
        .map(|(f, point)| kept::seal(&Heading::of(*point, &f.run, &f.outcome)?, &f.outcome))
        .collect::<Result<_, Fault>>()?;
    let status = |f: &Finished| if f.outcome.is_ok() { "done" } else { "failed" }.to_owned();
    let mut columns = vec![
        Column { name: "point_index", values: Values::Whole(points.iter().map(|point| *point as i64).collect()) },
        Column { name: "point_id", values: Values::Text(ids(&points, finished)) },
    ];
    columns.extend(run_columns(&part.file, streams, finished));
    columns.push(Column { name: "status", values: Values::Text(finished.iter().map(status).collect()) });
    columns.push(Column { name: "record", values: Values::Bytes(records) });
    Ok(columns)
}

/// A point's id for each of its runs: its index and a hash over the ids of its runs, which are hashes of what decides them.
fn ids(points: &[usize], finished: &[Finished]) -> Vec<String> {
    let mut ids = Vec::with_capacity(points.len());
    for runs in finished.chunk_by(|a, b| a.run.seed == b.run.seed) {
        let hash = runs.iter().fold(Sha256::new(), |hash, f| hash.chain_update(f.run.id.as_bytes())).finalize();
        let id = format!("{}-{}", points[ids.len()], &hex(&hash)[..ID_DIGITS]);
        ids.resize(ids.len() + runs.len(), id);
    }
    ids
}
