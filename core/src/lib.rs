//! The spine of isotherm.

pub mod config;
pub mod cost;
pub mod dispatch;
pub mod engine;
pub mod event;
pub mod gate;
pub mod hardware;
pub mod id;
pub mod input;
pub mod metrics;
pub mod placement;
pub mod queue;
pub mod record;
pub mod registry;
pub mod rng;
pub mod router;
pub mod routing;
pub mod scenario;
pub mod simd;
pub mod simulation;
pub mod telemetry;
pub mod thermal;
pub mod time;
pub mod units;
pub mod workload;
pub mod world;
