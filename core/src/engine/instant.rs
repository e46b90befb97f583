//! The events of the instant being worked on, one first-in-first-out line per phase.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Phases an event type may use: `0..PHASES`.
pub const PHASES: usize = 16;

/// What remains to be done at the current instant.
///
/// Events of equal time wait here and not in the queue, so a storm of zero-delay events never touches the queue.
/// The lines are served from the running phase upwards; an event of a lower phase waits for the next delta round.
/// Plain data: a run can be saved in the middle of an instant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Instant<E> {
    lines: [VecDeque<Waiting<E>>; PHASES],
    /// Bit p is set while line p has events.
    occupied: u16,
    /// Phase served last.
    running: u8,
}

/// An event of this instant, with the length of the zero-delay chain that led to it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Waiting<E> {
    pub(super) event: E,
    pub(super) depth: u32,
}

impl<E> Default for Instant<E> {
    fn default() -> Self {
        Self { lines: std::array::from_fn(|_| VecDeque::new()), occupied: 0, running: 0 }
    }
}

impl<E: Copy> Instant<E> {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    pub(super) fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// `phase` is the running one: what is below it belongs to the next delta round.
    #[inline]
    pub(super) fn enter(&mut self, phase: u8) {
        self.running = phase;
    }

    pub(super) fn push(&mut self, phase: u8, event: E, depth: u32) {
        self.lines[usize::from(phase)].push_back(Waiting { event, depth });
        self.occupied |= 1 << phase;
    }

    /// The event to be handled next, left in its line.
    pub(super) fn front(&self) -> Option<Waiting<E>> {
        self.lines[self.next_line()?].front().copied()
    }

    /// Removes what [`Self::front`] showed and makes its phase the running one.
    pub(super) fn pop(&mut self) -> Option<Waiting<E>> {
        let line = self.next_line()?;
        self.running = line as u8;
        let waiting = self.lines[line].pop_front();
        if self.lines[line].is_empty() {
            self.occupied &= !(1 << line);
        }
        waiting
    }

    fn next_line(&self) -> Option<usize> {
        if self.occupied == 0 {
            return None;
        }
        let upward = self.occupied & (u16::MAX << self.running);
        let line = if upward == 0 { self.occupied } else { upward };
        Some(line.trailing_zeros() as usize)
    }

    /// The lines' events in serving order, for an error message.
    pub(super) fn events(&self) -> impl Iterator<Item = &E> {
        self.lines.iter().flatten().map(|waiting| &waiting.event)
    }
}
