//! What is where: the list of guarded regions, as the handler of a fault can read it without a lock.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far along a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Handed to the plugin.
    Lent = 1,
    /// Handed over for a call that has ended.
    Over = 2,
    /// An allocation of the plugin that the plugin has freed.
    Freed = 3,
}

/// One region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// What it holds, as the interface calls it.
    pub(crate) name: &'static str,
    /// First byte of the first guard page.
    pub(crate) base: usize,
    /// Bytes with both guard pages.
    pub(crate) mapped: usize,
    /// First byte of the data.
    pub(crate) data: usize,
    /// Bytes of data.
    pub(crate) len: usize,
    /// Where it stands.
    pub(crate) state: State,
}

struct Slot {
    name: [AtomicUsize; 2],
    base: AtomicUsize,
    mapped: AtomicUsize,
    data: AtomicUsize,
    len: AtomicUsize,
    state: AtomicU8,
}

const SLOTS: usize = 16_384;
static TABLE: [Slot; SLOTS] = [const {
    Slot {
        name: [const { AtomicUsize::new(0) }; 2],
        base: AtomicUsize::new(0),
        mapped: AtomicUsize::new(0),
        data: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        state: AtomicU8::new(0),
    }
}; SLOTS];

/// Numbers of free slots below `next`, and the first that was never used.
struct Free {
    left: Vec<usize>,
    next: usize,
}
static FREE: Mutex<Free> = Mutex::new(Free { left: Vec::new(), next: 0 });

/// Puts a region on the list; `None` where the list is full: a fault there has no name then.
pub(crate) fn enter(entry: Entry) -> Option<usize> {
    let number = {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.left.pop().or_else(|| {
            free.next += 1;
            Some(free.next - 1).filter(|number| *number < SLOTS)
        })?
    };
    let slot = &TABLE[number];
    slot.name[0].store(entry.name.as_ptr() as usize, Ordering::Relaxed);
    slot.name[1].store(entry.name.len(), Ordering::Relaxed);
    slot.base.store(entry.base, Ordering::Relaxed);
    slot.mapped.store(entry.mapped, Ordering::Relaxed);
    slot.data.store(entry.data, Ordering::Relaxed);
    slot.len.store(entry.len, Ordering::Relaxed);
    slot.state.store(entry.state as u8, Ordering::Release);
    Some(number)
}

/// Says how far along a region is.
pub(crate) fn set_state(slot: usize, state: State) {
    TABLE[slot].state.store(state as u8, Ordering::Release);
}

/// Takes a region off the list.
pub(crate) fn leave(slot: usize) {
    TABLE[slot].state.store(0, Ordering::Release);
    FREE.lock().unwrap_or_else(PoisonError::into_inner).left.push(slot);
}

/// The region that holds an address. Takes no lock and allocates nothing.
pub(crate) fn find(address: usize) -> Option<Entry> {
    TABLE.iter().find_map(|slot| {
        let state = match slot.state.load(Ordering::Acquire) {
            1 => State::Lent,
            2 => State::Over,
            3 => State::Freed,
            _ => return None,
        };
        let (base, mapped) = (slot.base.load(Ordering::Relaxed), slot.mapped.load(Ordering::Relaxed));
        (base..base + mapped).contains(&address).then(|| Entry {
            name: name_of(slot),
            base,
            mapped,
            data: slot.data.load(Ordering::Relaxed),
            len: slot.len.load(Ordering::Relaxed),
            state,
        })
    })
}

#[expect(unsafe_code, reason = "a static text in two atomic words")]
fn name_of(slot: &Slot) -> &'static str {
    let start = slot.name[0].load(Ordering::Relaxed) as *const u8;
    let len = slot.name[1].load(Ordering::Relaxed);
    // SAFETY: both words come from one `&'static str`, written before the state was.
    unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(start, len)) }
}
