//! The comparison as a table: a row per router and sweep point, for a terminal, a Markdown page or another program.
//!
//! All forms are made from a results folder alone, so `isotherm run` and `isotherm report` say the same of it, byte for byte. Memory does
//! not grow with the folder: of more than 200 rows [`text()`] and [`markdown()`] show the first ten and the ten that save most, and [`csv()`] writes
//! one row after the other.
//!
//! | form | rows | columns |
//! |---|---|---|
//! | [`text()`] | up to 200, else the first and the best | the answer: energy, fidelity, latency, heat; a spark line |
//! | [`markdown()`] | the same | the same |
//! | [`csv()`] | all | every metric with both ends of its interval, p-values, warnings |
//!
//! The JSON form ([`json`]) is `summary.json` itself.
//!
//! # Which cell is bold
//! The best of its column among the rows of one world (the sweep point without the keys of routers, whose rows met the same work), if its
//! 95 % interval touches that of no other row. Cells that print alike share it; where all print alike, nobody is best. Rows without an
//! interval (one seed) are compared by their means. A router that sees true costs (`oracle`) does not compete, nor does a saving that may
//! be luck (`n.s.`). Of more than 200 rows none is bold, as the best may be one that is not shown.

mod best;
mod columns;
mod contents;
mod csv;
mod digest;
mod grid;
mod look;
mod markdown;
mod notes;
mod spark;
mod stream;
mod text;
mod work;

pub use csv::{csv, json};
pub use look::Look;
pub use markdown::markdown;
pub use text::{STYLE, text, text_of};
