//! Sweeps that outgrow one machine: a frozen plan, tasks that may run anywhere and any number of times, and one result.
//!
//! A *point* is one world of the sweep at one seed with all its routers; a *chunk* is a contiguous range of points, what one task runs.
//! How points are cut into chunks decides no byte of the merged result.
//!
//! | in the plan's folder | what it holds |
//! |---|---|
//! | `plan.json` | what was planned, and by which isotherm: the identity of everything beside it |
//! | `scenario.frozen.toml` | the scenario as it was planned; tasks read this and not the file it came from |
//! | `tasks/` | a *shard* for each chunk that is done: a Parquet file with a row a run |
//! | `journal/` | the points of chunks that are not done yet, a file per worker; gone when the chunk is done |
//!
//! There is no lock and no coordinator. The rules that make this safe on a shared file system:
//!
//! - A file has one writer. A journal has a name that no other worker has; nobody appends to a file that somebody else has begun.
//! - What others read as finished has been written under another name, flushed and renamed; its name holds the hash of its contents.
//! - The same chunk gives the same bytes, so it does not matter which of two workers comes last.
//! - Nobody compares clocks. What is there counts, not when it was written.

mod journal;
mod kept;
mod merge;
mod plan;
mod points;
mod ranges;
mod retry;
mod shard;
mod signals;
mod simulate;
mod survey;
mod work;

pub(crate) use journal::Journals;
pub(crate) use merge::merge;
pub(crate) use plan::estimate::Work;
pub(crate) use plan::{Cut, PlanFolder, SweepPlan};
pub(crate) use points::{Part, Points};
pub(crate) use ranges::Ranges;
pub(crate) use retry::retry;
pub(crate) use signals::{Asked, Signals};
pub(crate) use simulate::{Keeper, Simulator};
pub(crate) use survey::{ChunkState, Survey};
pub(crate) use work::{ChunkEnd, Worker};
