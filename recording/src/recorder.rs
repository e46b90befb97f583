//! Readings to files: rows that are on disk within a second, in segments, in memory that does not grow.

mod columns;
mod convert;
mod error;
mod options;
mod segment;

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use self::columns::Columns;
use self::segment::Segment;
use crate::header::Header;
use crate::reading::Reading;

pub use self::columns::AGED;
pub use self::convert::recover;
pub use self::error::RecordError;
pub(crate) use self::error::journal_of;
pub use self::options::{FileFormat, RecorderOptions};

/// Writes readings as they come.
///
/// Why: a recording is worth most when something went wrong, and then nobody is left to close the file. Every half second of
/// readings goes to the operating system, so a process that is killed loses less than a second of them. Parquet cannot be read without
/// its end; so its rows go to a CSV journal beside it first, and the journal is taken away when the Parquet file is whole.
///
/// A file is never split within one call of [`Recorder::write`]. Memory is bounded: half a second of rows, and one row group while a
/// segment becomes Parquet, which happens beside the recording in a thread of its own.
///
/// ```
/// use isotherm_recording::{DeviceFacts, Entry, Header, Reading, Recorder, RecorderOptions, Recording, Signal};
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("idle.csv.gz");
/// let mut recorder = Recorder::create(&path, Header::new("test", 50.0, &[DeviceFacts::default()]), RecorderOptions::default())?;
/// let mut reading = Reading { begun: 1_795_378_419_453_400_001, ended: 1_795_378_419_453_500_001, ..Reading::default() };
/// reading.set(Signal::Temperature, Entry::Value { value: 41, changed: reading.begun });
/// recorder.write(&[reading])?;
/// assert_eq!(recorder.finish()?, [path.clone()]);
///
/// let recording = Recording::open(path.to_str().unwrap()).unwrap();
/// assert_eq!(recording.tracks[0].times, [1_795_378_419_453_400_001]);
/// assert_eq!(recording.tracks[0].column(Signal::Temperature), Some(&[41.0][..]));
/// # Ok::<(), isotherm_recording::RecordError>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    format: FileFormat,
    header: Header,
    options: RecorderOptions,
    columns: Columns,
    segment: Segment,
    /// Finished segments, in order.
    done: Vec<PathBuf>,
    /// The segment before, on its way to Parquet.
    conversion: Option<JoinHandle<Result<(), RecordError>>>,
    /// The first conversion that failed.
    failed: Option<RecordError>,
}

impl Recorder {
    /// Creates the first file and writes its header.
    ///
    /// # Errors
    /// [`RecordError`]: the format is not known by the name, the file exists, or it cannot be written.
    pub fn create(path: &Path, header: Header, options: RecorderOptions) -> Result<Self, RecordError> {
        let format = match options.format {
            Some(format) => format,
            None => FileFormat::of(path).ok_or_else(|| RecordError::Format { path: path.to_owned() })?,
        };
        let columns = Columns::of(&header);
        let second = segment_path(path, FileFormat::of(path), 2);
        if !options.replace && (options.rotate_every.is_some() || options.rotate_bytes.is_some()) && second.exists() {
            // Now, and not after the first hour.
            return Err(RecordError::Exists { path: second, hint: String::new() });
        }
        let header = Header { segment: 1, ..header };
        let segment = Segment::create(path, format, &header, &columns, options.replace)?;
        let (path, done) = (path.to_owned(), Vec::new());
        Ok(Self { path, format, header, options, columns, segment, done, conversion: None, failed: None })
    }

    /// Appends the readings of one poll. Cheap: the disk is touched twice a second.
    ///
    /// A signal without a column that gives a value after all begins a new segment with that column.
    ///
    /// # Errors
    /// [`RecordError`] where the disk is full or gone. What was written stays; the caller may try again with the next readings.
    pub fn write(&mut self, readings: &[Reading]) -> Result<(), RecordError> {
        let Some(first) = readings.first() else { return Ok(()) };
        self.columns.widen(readings);
        if self.segment.columns() != &self.columns || self.segment.is_over(first.begun, &self.options) {
            self.rotate()?;
        }
        self.segment.append(readings)
    }

    /// Where the rows go at present: the segment, or the journal that it will be made of.
    #[must_use]
    pub fn writing_to(&self) -> &Path {
        self.segment.file()
    }

    /// Closes everything; returns the files of the recording in order.
    ///
    /// # Errors
    /// [`RecordError`] where the end cannot be written, or a Parquet file could not be made of its journal, which then stays.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, RecordError> {
        self.segment.end()?;
        let (path, file) = (self.segment.path().to_owned(), self.segment.file().to_owned());
        self.keep(path, file);
        self.await_conversion();
        self.failed.map_or(Ok(self.done), Err)
    }

    fn rotate(&mut self) -> Result<(), RecordError> {
        self.segment.flush()?;
        let header = Header { segment: self.header.segment + 1, ..self.header.clone() };
        let path = segment_path(&self.path, FileFormat::of(&self.path), header.segment);
        let next = Segment::create(&path, self.format, &header, &self.columns, self.options.replace)?;
        let mut last = std::mem::replace(&mut self.segment, next);
        self.header = header;
        let ended = last.end();
        self.keep(last.path().to_owned(), last.file().to_owned());
        ended
    }

    /// Adds a segment to those that are done and, for Parquet, starts its conversion from the `file` that was written.
    fn keep(&mut self, path: PathBuf, file: PathBuf) {
        self.done.push(path.clone());
        if self.format == FileFormat::Parquet {
            self.await_conversion();
            self.conversion = Some(std::thread::spawn(move || convert::to_parquet(&file, &path)));
        }
    }

    /// A conversion that failed does not stop the recording: its journal is as good.
    fn await_conversion(&mut self) {
        let Some(conversion) = self.conversion.take() else { return };
        let broken = || RecordError::Convert { path: self.path.clone(), why: "the conversion broke off".to_owned() };
        if let Err(fault) = conversion.join().unwrap_or_else(|_| Err(broken())) {
            self.failed.get_or_insert(fault);
        }
    }
}

/// The file of a segment: `name.csv`, then `name-0002.csv` and so on.
pub(crate) fn segment_path(path: &Path, format: Option<FileFormat>, segment: u32) -> PathBuf {
    if segment <= 1 {
        return path.to_owned();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = format.map_or("", FileFormat::ending);
    let (stem, ending) = name.strip_suffix(ending).map_or((name.as_ref(), ""), |stem| (stem, ending));
    path.with_file_name(format!("{stem}-{segment:04}{ending}"))
}
