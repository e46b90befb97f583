//! A run as a timeline that a trace viewer opens: batches, the work of every GPU on them, what held it back, what the router gave up,
//! and power, temperature and clock beside it.
//!
//! Two forms hold the same: Perfetto's own TrackEvents, and the Chrome JSON that other viewers read. Times are simulated, from the start
//! of each run, in nanoseconds. Rows are written as they are read, so that a timeline of any length needs little memory.
//!
//! | track of a run | what is on it |
//! |---|---|
//! | `scenario` | an instant for each `[[change]]` |
//! | `batches` | a slice a batch, from its routing until its slowest GPU is done |
//! | `router` | the router's own time for each batch, with what the batch gave up |
//! | `waiting batches`, `batch energy`, `mass regret`, `hot share`, `agreement` | counters |
//! | `GPU n` | a slice for the time it worked on a batch; of a model of several layers, from the first one's start to the last one's end |
//! | `GPU n` › `power`, `temperature`, `memory temperature`, `clock` | counters; power holds for the time that it is the mean of |
//! | `GPU n` › `SwPowerCap`, ... | a slice while it held the GPU back |

mod changes;
mod chosen;
mod chrome;
mod gpu;
mod known;
mod message;
mod perfetto;
mod run;
mod sink;
mod waiting;

pub use chosen::{Choice, NotChosen};
pub use known::is_timeline;

use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use thiserror::Error;

use crate::results::{Column, ReadError, Results, Wanted};
use chrome::Chrome;
use perfetto::Perfetto;
use run::RunTracks;
use sink::Sink;

/// How a timeline is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Perfetto's TrackEvents, as protocol buffers.
    #[default]
    Perfetto,
    /// Chrome's JSON.
    Chrome,
}

/// Why a timeline is not whole.
#[derive(Debug, Error)]
pub enum TimelineError {
    /// The folder cannot be read to the end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is written to takes no more.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// What is read of every batch.
const COLUMNS: [Column; 17] = [
    Column::Batch,
    Column::ArrivedNs,
    Column::DispatchedNs,
    Column::StartedNs,
    Column::FinishedNs,
    Column::Tokens,
    Column::DroppedAssignments,
    Column::EnergyJ,
    Column::HotShare,
    Column::MassRegret,
    Column::TopkAgreement,
    Column::ThrottledWorkShare,
    Column::TemperatureDegc,
    Column::MemoryTemperatureDegc,
    Column::PowerW,
    Column::ClockMhz,
    Column::BusyS,
];

/// Writes the timeline of some runs, by their indices in [`Results::runs`], one under another.
///
/// # Errors
/// [`TimelineError`]; what was written until then is no whole timeline.
pub fn write(results: &Results, runs: &[usize], format: Format, out: impl Write) -> Result<(), TimelineError> {
    match format {
        Format::Perfetto => {
            let mut sink = Perfetto::begin(out);
            fill(results, runs, &mut sink)?;
            Ok(sink.finish()?)
        }
        Format::Chrome => {
            let mut sink = Chrome::begin(out)?;
            fill(results, runs, &mut sink)?;
            Ok(sink.finish()?)
        }
    }
}

/// The same for a file of this name: compressed if it ends in `.gz`, which trace viewers open as it is.
///
/// # Errors
/// As for [`write()`].
pub fn write_as(
    name: &Path,
    results: &Results,
    runs: &[usize],
    format: Format,
    out: impl Write,
) -> Result<(), TimelineError> {
    let mut out = BufWriter::new(out);
    if name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        // No time and no name of a file in the header: the same bytes every time.
        let mut compressed = GzEncoder::new(&mut out, Compression::default());
        write(results, runs, format, BufWriter::new(&mut compressed))?;
        compressed.finish()?;
    } else {
        write(results, runs, format, &mut out)?;
    }
    Ok(out.flush()?)
}

fn fill(results: &Results, runs: &[usize], sink: &mut impl Sink) -> Result<(), TimelineError> {
    let mut tracks = Vec::new();
    for (rank, run) in runs.iter().enumerate() {
        tracks.push(RunTracks::open(results, *run, rank, sink)?);
    }
    let place = |run: usize| runs.iter().position(|wanted| *wanted == run);
    let wanted = Wanted::of_runs(&COLUMNS, runs);
    results.try_each_batch(&wanted, |run, row| match place(run) {
        Some(place) => Ok(tracks[place].batch(row, sink)?),
        None => Ok::<(), TimelineError>(()),
    })?;
    tracks.iter_mut().try_for_each(|run| run.close(sink))?;
    results.try_each_stretch(Some(runs), |stretch| match place(stretch.run) {
        Some(place) => Ok(tracks[place].stretch(&stretch, sink)?),
        None => Ok::<(), TimelineError>(()),
    })
}
