//! What a profiler has found, of one run or of many.

use super::{Kind, SECTIONS, Section};

/// Time by kind of event and section, added up over runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    kinds: Vec<KindSpent>,
}

/// What one kind of event has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct KindSpent {
    /// Name of the kind.
    pub name: &'static str,
    /// Events that were handled: counted, not estimated.
    pub number: u64,
    /// Their time (s), everything in them included.
    pub seconds: f64,
    /// Time of each section in them (s) and how often it was entered, in the order of [`Section::ALL`].
    pub sections: [(f64, f64); SECTIONS],
}

impl KindSpent {
    /// Time outside all sections (s).
    #[must_use]
    pub fn other_seconds(&self) -> f64 {
        self.seconds - self.sections.iter().map(|(seconds, _)| seconds).sum::<f64>()
    }
}

impl Spent {
    pub(super) fn of(names: &'static [&'static str], kinds: &[Kind]) -> Self {
        let kind = |(name, kind): (&&'static str, &Kind)| {
            // The timed events stand for about as many as were seen; this makes it exactly as many.
            let each = kind.seen as f64 / kind.weight.max(1) as f64;
            let section = |at: usize| (1e-9 * each * kind.sections[at] as f64, each * kind.calls[at] as f64);
            KindSpent {
                name,
                number: kind.seen,
                seconds: 1e-9 * each * kind.nanos as f64,
                sections: std::array::from_fn(section),
            }
        };
        Self { kinds: names.iter().zip(kinds).map(kind).collect() }
    }

    /// The kinds, in the order of their names.
    #[must_use]
    pub fn kinds(&self) -> &[KindSpent] {
        &self.kinds
    }

    /// Time of all events (s).
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.kinds.iter().map(|kind| kind.seconds).sum()
    }

    /// Time of a section in events of all kinds (s).
    #[must_use]
    pub fn of_section(&self, section: Section) -> f64 {
        self.kinds.iter().map(|kind| kind.sections[section as usize].0).sum()
    }

    /// Adds what another run has taken, kind by kind; kinds that are new come last.
    pub fn add(&mut self, other: &Self) {
        for other in &other.kinds {
            let Some(own) = self.kinds.iter_mut().find(|own| own.name == other.name) else {
                self.kinds.push(other.clone());
                continue;
            };
            own.number += other.number;
            own.seconds += other.seconds;
            for (own, other) in own.sections.iter_mut().zip(&other.sections) {
                *own = (own.0 + other.0, own.1 + other.1);
            }
        }
    }

    /// Makes all times `factor` times as long: what was estimated is brought in line with a sum that was measured.
    pub fn scale(&mut self, factor: f64) {
        for kind in &mut self.kinds {
            kind.seconds *= factor;
            kind.sections.iter_mut().for_each(|(seconds, _)| *seconds *= factor);
        }
    }
}
