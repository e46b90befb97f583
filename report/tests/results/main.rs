//! Results folders of every sort: whole, partial, mixed, empty, damaged. Each one opens with what is there, or one clear message.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod damaged;
#[path = "../folder.rs"]
mod folder;
mod partial;
mod whole;
