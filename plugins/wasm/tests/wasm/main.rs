//! Modules in C, as an author would build them, in the sandbox.

mod faults;
mod fixtures;
mod layout;
mod refusals;
mod routing;
mod states;
