//! A Parquet table of a results folder, streamed some rows at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::caught::caught;
use super::cells::{CellReader, Cells};
use super::error::ReadError;

/// Rows decoded at a time: enough that the work a row outweighs that a chunk, few enough that lists of thousands of experts stay small.
const CHUNK: usize = 1024;

/// A table whose end was read, and which therefore says what it holds.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    /// Where each column is.
    columns: Vec<String>,
    /// What it says of its origin.
    pub(super) scenario_hash: Option<String>,
}

/// The next rows of the columns that were asked for, in their order; `None` for one that the table does not have.
pub(super) type Chunk = Vec<Option<Cells>>;

impl Table {
    /// Reads the end of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let reader = caught(|| SerializedFileReader::new(File::open(path)?))?;
        sound(reader.metadata(), std::fs::metadata(path)?.len())?;
        let metadata = reader.metadata().file_metadata();
        let pairs = metadata.key_value_metadata().into_iter().flatten();
        let scenario_hash = pairs.into_iter().find(|pair| pair.key == "isotherm.scenario_hash");
        let name =
            |column: &parquet::schema::types::ColumnDescPtr| column.path().parts().first().cloned().unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            rows: u64::try_from(metadata.num_rows()).unwrap_or_default(),
            columns: metadata.schema_descr().columns().iter().map(name).collect(),
            scenario_hash: scenario_hash.and_then(|pair| pair.value.clone()),
        })
    }

    /// Names of the columns, in the order of the file.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.place(column).is_some()
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    /// Gives all rows to `each`, chunk after chunk in the order of the file.
    ///
    /// # Errors
    /// Where the file is damaged; chunks before that were given.
    pub(super) fn each_chunk(
        &self,
        columns: &[&str],
        mut each: impl FnMut(&Chunk, usize),
    ) -> std::result::Result<(), ReadError> {
        let (key, rest) = columns.split_first().map_or((&"", columns), |(key, rest)| (key, rest));
        self.each_chunk_where(
            key,
            rest,
            |_, _| true,
            |key, others, rows| {
                let mut chunk: Chunk = vec![Some(key)];
                chunk.extend(others);
                each(&chunk, rows);
                Ok(())
            },
        )
    }

    /// The same for tables of which only some rows are wanted: `wanted` sees the cells of `key` first, and the other columns of a
    /// chunk that it does not want are passed over.
    ///
    /// # Errors
    /// Where the file is damaged, and what `each` says; chunks before that were given.
    pub(super) fn each_chunk_where<E: From<ReadError>>(
        &self,
        key: &str,
        columns: &[&str],
        mut wanted: impl FnMut(&Cells, usize) -> bool,
        mut each: impl FnMut(Cells, Chunk, usize) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let damaged = |error: ParquetError| E::from(ReadError::damaged(&self.path, plain(&error)));
        let missing = || ParquetError::General(format!("it has no column `{key}`"));
        let key = self.place(key).ok_or_else(missing).map_err(damaged)?;
        let places: Vec<Option<usize>> = columns.iter().map(|column| self.place(column)).collect();
        let reader = caught(|| SerializedFileReader::new(File::open(&self.path)?)).map_err(damaged)?;
        for group in 0..reader.num_row_groups() {
            let mut group = Group::open(&reader, group, key, &places).map_err(damaged)?;
            while let Some((keys, chunk, rows)) = group.next(&mut wanted).map_err(damaged)? {
                if let Some(chunk) = chunk {
                    each(keys, chunk, rows)?;
                }
            }
        }
        Ok(())
    }
}

/// A row group while it is read.
struct Group {
    left: usize,
    keys: CellReader,
    others: Vec<Option<CellReader>>,
}

impl Group {
    fn open(reader: &SerializedFileReader<File>, group: usize, key: usize, places: &[Option<usize>]) -> Result<Self> {
        let group = caught(|| reader.get_row_group(group))?;
        let column = |place: usize| CellReader::open(&*group, place);
        Ok(Self {
            left: usize::try_from(group.metadata().num_rows()).unwrap_or_default(),
            keys: column(key)?,
            others: places.iter().map(|place| place.map(column).transpose()).collect::<Result<_>>()?,
        })
    }

    /// The next keys with the other cells of their rows, which are there if they are wanted; `None` at the end.
    fn next(&mut self, wanted: impl FnOnce(&Cells, usize) -> bool) -> Result<Option<(Cells, Option<Chunk>, usize)>> {
        let rows = self.left.min(CHUNK);
        if rows == 0 {
            return Ok(None);
        }
        self.left -= rows;
        let keys = whole(self.keys.read(rows)?, rows)?;
        if !wanted(&keys, rows) {
            self.others.iter_mut().flatten().try_for_each(|other| other.skip(rows))?;
            return Ok(Some((keys, None, rows)));
        }
        let next =
            |other: &mut Option<CellReader>| other.as_mut().map(|other| whole(other.read(rows)?, rows)).transpose();
        let chunk = self.others.iter_mut().map(next).collect::<Result<Chunk>>()?;
        Ok(Some((keys, Some(chunk), rows)))
    }
}

/// Refuses what the library would trust: columns that begin before the file or end after it.
fn sound(metadata: &ParquetMetaData, bytes: u64) -> Result<()> {
    let within = |column: &ColumnChunkMetaData| {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let end = start.checked_add(column.compressed_size());
        start >= 0
            && column.compressed_size() >= 0
            && end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= bytes)
    };
    let groups = metadata.row_groups();
    let has_rows = |group: &RowGroupMetaData| group.num_rows() >= 0 && group.columns().iter().all(within);
    if groups.iter().all(has_rows) {
        Ok(())
    } else {
        Err(ParquetError::General("its columns are not within the file".to_owned()))
    }
}

/// Cells of as many rows as the group has promised.
fn whole(cells: Cells, rows: usize) -> Result<Cells> {
    if cells.len() == rows { Ok(cells) } else { Err(ParquetError::General("a column has too few rows".to_owned())) }
}

/// What went wrong, without the name that the library gives its errors.
pub(super) fn plain(error: &ParquetError) -> String {
    match error {
        ParquetError::General(text) | ParquetError::EOF(text) | ParquetError::NYI(text) => text.clone(),
        ParquetError::External(source) => source.to_string(),
        other => other.to_string(),
    }
}
