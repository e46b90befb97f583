//! When batches come and how many tokens they have: one kind per file.

pub(crate) mod closed_loop;
pub(crate) mod poisson;
pub(crate) mod trace;
