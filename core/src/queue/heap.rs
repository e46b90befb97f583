//! The oracle: a standard binary heap over (time, sequence).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::EventQueue;
use crate::time::SimTime;

/// The pending-event set as one would write it down: a heap keyed by (time, number of the push).
///
/// Exists to be obviously correct: property tests hold the [`Wheel`](super::Wheel) against it. The
/// number makes the key unique, so the order does not depend on how the heap breaks ties.
///
/// Orders by time, equal times by push. `push`, `pop` and `pop_at` cost O(log n), `peek_time` and `len`
/// O(1), `retain` O(n), `to_sorted` O(n log n).
///
/// ```
/// use isotherm_core::queue::{BinaryHeapQueue, EventQueue};
/// use isotherm_core::time::SimTime;
/// let mut queue = BinaryHeapQueue::default();
/// queue.push(SimTime::from_nanos(7), 'b');
/// queue.push(SimTime::from_nanos(7), 'c');
/// queue.push(SimTime::from_nanos(3), 'a');
/// let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event).collect();
/// assert_eq!(order, "abc");
/// ```
#[derive(Clone, Debug)]
pub struct BinaryHeapQueue<E> {
    /// Reversed, because the standard heap gives the largest first.
    heap: BinaryHeap<Reverse<Entry<E>>>,
    /// Number of the next push; 2^64 pushes at 1 ns each take 584 years.
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    at: SimTime,
    sequence: u64,
    event: E,
}

impl<E> Entry<E> {
    const fn key(&self) -> (SimTime, u64) {
        (self.at, self.sequence)
    }
}

// The event takes no part in the order, so that `E` needs none.
impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<E> Default for BinaryHeapQueue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }
}

impl<E: Copy> EventQueue<E> for BinaryHeapQueue<E> {
    fn push(&mut self, at: SimTime, event: E) {
        self.heap.push(Reverse(Entry { at, sequence: self.next, event }));
        self.next += 1;
    }

    fn pop(&mut self) -> Option<(SimTime, E)> {
        let Reverse(entry) = self.heap.pop()?;
        Some((entry.at, entry.event))
    }

    fn pop_at(&mut self, at: SimTime) -> Option<E> {
        if self.peek_time()? != at {
            return None;
        }
        self.pop().map(|(_, event)| event)
    }

    fn peek_time(&self) -> Option<SimTime> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn retain(&mut self, mut keep: impl FnMut(SimTime, &E) -> bool) {
        self.heap.retain(|Reverse(entry)| keep(entry.at, &entry.event));
    }

    fn to_sorted(&self) -> Vec<(SimTime, E)> {
        let mut entries: Vec<_> = self.heap.iter().map(|Reverse(entry)| *entry).collect();
        entries.sort_unstable();
        entries.iter().map(|entry| (entry.at, entry.event)).collect()
    }
}
