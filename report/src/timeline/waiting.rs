//! How many batches wait, of arrivals and dispatches that come batch by batch.

use std::collections::VecDeque;
use std::io::Result;

use super::sink::{Sink, Track};

/// Batches that have arrived and are not dispatched. Batches are dispatched in the order in which they arrive.
#[derive(Debug)]
pub(super) struct Waiting {
    track: Track,
    /// When the batches that wait will be dispatched.
    dispatches: VecDeque<u64>,
}

impl Waiting {
    pub(super) fn new(track: Track) -> Self {
        Self { track, dispatches: VecDeque::new() }
    }

    /// The next batch. One that is dispatched at once never waits.
    pub(super) fn batch(&mut self, arrived: u64, dispatched: u64, sink: &mut impl Sink) -> Result<()> {
        self.until(arrived, sink)?;
        if dispatched > arrived {
            self.dispatches.push_back(dispatched);
            sink.count(self.track, arrived, self.dispatches.len() as f64)?;
        }
        Ok(())
    }

    /// Counts down for whatever was dispatched up to `now`.
    pub(super) fn until(&mut self, now: u64, sink: &mut impl Sink) -> Result<()> {
        while let Some(at) = self.dispatches.front().copied().filter(|at| *at <= now) {
            self.dispatches.pop_front();
            sink.count(self.track, at, self.dispatches.len() as f64)?;
        }
        Ok(())
    }
}
