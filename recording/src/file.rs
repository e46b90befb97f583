//! Recordings as columns, whoever wrote them.
//!
//! What a file is decides its content, never its name:
//!
//! | format | known by |
//! |---|---|
//! | our own CSV, plain or gzip | a first line `# {"format":"isotherm-recording", ...}` |
//! | CSV with our columns | a first line that names `t_s` |
//! | our own Parquet | `PAR1`, and a column `t_ns` |
//! | `nvidia-smi --query-gpu=timestamp,... --format=csv` | a first line that names `timestamp` and fields such as `power.draw [W]` |
//! | CSV of DCGM's fields | columns such as `DCGM_FI_DEV_GPU_TEMP`, and one of time |
//! | a range query of Prometheus | JSON with `resultType` `matrix` |

mod cells;
mod civil;
mod dcgm;
mod dcgm_csv;
mod number;
mod open;
mod own;
mod parquet;
mod prometheus;
mod rows;
mod segments;
mod smi;
mod table;
mod track;

use std::collections::BTreeMap;

use isotherm_core::input::InputError;

use crate::header::Header;
use crate::signal::Signal;

pub(crate) use self::number::nanos;
pub use self::track::Track;

/// What wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// isotherm, as CSV.
    Own,
    /// isotherm, as Parquet.
    Parquet,
    /// Anyone who uses our columns.
    Columns,
    /// `nvidia-smi --query-gpu`.
    NvidiaSmi,
    /// DCGM's fields as CSV.
    DcgmCsv,
    /// A range query of Prometheus.
    Prometheus,
}

/// One recorded file, or all segments of one recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The path as it was given.
    pub file: String,
    /// What wrote it.
    pub format: Format,
    /// What its writer said of it, where the format has a place for that.
    pub header: Option<Header>,
    /// The GPUs by ascending index.
    pub tracks: Vec<Track>,
    /// What was ignored, missing or mended, as sentences.
    pub notes: Vec<String>,
    /// Names of the columns in the file.
    names: Vec<String>,
    /// Line of the names, where the file has lines.
    line: Option<u64>,
    /// The first cell of each signal that held something else than a number.
    odd: BTreeMap<Signal, Odd>,
}

/// A cell that holds no number where one should be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Odd {
    line: u64,
    column: String,
    cell: String,
    count: usize,
}

impl Recording {
    /// Reads a file whole and, where it is the first segment of a recording that was rotated, the others too.
    ///
    /// Tolerant to what a kill leaves of our own files: a last row without its end is left out, and a note says so. A cell that
    /// holds no number counts as not measured, with a note.
    ///
    /// # Errors
    /// [`InputError`] with the line where there is one: no such file, none of the formats, no time, a time that goes back, no rows.
    pub fn open(file: &str) -> Result<Self, InputError> {
        segments::open(file)
    }

    /// A recording from text; `file` is for messages.
    ///
    /// ```
    /// use isotherm_recording::{Recording, Signal};
    /// let log = "timestamp, index, power.draw [W], temperature.gpu\n2026/11/26 17:05:01.123, 0, 80.45 W, 41\n";
    /// let recording = Recording::parse("smi.csv", log).unwrap();
    /// assert_eq!(recording.tracks[0].column(Signal::Power), Some(&[80_450.0][..]), "milliwatts");
    /// ```
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn parse(file: &str, text: &str) -> Result<Self, InputError> {
        open::parse(file, text)
    }

    /// What wrote a file, by its beginning; `None` where it is no recording.
    ///
    /// # Errors
    /// [`InputError`] if it cannot be read, is damaged, or is not text.
    pub fn format_of(file: &str) -> Result<Option<Format>, InputError> {
        open::format_of(file)
    }

    /// Time 0 of the recording (ns, on its own clock): its first row. In the record of a run, which has ages, the run's time 0.
    #[must_use]
    pub fn origin(&self) -> i64 {
        if self.tracks.iter().any(|track| !track.age_ns.is_empty()) {
            return 0;
        }
        self.tracks.iter().filter_map(|track| track.times.first()).min().copied().unwrap_or(0)
    }

    /// From time 0 to the last row (ns).
    #[must_use]
    pub fn length(&self) -> u64 {
        let last = self.tracks.iter().filter_map(|track| track.times.last()).max();
        last.map_or(0, |last| last.saturating_sub(self.origin()).try_into().unwrap_or(0))
    }

    /// Asks for at least one of these signals.
    ///
    /// # Errors
    /// [`InputError`] with the columns that there are.
    pub fn require(&self, any_of: &[Signal]) -> Result<(), InputError> {
        let has = |signal: &Signal| self.tracks.iter().any(|track| track.column(*signal).is_some());
        if any_of.iter().any(has) {
            return Ok(());
        }
        let (first, others) = any_of.split_first().map_or(("temp_c", &[][..]), |(first, rest)| (first.column(), rest));
        let others: Vec<String> = others.iter().map(|signal| format!("`{}`", signal.column())).collect();
        let others =
            if others.is_empty() { String::new() } else { format!(", nor {} in its place", others.join(" or ")) };
        let fault = table::no_column(&format!("column `{first}`{others}"), &self.names);
        let fault = InputError::new(&self.file, fault.0, fault.1);
        Err(match self.line {
            Some(line) => fault.at_line(line),
            None => fault,
        })
    }

    /// Refuses a recording in which one of these signals has a cell that holds no number, for those who show no notes.
    ///
    /// # Errors
    /// [`InputError`] with the line of the first such cell.
    pub fn refuse_odd(&self, signals: &[Signal]) -> Result<(), InputError> {
        let odd = signals.iter().filter_map(|signal| Some((signal, self.odd.get(signal)?)));
        let Some((signal, odd)) = odd.min_by_key(|(_, odd)| odd.line) else { return Ok(()) };
        let unit = cells::unit(*signal);
        Err(InputError::new(
            &self.file,
            format!("`{}` is `{}`, which is not a finite number", odd.column, odd.cell),
            format!("expected {unit}, or an empty cell where nothing was measured"),
        )
        .at_line(odd.line))
    }
}
