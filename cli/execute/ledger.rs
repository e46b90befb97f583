//! Where the time of a comparison goes: `--profile`.
//!
//! Whoever does a part of the work says how long it took, from any thread; runs bring what their own profilers have found
//! ([`isotherm_core::profiler`]). Threads are added up: two threads have two seconds in a second. What nobody has claimed is waiting for
//! another thread, or too small to be told apart.

mod told;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use isotherm_core::profiler::{Clock, Spent};

pub use told::{PartSpent, TimeSpent};

/// A part of the work that is not an event of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Scenarios are read and checked.
    Scenario,
    /// Streams, routers and telemetry sources are made.
    Building,
    /// Logits of a batch: draws and product.
    Stream,
    /// The gate of a batch: its reference routing and statistics.
    Gate,
    /// The frontier that all runs of a group share.
    Frontier,
    /// Runs are advanced: everything of the engine and the world.
    Events,
    /// Results are added up, written and shown.
    Output,
}

impl Part {
    /// All of them, in the order in which they are told.
    const ALL: [Self; 7] =
        [Self::Scenario, Self::Building, Self::Stream, Self::Gate, Self::Frontier, Self::Events, Self::Output];

    fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Building => "streams, routers, sources",
            Self::Stream => "token stream",
            Self::Gate => "gate",
            Self::Frontier => "shared frontier",
            Self::Events => "events",
            Self::Output => "output",
        }
    }
}

/// Time by part of the work, while it is under way.
#[derive(Debug)]
pub struct Ledger {
    clock: Arc<dyn Clock>,
    begun: u64,
    /// Time of each part (ns) and how often it was done, in the order of [`Part::ALL`].
    parts: [(AtomicU64, AtomicU64); Part::ALL.len()],
    events: Mutex<Spent>,
}

impl Ledger {
    /// An empty one, by this clock, from now on.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { begun: clock.nanos(), clock, parts: Default::default(), events: Mutex::default() }
    }

    /// Does `work`, and writes down how long it took.
    pub fn time<R>(&self, part: Part, work: impl FnOnce() -> R) -> R {
        let begun = self.clock.nanos();
        let result = work();
        self.add(part, self.clock.nanos() - begun);
        result
    }

    /// Writes down so many nanoseconds of a part.
    pub fn add(&self, part: Part, nanos: u64) {
        let (sum, number) = &self.parts[part as usize];
        sum.fetch_add(nanos, Ordering::Relaxed);
        number.fetch_add(1, Ordering::Relaxed);
    }

    /// The clock by which runs tell where their time goes.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Takes down what the events of a run have taken, when it is over.
    pub(super) fn take(&self, spent: Option<&Spent>) {
        if let Some(spent) = spent {
            self.events.lock().unwrap_or_else(PoisonError::into_inner).add(spent);
        }
    }

    /// What was written down, with the rest of the time of so many threads. `before` it began, the scenario was read.
    #[must_use]
    pub fn spent(&self, before: Duration, threads: usize) -> TimeSpent {
        self.add(Part::Scenario, before.as_nanos() as u64);
        let seconds = before.as_secs_f64() + 1e-9 * (self.clock.nanos() - self.begun) as f64;
        let parts = Part::ALL.map(|part| {
            let (sum, number) = &self.parts[part as usize];
            (part, 1e-9 * sum.load(Ordering::Relaxed) as f64, number.load(Ordering::Relaxed))
        });
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        TimeSpent::of(seconds, threads, &parts, events)
    }
}

/// Does `work`, and writes down how long it took where somebody wants to know.
pub(crate) fn time<R>(ledger: Option<&Ledger>, part: Part, work: impl FnOnce() -> R) -> R {
    match ledger {
        Some(ledger) => ledger.time(part, work),
        None => work(),
    }
}

#[cfg(test)]
mod tests;
