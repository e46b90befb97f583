//! How a recording is kept.

use std::path::Path;
use std::time::Duration;

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Text, readable by everything.
    Csv,
    /// The same text, about a quarter of the size.
    CsvGz,
    /// Typed columns for data frames; a CSV journal until the segment is whole.
    Parquet,
}

impl FileFormat {
    /// The format that a file's name asks for.
    ///
    /// ```
    /// use isotherm_recording::FileFormat;
    /// assert_eq!(FileFormat::of("a/b.csv.gz".as_ref()), Some(FileFormat::CsvGz));
    /// assert_eq!(FileFormat::of("a/b.txt".as_ref()), None);
    /// ```
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        [Self::CsvGz, Self::Csv, Self::Parquet].into_iter().find(|format| name.ends_with(format.ending()))
    }

    /// How names of such files end.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::CsvGz => ".csv.gz",
            Self::Parquet => ".parquet",
        }
    }
}

/// How a recording is kept. The default: the format by the name, one file, never over one that exists.
#[derive(Clone, Debug, Default)]
pub struct RecorderOptions {
    /// The format, where the name does not say it.
    pub format: Option<FileFormat>,
    /// A new segment when the readings of one span this time.
    pub rotate_every: Option<Duration>,
    /// A new segment when the file of one has this size (bytes); for Parquet the size of the journal, which is larger.
    pub rotate_bytes: Option<u64>,
    /// Whether files that exist are replaced.
    pub replace: bool,
}
