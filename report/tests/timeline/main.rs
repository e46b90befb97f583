//! A timeline says what the tables say, in both of its forms, and Perfetto's own message classes read it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod chosen;
mod decoded;
#[path = "../folder.rs"]
mod folder;
mod forms;
mod python;
