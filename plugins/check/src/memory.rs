//! Memory that notices what a plugin does to it: guard pages round all that is handed over, and a heap that does not forget.

#[cfg(watched)]
mod clock;
#[cfg(watched)]
mod elf;
mod fault;
pub(crate) mod heap;
mod region;
mod registry;

pub(crate) use fault::watch_signals;
pub(crate) use region::{Access, Array, Edge, Number, PATTERN, Region};
pub(crate) use registry::State;
