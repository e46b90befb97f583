//! Strategies with a memory, one batch after another, against closed forms.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

mod bandits;
mod bench;
mod opportunistic;
mod tent;
mod thermal;
mod ttt;
