//! A table on its way to the disk, in row groups of fixed size: neither memory nor bytes depend on how many rows come at a time.

use std::fs::File;
use std::io::{BufWriter, Error};

use parquet::errors::ParquetError;

use super::columns::Column;
use super::csv::Rows;
use super::hashed::Hashed;
use super::parquet::Groups;
use super::staging::Staging;
use crate::fault::Fault;
use crate::scenario_file::hex;

/// Rows of a row group. Readers take a group at a time, and so does the memory of the writer.
const ROWS: usize = 1 << 14;

/// Bytes of the values of a row group: one with long lists ends here, whatever its rows. Counted row by row.
const BYTES: usize = 1 << 24;

/// A Parquet file under way, with its CSV if that is wanted. It is made with the first columns: before, nobody knows what it holds.
pub(super) struct TableFile {
    name: &'static str,
    with_csv: bool,
    files: Option<Files>,
}

struct Files {
    parquet: Groups<Hashed<BufWriter<File>>>,
    csv: Option<Rows<File>>,
    /// Rows of the row group to come.
    pending: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl TableFile {
    /// A table under this name.
    pub(super) fn new(name: &'static str, with_csv: bool) -> Self {
        Self { name, with_csv, files: None }
    }

    /// Appends the rows of these columns.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(super) fn add(&mut self, columns: Vec<Column>, staging: &Staging) -> Result<(), Fault> {
        let (name, with_csv) = (self.name, self.with_csv);
        let result = match &mut self.files {
            Some(files) => files.add(columns),
            None => {
                Files::begin(name, &columns, staging, with_csv).and_then(|files| self.files.insert(files).add(columns))
            }
        };
        result.map_err(|error| staging.unwritable(&parquet_name(name), error))
    }

    /// Writes the end; the name of the Parquet file and its SHA-256. Nothing happens to a table without columns.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(super) fn finish(self, staging: &Staging) -> Result<Option<(String, String)>, Fault> {
        let name = parquet_name(self.name);
        match self.files.map(Files::finish) {
            None => Ok(None),
            Some(Ok(hash)) => Ok(Some((name, hex(&hash)))),
            Some(Err(error)) => Err(staging.unwritable(&name, error)),
        }
    }
}

/// What its Parquet file is called.
pub(super) fn parquet_name(table: &str) -> String {
    format!("{table}.parquet")
}

/// What its CSV file is called.
pub(super) fn csv_name(table: &str) -> String {
    format!("{table}.csv")
}

impl Files {
    fn begin(name: &str, columns: &[Column], staging: &Staging, with_csv: bool) -> std::io::Result<Self> {
        let out = Hashed::new(BufWriter::new(staging.create(&parquet_name(name))?));
        let csv = if with_csv { Some(Rows::new(staging.create(&csv_name(name))?)) } else { None };
        let pending = columns.iter().map(Column::without_rows).collect();
        Ok(Self {
            parquet: Groups::new(name, columns, staging.origin(), out).map_err(of_parquet)?,
            csv,
            pending,
            rows: 0,
            bytes: 0,
        })
    }

    fn add(&mut self, mut columns: Vec<Column>) -> std::io::Result<()> {
        if let Some(csv) = &mut self.csv {
            csv.add(&columns)?;
        }
        while columns.first().is_some_and(|column| column.values.len() > 0) {
            let rows = self.count(&columns);
            for (to, from) in self.pending.iter_mut().zip(&mut columns) {
                to.values.take_first(&mut from.values, rows);
            }
            if self.is_full() {
                self.end_group()?;
            }
        }
        Ok(())
    }

    /// Counts rows until the row group is full; how many of these columns belong to it.
    fn count(&mut self, columns: &[Column]) -> usize {
        let rows = columns.first().map_or(0, |column| column.values.len());
        let mut counted = 0;
        while counted < rows && !self.is_full() {
            self.bytes += columns.iter().map(|column| column.values.bytes(counted)).sum::<usize>();
            self.rows += 1;
            counted += 1;
        }
        counted
    }

    fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    fn end_group(&mut self) -> std::io::Result<()> {
        self.parquet.add(&self.pending).map_err(of_parquet)?;
        self.pending.iter_mut().for_each(|column| column.values.clear());
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes the end; the hash of the Parquet file.
    fn finish(mut self) -> std::io::Result<Vec<u8>> {
        // A table without any row has one row group, which is empty.
        if self.rows > 0 || self.parquet.count() == 0 {
            self.end_group()?;
        }
        if let Some(csv) = self.csv {
            csv.finish()?;
        }
        Ok(self.parquet.finish().map_err(of_parquet)?.finish().1)
    }
}

/// What the system said, where it was the system.
fn of_parquet(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::other(other),
        },
        other => Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::super::columns::Values;
    use super::*;

    /// Writes rows with lists of this length, so many at a time; the rows of each row group and the bytes of both files.
    fn written(rows: usize, list: usize, at_a_time: usize) -> (Vec<i64>, Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::begin(folder.path(), Vec::new()).unwrap();
        let mut table = TableFile::new("numbers", true);
        let columns = |range: std::ops::Range<usize>| {
            vec![
                Column { name: "n", values: Values::Whole(range.clone().map(|n| n as i64).collect()) },
                Column { name: "list", values: Values::WholeLists(range.map(|n| vec![n as i32; list]).collect()) },
            ]
        };
        table.add(columns(0..0), &staging).unwrap();
        for from in (0..rows).step_by(at_a_time) {
            table.add(columns(from..rows.min(from + at_a_time)), &staging).unwrap();
        }
        table.finish(&staging).unwrap();
        staging.publish(&["numbers.parquet", "numbers.csv"]).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let file = File::open(folder.path().join("numbers.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let groups = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        (groups, read("numbers.parquet"), read("numbers.csv"))
    }

    #[test]
    fn row_groups_do_not_depend_on_how_rows_come() {
        let one = written(2 * ROWS + 5, 2, 1);
        assert_eq!(one.0, [ROWS as i64, ROWS as i64, 5]);
        assert_eq!(one.2.iter().filter(|byte| **byte == b'\n').count(), 2 * ROWS + 6, "CSV has a head");
        for at_a_time in [7, ROWS - 1, ROWS, 3 * ROWS] {
            assert!(one == written(2 * ROWS + 5, 2, at_a_time), "{at_a_time} at a time");
        }
    }

    #[test]
    fn long_lists_end_a_row_group_early() {
        // A row is 8 bytes and a list of a mebibyte: sixteen of them are full.
        let whole = written(40, 1 << 18, 40);
        assert_eq!(whole.0, [16, 16, 8]);
        assert!(whole == written(40, 1 << 18, 3));
    }

    #[test]
    fn a_table_may_have_no_rows() {
        assert_eq!(written(0, 1, 1).0, [0]);
    }
}
