//! What people look at: figures, a page and a timeline, made from a results folder alone.
//!
//! The folder and its tables are those of `docs/RESULTS.md`. This crate reads them with types of its own and knows nothing of the
//! simulator: a folder of another version, one that was copied in part, or one that somebody's script has written, is read as far as
//! it goes, and [`results::Results::gaps`] says what is missing.

mod axes;
pub mod draw;
pub mod figure;
mod name;
pub mod number;
pub mod page;
pub mod palette;
mod reference;
pub mod results;
pub mod table;
pub mod timeline;

pub use axes::short as axis_label;
