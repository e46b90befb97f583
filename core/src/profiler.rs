//! Where a run's time goes: per kind of event, and inside it per section, by a clock that the caller brings.
//!
//! Most events take less than a microsecond, and to read a clock twice for each would cost more than a tenth of it. So events are timed
//! now and then, each kind by itself: the shorter its events are, the fewer. The gap between two that are timed is drawn, so that it
//! cannot fall into step with the GPUs or layers of a run, and chosen such that reading the clock costs less than one part in
//! [`BUDGET`] of what the kind takes. Events of many microseconds are all timed. What is read is corrected for the time that the
//! reading itself takes.
//!
//! A profiler sees time and changes nothing: a run with one has the same trace and the same record.

mod spent;

use std::fmt::Debug;
use std::sync::Arc;

pub use spent::{KindSpent, Spent};

/// Reading the clock takes at most one part in so many of what is timed by it.
pub const BUDGET: u64 = 512;
/// Largest mean gap between two events that are timed, so that even the shortest ones are seen.
const LARGEST_GAP: u64 = 1024;

/// A clock, which the core has none of.
pub trait Clock: Debug + Send + Sync {
    /// Nanoseconds since some fixed instant; never goes back.
    fn nanos(&self) -> u64;
}

/// A part of what an event does that is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The router decides.
    Route,
    /// The router is told what its decision cost.
    Feedback,
    /// What was decided is compared with the reference and with the batch before.
    Fidelity,
    /// Assignments go to copies and GPUs, and what crosses between them is counted.
    ShareOut,
    /// The state of GPUs is brought to the present: temperatures, energy.
    Settle,
    /// Which limit a GPU reaches next, and when.
    Crossings,
    /// The telemetry source is asked.
    Telemetry,
    /// The placement policy is asked.
    Placement,
    /// The run's own frontier is extended.
    Frontier,
}

impl Section {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 9] = [
        Self::Route,
        Self::Feedback,
        Self::Fidelity,
        Self::ShareOut,
        Self::Settle,
        Self::Crossings,
        Self::Telemetry,
        Self::Placement,
        Self::Frontier,
    ];

    /// Name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Route => "router: route",
            Self::Feedback => "router: feedback",
            Self::Fidelity => "routing: fidelity",
            Self::ShareOut => "routing: share-out",
            Self::Settle => "physics: settle",
            Self::Crossings => "physics: crossings",
            Self::Telemetry => "telemetry source",
            Self::Placement => "placement policy",
            Self::Frontier => "frontier",
        }
    }
}

const SECTIONS: usize = Section::ALL.len();

/// Times the events of one run.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use isotherm_core::profiler::{Clock, Profiler, Section};
///
/// /// Goes on by a microsecond each time somebody looks.
/// #[derive(Debug, Default)]
/// struct Looks(AtomicU64);
/// impl Clock for Looks {
///     fn nanos(&self) -> u64 { 1000 * self.0.fetch_add(1, Ordering::Relaxed) }
/// }
///
/// let mut profiler = Profiler::new(Arc::new(Looks::default()), &["tick"]);
/// profiler.event_begins(0);
/// let begun = profiler.section_begins();
/// profiler.section_ends(Section::Settle, begun);
/// profiler.event_ends();
/// assert_eq!(profiler.spent().kinds()[0].number, 1);
/// ```
#[derive(Debug)]
pub struct Profiler {
    clock: Arc<dyn Clock>,
    /// What one reading of the clock takes (ns).
    reading: u64,
    names: &'static [&'static str],
    kinds: Vec<Kind>,
    /// The event under way, if it is timed.
    timed: Option<Timed>,
    drawn: u64,
}

/// What is known of one kind of event.
#[derive(Clone, Debug, Default)]
struct Kind {
    seen: u64,
    /// Events until one is timed again.
    wait: u64,
    /// Mean gap by which the next one was chosen: for how many it stands.
    gap: u64,
    /// Events that the timed ones stand for.
    weight: u64,
    /// Time of the timed ones, each as often as it stands for (ns).
    nanos: u64,
    sections: [u64; SECTIONS],
    calls: [u64; SECTIONS],
    /// Readings of the clock, and the time they bought (ns).
    readings: u64,
    bought: u64,
}

/// An event that is being timed.
#[derive(Clone, Copy, Debug)]
struct Timed {
    kind: usize,
    begun: u64,
    readings: u64,
    sections: [u64; SECTIONS],
    calls: [u64; SECTIONS],
}

impl Profiler {
    /// A profiler of the kinds of event with these names. Reads the clock a few times, to know what that takes.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, names: &'static [&'static str]) -> Self {
        let pairs = (0..32).map(|_| {
            let first = clock.nanos();
            clock.nanos().saturating_sub(first)
        });
        let reading = pairs.min().unwrap_or(0);
        Self { reading, kinds: vec![Kind::default(); names.len()], names, clock, timed: None, drawn: 0 }
    }

    /// An event of the kind at this place among the names is about to be handled.
    #[inline]
    pub fn event_begins(&mut self, kind: usize) {
        let known = &mut self.kinds[kind];
        known.seen += 1;
        if known.wait > 0 {
            known.wait -= 1;
            return;
        }
        let (sections, calls) = ([0; SECTIONS], [0; SECTIONS]);
        self.timed = Some(Timed { kind, begun: self.clock.nanos(), readings: 2, sections, calls });
    }

    /// It has been handled.
    #[inline]
    pub fn event_ends(&mut self) {
        if let Some(timed) = self.timed.take() {
            self.note(&timed);
        }
    }

    /// A section of the event begins; `None` if this event is not timed. Sections do not lie in each other.
    #[inline]
    #[must_use]
    pub fn section_begins(&self) -> Option<u64> {
        self.timed.is_some().then(|| self.clock.nanos())
    }

    /// The section that began at `begun` ends.
    #[inline]
    pub fn section_ends(&mut self, section: Section, begun: Option<u64>) {
        if let (Some(begun), Some(timed)) = (begun, &mut self.timed) {
            timed.sections[section as usize] += (self.clock.nanos() - begun).saturating_sub(self.reading);
            timed.calls[section as usize] += 1;
            timed.readings += 2;
        }
    }

    fn note(&mut self, timed: &Timed) {
        // Between the two outer readings lie one of their own and all the inner ones.
        let took = (self.clock.nanos() - timed.begun).saturating_sub(self.reading * (timed.readings - 1));
        let known = &mut self.kinds[timed.kind];
        let weight = known.gap.max(1);
        known.weight += weight;
        known.nanos += weight * took.max(timed.sections.iter().sum());
        for section in 0..SECTIONS {
            known.sections[section] += weight * timed.sections[section];
            known.calls[section] += weight * timed.calls[section];
        }
        known.readings += timed.readings;
        known.bought += took;
        known.gap = (BUDGET * self.reading * known.readings).div_ceil(known.bought.max(1)).clamp(1, LARGEST_GAP);
        let gap = known.gap;
        self.kinds[timed.kind].wait = self.draw(2 * gap - 1);
    }

    /// A whole number below `end`, evenly: their mean is half of `end - 1`. SplitMix64; no run ever sees it.
    fn draw(&mut self, end: u64) -> u64 {
        self.drawn = self.drawn.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.drawn ^ (self.drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    /// What has been spent so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        Spent::of(self.names, &self.kinds)
    }
}

#[cfg(test)]
mod tests;
