//! The pending-event set: events ordered by time, equal times in insertion order.
//!
//! Two implementations of one trait: [`Wheel`], a radix wheel without tuning parameters, is the
//! default; [`BinaryHeapQueue`] is the obviously correct oracle that property tests compare it with.

mod heap;
mod wheel;

pub use heap::BinaryHeapQueue;
pub use wheel::Wheel;

use crate::time::SimTime;

/// A set of pending events that gives them back by (time, insertion).
///
/// Promises every implementation keeps: `pop` never returns a smaller time than the `pop` before it,
/// as long as nothing is pushed before the last popped time; events of equal time leave in the order
/// in which they were pushed, whatever was pushed or popped in between.
pub trait EventQueue<E: Copy>: Clone + Default {
    /// Adds `event` at `at`. Equal times are served in the order of the pushes.
    fn push(&mut self, at: SimTime, event: E);

    /// Removes the earliest event.
    fn pop(&mut self) -> Option<(SimTime, E)>;

    /// Removes the earliest event if its time is exactly `at`.
    fn pop_at(&mut self, at: SimTime) -> Option<E>;

    /// Time of the earliest event, without removing it.
    fn peek_time(&self) -> Option<SimTime>;

    /// Number of pending events, cancelled ones that have not surfaced yet included.
    fn len(&self) -> usize;

    /// Whether nothing is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops every event for which `keep` is false; the order of the others stays.
    fn retain(&mut self, keep: impl FnMut(SimTime, &E) -> bool);

    /// All pending events in the order in which `pop` would return them: the form in which a queue is saved.
    fn to_sorted(&self) -> Vec<(SimTime, E)>;
}
