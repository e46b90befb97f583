//! Typed data out of a tree, with all faults of the tree.
//!
//! `serde` stops at the first error, and `typetag` turns errors into text when they pass through it. So:
//! `error` keeps an error's structure even through text, `node` reads values and notes the place of the first
//! failure, `recover` patches that place and reads again until nothing new is found, `blank` is
//! what it patches with, and `phrase` puts the failures into words.

mod blank;
mod entries;
mod error;
mod node;
mod phrase;
mod recover;
mod variant;

pub(crate) use recover::deserialize_rest;
pub use recover::{Examples, deserialize, deserialize_with};

/// The key that names which plugin a table is for; it is handed to `serde` before the other keys.
///
/// `typetag` streams what follows its tag but buffers, without positions, what precedes it.
pub const TAG: &str = "kind";
