//! What happened to devices while they were read, for whoever shows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When (ns, Unix time).
    pub at: i64,
    /// What, as one line.
    pub text: String,
}

/// Events in order; all clones are one log. When nobody takes them, the oldest go: a device that comes and goes fills no memory.
///
/// ```
/// use isotherm_recording::events::EventLog;
/// let log = EventLog::default();
/// let reader = log.clone();
/// log.add(7, "GPU 0 is lost");
/// assert_eq!(reader.take()[0].text, "GPU 0 is lost");
/// assert!(log.take().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventLog {
    events: Arc<Mutex<VecDeque<Event>>>,
}

impl EventLog {
    /// Most events that are kept.
    pub const MOST: usize = 1000;

    /// Adds one.
    pub fn add(&self, at: i64, text: impl Into<String>) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == Self::MOST {
            events.pop_front();
        }
        events.push_back(Event { at, text: text.into() });
    }

    /// Takes out all there are, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_nobody_takes_them() {
        let log = EventLog::default();
        for at in 0..2500 {
            log.add(at, "something");
        }
        let events = log.take();
        assert_eq!((events.len(), events[0].at, events[999].at), (1000, 1500, 2499));
    }
}
