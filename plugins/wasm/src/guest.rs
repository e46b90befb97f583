//! One instance of a module in its sandbox, and what crosses its border.

mod callbacks;
mod held;
mod layout;
mod sandbox;
mod tables;

pub(crate) use callbacks::HOST_FUNCTIONS;
pub(crate) use layout::{Block, Fields, Record};
pub(crate) use sandbox::{Sandbox, Settings, TABLE};
pub(crate) use tables::{Functions, Tables, TablesFault};
