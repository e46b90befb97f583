//! From scenario text to typed data, with every fault of the text reported in one go.
//!
//! A scenario is strict: an unknown key, a misspelt kind or a text where a number belongs is refused. A
//! user with five mistakes should run the program twice, not six times, so nothing here stops at the first
//! fault, and each [`Fault`] says where it is, what was expected and what would be right.
//!
//! `serde` and `typetag` lose positions on the way, so the text is parsed once into a [`Tree`] that
//! remembers where every value came from (a [`Origin`]: file and bytes, command line, sweep axis), and
//! typed data is read from it by a deserializer of our own: [`deserialize`].
//!
//! The usual order: [`SourceMap::add`], [`Tree::parse`], [`Tree::overlay`] for `extends`, [`Assignment`] for
//! `--set`, [`deserialize`], checks of meaning with [`Faults::push_at`], [`Faults::render`].
//!
//! ```
//! use isotherm_core::config::{Faults, SourceMap, Tree, deserialize};
//!
//! #[derive(Debug, serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Scenario {
//!     experts: u32,
//!     lambda: f64,
//! }
//!
//! let mut sources = SourceMap::new();
//! let file = sources.add("drift.toml", "experts = 8.0\nlamda = 0.1\n");
//! let mut faults = Faults::new();
//! let tree = Tree::parse(&sources, file, &mut faults).expect("the TOML itself is in order");
//! let scenario: Option<Scenario> = deserialize(tree.root(), "", &mut faults);
//! assert!(scenario.is_none());
//! let text = faults.render(&sources);
//! assert!(text.contains("drift.toml:1:11") && text.contains("help: write `8`"));
//! assert!(text.contains("drift.toml:2:1") && text.contains("help: did you mean `lambda`?"));
//! ```

mod assignment;
mod fault;
mod nearest;
mod origin;
mod parse;
mod path;
mod read;
mod render;
mod serialize;
mod tree;
mod value;

pub use assignment::Assignment;
pub use fault::{Fault, FaultKind, Faults};
pub use nearest::nearest;
pub use origin::{Origin, Position, SourceId, SourceMap};
pub use path::{Path, PathError, Segment};
pub(crate) use read::deserialize_rest;
pub use read::{Examples, TAG, deserialize, deserialize_with};
pub use tree::Tree;
pub use value::{Entry, Key, Node, Table, Value};
