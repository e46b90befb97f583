//! How many batches wait, of arrivals and dispatches that come batch by batch.

use std::collections::VecDeque;
use std::io::Result;

use super::sink::{Lane, Sink, Track};

/// Batches that have arrived and are not dispatched. Batches are dispatched in the order in which they arrive.
#[derive(Debug)]
pub(super) struct Waiting {
    parent: Track,
    rank: usize,
    /// There is one once a batch has waited.
    track: Option<Track>,
    /// When the batches that wait will be dispatched.
    dispatches: VecDeque<u64>,
}

impl Waiting {
    pub(super) fn new(parent: Track, rank: usize) -> Self {
        Self { parent, rank, track: None, dispatches: VecDeque::new() }
    }

    /// The next batch. One that is dispatched at once never waits.
    pub(super) fn batch(&mut self, arrived: u64, dispatched: u64, sink: &mut impl Sink) -> Result<()> {
        self.until(arrived, sink)?;
        if dispatched > arrived {
            self.dispatches.push_back(dispatched);
            self.count(arrived, sink)?;
        }
        Ok(())
    }

    /// Counts down for whatever was dispatched up to `now`.
    pub(super) fn until(&mut self, now: u64, sink: &mut impl Sink) -> Result<()> {
        while let Some(at) = self.dispatches.front().copied().filter(|at| *at <= now) {
            self.dispatches.pop_front();
            self.count(at, sink)?;
        }
        Ok(())
    }

    fn count(&mut self, at: u64, sink: &mut impl Sink) -> Result<()> {
        let track = match self.track {
            Some(track) => track,
            None => {
                let lane = Lane { parent: Some(self.parent), name: "waiting batches", rank: self.rank, unit: Some("") };
                *self.track.insert(sink.declare(lane)?)
            }
        };
        sink.count(track, at, self.dispatches.len() as f64)
    }
}
