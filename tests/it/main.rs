//! All integration tests, in one binary.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod autograd;
mod baseline;
mod caps;
mod classic;
mod command_line;
mod compare;
mod control;
mod determinism;
mod drift;
mod faults;
mod floorplan;
mod frontier;
mod golden;
mod golden_closed_loop;
mod golden_placement;
mod golden_strategies;
mod h100;
mod interruption;
mod invariants;
mod lab;
mod layers;
mod live;
mod live_refusals;
mod live_run;
mod opportunistic;
mod physics;
mod placement;
mod plugins;
mod profile;
mod router_contract;
mod scenarios;
mod sensor;
mod significance;
mod telemetry;
mod tidy;
