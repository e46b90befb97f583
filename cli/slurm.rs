//! SLURM: how the chunks of a sweep become an array of jobs, and what of them waits or runs.
//!
//! Distribution belongs to SLURM, which starts tasks again and knows who may run where. isotherm writes a script that anyone can read,
//! hands it to `sbatch` and returns: nothing here polls, keeps a connection or needs accounting. What a task does with a chunk is the
//! sweep's; nothing here decides a result.

pub mod array;
mod ask;
pub mod job;
pub mod limits;
pub mod queue;
pub mod request;
pub mod requeue;
pub mod script;
pub mod submit;
pub mod submitted;

pub use array::Array;
pub use job::{After, Job};
pub use limits::Limits;
pub use request::Request;
