//! Buffers that no thread is using.

use std::sync::{Mutex, PoisonError};

/// Scratch of a stream that many threads ask: each takes a buffer, and gives it back. Fresh memory costs a page fault every 4 kB.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Vec<Vec<f32>>>);

impl Idle {
    /// A buffer with whatever is in it, or an empty one.
    pub(crate) fn take(&self) -> Vec<f32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, buffer: Vec<f32>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}
