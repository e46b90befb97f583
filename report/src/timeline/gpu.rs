//! The tracks of one GPU.

use std::collections::BTreeMap;
use std::io::Result;

use super::sink::{Lane, Sink, Track, Value};
use crate::results::{BatchRow, Column, ThrottleRow};

/// A quantity of a GPU that is drawn as a counter.
struct Gauge {
    column: Column,
    name: &'static str,
    /// Whether it is a mean over the time before, and holds from the instant at which that began.
    is_mean: bool,
}

const GAUGES: [Gauge; 4] = [
    Gauge { column: Column::PowerW, name: "power", is_mean: true },
    Gauge { column: Column::TemperatureDegc, name: "temperature", is_mean: false },
    Gauge { column: Column::MemoryTemperatureDegc, name: "memory temperature", is_mean: false },
    Gauge { column: Column::ClockMhz, name: "clock", is_mean: false },
];

/// The tracks of a GPU; those of gauges and reasons are there once they have something to show.
#[derive(Debug)]
pub(super) struct GpuTracks {
    gpu: usize,
    /// Its work.
    track: Track,
    gauges: [Option<Track>; GAUGES.len()],
    held_back: BTreeMap<String, Track>,
}

/// The instants of a batch (ns).
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When the batch before was done, or the run began.
    pub(super) before: u64,
    pub(super) dispatched: u64,
    pub(super) started: u64,
    pub(super) finished: u64,
}

impl GpuTracks {
    pub(super) fn open(gpu: usize, parent: Track, rank: usize, sink: &mut impl Sink) -> Result<Self> {
        let name = format!("GPU {gpu}");
        let track = sink.declare(Lane { parent: Some(parent), name: &name, rank, unit: None })?;
        Ok(Self { gpu, track, gauges: Default::default(), held_back: BTreeMap::new() })
    }

    /// What it did for a batch, and how it was when that was done.
    pub(super) fn batch(
        &mut self,
        (name, row): (&str, &BatchRow<'_>),
        times: Times,
        has_layers: bool,
        sink: &mut impl Sink,
    ) -> Result<()> {
        let value = |column: Column| row.list(column).get(self.gpu).copied().filter(|value| value.is_finite());
        if let Some(busy) = value(Column::BusyS).filter(|busy| *busy > 0.0) {
            let until = times.started.saturating_add((busy * 1e9).round() as u64).min(times.finished);
            // Of several layers it waited between them, nobody knows when.
            let until = if has_layers { times.finished } else { until };
            sink.slice(self.track, name, (times.started, until), &[("busy_s", Value::Real(busy))])?;
        }
        for (place, gauge) in GAUGES.iter().enumerate() {
            let Some(value) = value(gauge.column) else { continue };
            let track = match self.gauges[place] {
                Some(track) => track,
                None => {
                    let unit = Some(gauge.column.unit());
                    let lane = Lane { parent: Some(self.track), name: gauge.name, rank: place, unit };
                    *self.gauges[place].insert(sink.declare(lane)?)
                }
            };
            sink.count(track, if gauge.is_mean { times.before } else { times.finished }, value)?;
        }
        Ok(())
    }

    /// A stretch in which something held it back.
    pub(super) fn stretch(&mut self, stretch: &ThrottleRow, sink: &mut impl Sink) -> Result<()> {
        let (Ok(from), Ok(until)) = (u64::try_from(stretch.from_ns), u64::try_from(stretch.until_ns)) else {
            return Ok(());
        };
        let cause = if stretch.cause.is_empty() { &stretch.reason } else { &stretch.cause };
        let track = match self.held_back.get(cause) {
            Some(track) => *track,
            None => {
                let rank = GAUGES.len() + self.held_back.len();
                let track = sink.declare(Lane { parent: Some(self.track), name: cause, rank, unit: None })?;
                self.held_back.insert(cause.clone(), track);
                track
            }
        };
        let arguments = [("reason", Value::Text(&stretch.reason)), ("cause", Value::Text(&stretch.cause))];
        sink.slice(track, &stretch.reason, (from, until.max(from)), &arguments)
    }
}
