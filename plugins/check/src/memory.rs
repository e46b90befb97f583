//! Memory that notices what a plugin does to it: guard pages round all that is handed over, and a heap that does not forget.

mod fault;
pub(crate) mod heap;
mod region;
mod registry;

pub(crate) use fault::{die, watch_signals};
pub(crate) use region::{Access, Array, Edge, Region};
