//! The tracks of one run.

use std::io::Result;

use super::changes::{self, Change, When};
use super::gpu::{GpuTracks, Times};
use super::sink::{Argument, Lane, Sink, Track, Value};
use super::waiting::Waiting;
use crate::results::{BatchRow, Column, Results, RunRow, ThrottleRow};

/// What a batch cost and gave up, as counters of its run.
const COUNTERS: [(&str, Column, &str); 4] = [
    ("batch energy", Column::EnergyJ, "J"),
    ("mass regret", Column::MassRegret, ""),
    ("hot share", Column::HotShare, ""),
    ("agreement", Column::TopkAgreement, ""),
];

/// The same as arguments of the router's decision.
const GIVEN_UP: [(&str, Column); 4] = [
    ("mass_regret", Column::MassRegret),
    ("topk_agreement", Column::TopkAgreement),
    ("hot_share", Column::HotShare),
    ("dropped_assignments", Column::DroppedAssignments),
];

/// Lists that have an entry per GPU.
const PER_GPU: [Column; 3] = [Column::BusyS, Column::PowerW, Column::TemperatureDegc];

/// Places of tracks below their run.
const FIRST_COUNTER: usize = 3;
const FIRST_GPU: usize = FIRST_COUNTER + COUNTERS.len() + 1;

/// The tracks of one run, and how far it is.
pub(super) struct RunTracks {
    group: Track,
    scenario: Option<Track>,
    batches: Track,
    router: Track,
    waiting: Waiting,
    counters: [Track; COUNTERS.len()],
    gpus: Vec<GpuTracks>,
    /// Changes that have not happened yet.
    changes: Vec<Change>,
    /// Whether the model has several layers.
    has_layers: bool,
    /// When the last batch was done.
    finished: u64,
}

impl RunTracks {
    pub(super) fn open(results: &Results, run: usize, rank: usize, sink: &mut impl Sink) -> Result<Self> {
        let group = sink.declare(Lane { parent: None, name: &name(&results.runs[run]), rank, unit: None })?;
        let mut below = |name: &str, rank: usize, unit: Option<&'static str>| {
            sink.declare(Lane { parent: Some(group), name, rank, unit })
        };
        let changes = changes::of(results.scenario.as_ref());
        let scenario = match changes.is_empty() {
            true => None,
            false => Some(below("scenario", 0, None)?),
        };
        let batches = below("batches", 1, None)?;
        let router = below("router", 2, None)?;
        let mut counters = [group; COUNTERS.len()];
        for (place, (name, _, unit)) in COUNTERS.into_iter().enumerate() {
            counters[place] = below(name, FIRST_COUNTER + place, Some(unit))?;
        }
        let waiting = Waiting::new(group, FIRST_COUNTER + COUNTERS.len());
        let layers = results.scenario.as_ref().and_then(|scenario| scenario.get(&["model", "layers"])?.as_integer());
        let (gpus, has_layers) = (Vec::new(), layers.is_some_and(|layers| layers > 1));
        Ok(Self { group, scenario, batches, router, waiting, counters, gpus, changes, has_layers, finished: 0 })
    }

    /// The next batch. A row without its instants is passed over.
    pub(super) fn batch(&mut self, row: &BatchRow<'_>, sink: &mut impl Sink) -> Result<()> {
        let Some(times) = times(row, self.finished) else { return Ok(()) };
        let index = row.whole(Column::Batch).unwrap_or_default();
        let name = format!("batch {index}");
        self.finished = times.finished;
        self.changes_up_to(times, index, sink)?;
        let arrived = instant(row, Column::ArrivedNs).unwrap_or(times.dispatched);
        self.waiting.batch(arrived.min(times.dispatched), times.dispatched, sink)?;
        let mut arguments: Vec<Argument<'_>> = Vec::new();
        let whole = |name, column| row.whole(column).map(|value| (name, Value::Whole(value)));
        let real = |name, column| row.value(column).map(|value| (name, Value::Real(value)));
        arguments.extend(whole("tokens", Column::Tokens));
        arguments.extend(real("energy_j", Column::EnergyJ));
        arguments.push(("waited_s", Value::Real((times.dispatched - arrived.min(times.dispatched)) as f64 / 1e9)));
        arguments.extend(real("throttled_work_share", Column::ThrottledWorkShare));
        sink.slice(self.batches, &name, (times.dispatched, times.finished), &arguments)?;
        let given_up: Vec<Argument<'_>> =
            GIVEN_UP.into_iter().filter_map(|(name, column)| real(name, column)).collect();
        if times.started > times.dispatched {
            sink.slice(self.router, &name, (times.dispatched, times.started), &given_up)?;
        } else {
            sink.instant(self.router, &name, times.dispatched, &given_up)?;
        }
        for (track, (_, column, _)) in self.counters.into_iter().zip(COUNTERS) {
            if let Some(value) = row.value(column) {
                sink.count(track, times.dispatched, value)?;
            }
        }
        let gpus = PER_GPU.into_iter().map(|column| row.list(column).len()).max().unwrap_or_default();
        self.have_gpus(gpus, sink)?;
        self.gpus.iter_mut().try_for_each(|gpu| gpu.batch((&name, row), times, self.has_layers, sink))
    }

    /// A stretch in which something held a GPU back.
    pub(super) fn stretch(&mut self, stretch: &ThrottleRow, sink: &mut impl Sink) -> Result<()> {
        // A number that no GPU has is that of a damaged row.
        match self.gpus.get_mut(stretch.gpu as usize) {
            Some(gpu) => gpu.stretch(stretch, sink),
            None => Ok(()),
        }
    }

    /// The last batch was the last one.
    pub(super) fn close(&mut self, sink: &mut impl Sink) -> Result<()> {
        self.waiting.until(u64::MAX, sink)
    }

    fn have_gpus(&mut self, count: usize, sink: &mut impl Sink) -> Result<()> {
        for gpu in self.gpus.len()..count {
            self.gpus.push(GpuTracks::open(gpu, self.group, FIRST_GPU + gpu, sink)?);
        }
        Ok(())
    }

    fn changes_up_to(&mut self, times: Times, batch: i64, sink: &mut impl Sink) -> Result<()> {
        let Some(track) = self.scenario else { return Ok(()) };
        for change in std::mem::take(&mut self.changes) {
            let at = match change.when {
                When::At(at) => (at <= times.finished).then_some(at),
                When::AtBatch(at) => (at == batch).then_some(times.dispatched),
            };
            match at {
                Some(at) => sink.instant(track, &change.what, at, &[])?,
                None => self.changes.push(change),
            }
        }
        Ok(())
    }
}

/// What the group of a run is called.
fn name(run: &RunRow) -> String {
    let point = if run.point.is_empty() { String::new() } else { format!(", {}", run.point) };
    format!("{}{point}, seed {}", run.router, run.seed)
}

fn instant(row: &BatchRow<'_>, column: Column) -> Option<u64> {
    u64::try_from(row.whole(column)?).ok()
}

/// The instants of a batch in their order, whatever a damaged row says.
fn times(row: &BatchRow<'_>, before: u64) -> Option<Times> {
    let finished = instant(row, Column::FinishedNs)?.max(before);
    let dispatched = instant(row, Column::DispatchedNs)?.clamp(before, finished);
    let started = instant(row, Column::StartedNs)?.clamp(dispatched, finished);
    Some(Times { before, dispatched, started, finished })
}
