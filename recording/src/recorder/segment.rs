//! One file of a recording while it grows.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::columns::Columns;
use super::error::{RecordError, journal_of};
use super::options::{FileFormat, RecorderOptions};
use crate::header::Header;
use crate::reading::Reading;

/// Readings of at most this time wait in memory (ns): half of what a kill may cost.
const HOLD_BACK: u64 = 500_000_000;
/// Text of at most this size waits in memory (bytes).
const MOST_WAITING: usize = 256 * 1024;
/// Where the disk does not take it any more, this much is kept for when it does (bytes).
const MOST_KEPT: usize = 4 * 1024 * 1024;

/// A file, what waits to be written to it, and how far it is.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: PathBuf,
    sink: Sink,
    /// Rows that the operating system does not have yet.
    waiting: String,
    /// How much of `waiting` it has taken, after a fault in the middle.
    taken: usize,
    columns: Columns,
    /// The first reading (ns, Unix time).
    first: Option<i64>,
    /// The first reading of those that wait.
    waiting_since: Option<i64>,
    size: u64,
}

#[derive(Debug)]
enum Sink {
    Plain(File),
    Packed(Box<GzEncoder<File>>),
}

impl Segment {
    /// Creates the file, with header and names in it.
    pub(super) fn create(
        path: &Path,
        format: FileFormat,
        header: &Header,
        columns: &Columns,
        replace: bool,
    ) -> Result<Self, RecordError> {
        let mut file = path.to_owned();
        if format == FileFormat::Parquet {
            file = journal_of(path);
            check_journal(path, &file, replace)?;
        }
        let mut open = OpenOptions::new();
        open.write(true).truncate(replace).create(true).create_new(!replace);
        let sink = open.open(&file).map_err(|fault| RecordError::write(&file, &fault))?;
        let sink = match format {
            FileFormat::CsvGz => Sink::Packed(Box::new(GzEncoder::new(sink, Compression::default()))),
            FileFormat::Csv | FileFormat::Parquet => Sink::Plain(sink),
        };
        let waiting = format!("{}\n{}", header.to_line(), columns.names());
        let mut segment = Self {
            path: path.to_owned(),
            file,
            sink,
            waiting,
            taken: 0,
            columns: columns.clone(),
            first: None,
            waiting_since: None,
            size: 0,
        };
        match segment.flush() {
            Ok(()) => Ok(segment),
            Err(fault) => {
                if !replace {
                    // It is ours, and would stand in the way of the next try.
                    let _ = std::fs::remove_file(&segment.file);
                }
                Err(fault)
            }
        }
    }

    /// What the segment is called.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is written to: the segment itself, or its journal.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The columns of its rows.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Whether readings from `begun` on belong to the next segment. One without rows never ends.
    pub(super) fn is_over(&self, begun: i64, options: &RecorderOptions) -> bool {
        let Some(first) = self.first else { return false };
        let long = options.rotate_every.is_some_and(|most| u128::from(begun.abs_diff(first)) >= most.as_nanos());
        let size = self.size + self.waiting.len() as u64;
        long || options.rotate_bytes.is_some_and(|most| size >= most)
    }

    /// Appends rows; writes when half a second of them waits.
    pub(super) fn append(&mut self, readings: &[Reading]) -> Result<(), RecordError> {
        if self.waiting.len() > MOST_KEPT {
            self.flush()?;
        }
        for reading in readings {
            self.columns.append(reading, &mut self.waiting);
        }
        let Some(begun) = readings.first().map(|reading| reading.begun) else { return Ok(()) };
        let is_first = self.first.is_none();
        self.first.get_or_insert(begun);
        let since = *self.waiting_since.get_or_insert(begun);
        if is_first || begun.abs_diff(since) >= HOLD_BACK || self.waiting.len() > MOST_WAITING {
            self.flush()?;
        }
        Ok(())
    }

    /// Gives the operating system all rows. After a fault the next call goes on where this one stopped.
    pub(super) fn flush(&mut self) -> Result<(), RecordError> {
        if self.waiting.is_empty() {
            // A packed file that has its end takes no flush any more.
            return Ok(());
        }
        let sink: &mut dyn Write = match &mut self.sink {
            Sink::Plain(file) => file,
            Sink::Packed(encoder) => encoder,
        };
        let fault = |fault: &std::io::Error| RecordError::write(&self.file, fault);
        while self.taken < self.waiting.len() {
            match sink.write(&self.waiting.as_bytes()[self.taken..]) {
                Ok(0) => return Err(fault(&ErrorKind::WriteZero.into())),
                Ok(count) => self.taken += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(&error)),
            }
        }
        sink.flush().map_err(|error| fault(&error))?;
        (self.taken, self.waiting_since) = (0, None);
        self.waiting.clear();
        self.size = self.written();
        Ok(())
    }

    /// Writes the end of the file.
    pub(super) fn end(&mut self) -> Result<(), RecordError> {
        self.flush()?;
        match &mut self.sink {
            Sink::Plain(_) => Ok(()),
            Sink::Packed(encoder) => encoder.try_finish().map_err(|fault| RecordError::write(&self.file, &fault)),
        }
    }

    fn written(&self) -> u64 {
        let file = match &self.sink {
            Sink::Plain(file) => file,
            Sink::Packed(encoder) => encoder.get_ref(),
        };
        file.metadata().map_or(0, |metadata| metadata.len())
    }
}

impl Drop for Segment {
    /// A recorder that is dropped without an end still writes what it has; there is nobody left to tell if it cannot.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// Refuses a Parquet file that exists, and a journal that holds what a killed recording left.
fn check_journal(path: &Path, journal: &Path, replace: bool) -> Result<(), RecordError> {
    if replace {
        // What is replaced must not be taken for what a killed recording would have become.
        return match std::fs::remove_file(path) {
            Err(fault) if fault.kind() != ErrorKind::NotFound => Err(RecordError::write(path, &fault)),
            _ => Ok(()),
        };
    }
    if path.exists() {
        return Err(RecordError::Exists { path: path.to_owned(), hint: String::new() });
    }
    if journal.exists() {
        let hint = ", left by a recording that was killed: it can be read as it is, or recovered to Parquet".to_owned();
        return Err(RecordError::Exists { path: journal.to_owned(), hint });
    }
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn poll(k: i64) -> [Reading; 1] {
        [Reading { begun: k * 1_000_000_000, ended: k * 1_000_000_000, ..Reading::default() }]
    }

    /// A disk that is full for a while: every row that was kept is there afterwards, once, and only so many are kept.
    #[test]
    fn rows_wait_for_a_full_disk_and_not_without_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let header = Header::new("test", 1000.0, &[]);
        let mut segment = Segment::create(&path, FileFormat::Csv, &header, &Columns::of(&header), false).unwrap();
        segment.append(&poll(0)).unwrap();

        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let Sink::Plain(good) = std::mem::replace(&mut segment.sink, Sink::Plain(full)) else { panic!("plain") };
        segment.append(&poll(1)).unwrap();
        for k in 2..200_000 {
            let fault = segment.append(&poll(k)).unwrap_err().to_string();
            assert!(fault.contains("cannot be written (No space left on device"), "{fault}");
        }
        assert!(segment.waiting.len() <= MOST_KEPT + 100, "{}", segment.waiting.len());

        segment.sink = Sink::Plain(good);
        segment.append(&poll(200_000)).unwrap();
        segment.end().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let times: Vec<i64> = text.lines().skip(2).map(|row| row.split_once('.').unwrap().0.parse().unwrap()).collect();
        let kept = times.len() as i64 - 1;
        assert!(kept > 100_000, "{kept}");
        assert!(times.iter().copied().eq((0..kept).chain([200_000])));
    }
}
