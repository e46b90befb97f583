//! The host against libraries in C, which the tests build with the system's compiler; and against files that are no libraries.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

mod build;
mod catalogue;
mod discovery;
mod load;
mod loading;
mod others;
mod router;
mod spec;
