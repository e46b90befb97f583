//! The crate against a stand-in for the driver's library, and against none.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod absent;
mod faults;
mod source;
mod stand_in;
mod values;
