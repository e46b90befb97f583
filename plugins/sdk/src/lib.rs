//! Routers, telemetry sources, placements and loads for isotherm, as libraries that are built on their own.
//!
//! An author implements one trait on the struct that holds the options, and exports it under a name in one line:
//!
//! ```
//! use isotherm_plugin::prelude::*;
//!
//! /// Prices every kelvin above the coolest GPU.
//! #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! pub struct CoolFirst {
//!     /// Price of a kelvin (nats/K).
//!     #[serde(default = "CoolFirst::default_per_kelvin")]
//!     per_kelvin: f32,
//! }
//!
//! impl CoolFirst {
//!     fn default_per_kelvin() -> f32 { 0.02 }
//! }
//!
//! impl Router for CoolFirst {
//!     fn route(&mut self, _: &GateBatch<'_>, view: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
//!         let coolest = view.expert_temperatures().flatten().fold(f64::INFINITY, f64::min);
//!         for (price, degc) in out.prices().iter_mut().zip(view.expert_temperatures()) {
//!             *price = self.per_kelvin * degc.map_or(0.0, |degc| (degc - coolest) as f32);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! export_router!(CoolFirst = "acme/cool-first");
//!
//! isotherm_plugin::testkit::check_router(&CoolFirst { per_kelvin: 0.02 });
//! ```
//!
//! - [`Router`], [`Telemetry`], [`PlacementPolicy`] and [`LoadSpec`] are what can be written. [`Decision`] has the three forms in which a router can answer.
//! - [`export_router!`], [`export_telemetry!`], [`export_placement!`], [`export_load!`] and [`export_plugin!`] make it a library, or a type that is linked in.
//! - [`testkit`] is what unit tests need: gates, clusters, the contract of a router, and a closed loop that counts joules.
//! - [`log()`](log()) says something to the user.
//!
//! The modules [`gate`], [`routing`], [`placement`], [`rng`], [`time`], [`units`], ... are the core's own, so that a plugin needs this crate alone, and
//! `serde` and `schemars` for their derives. Whoever wants to leave out those two writes `#[serde(crate = "isotherm_plugin::serde")]` and
//! `#[schemars(crate = "isotherm_plugin::schemars")]` beside the derives.
//!
//! What authors need not care about: panics are caught at every entry and reported with file and line, whereupon the instance answers nothing until a
//! saved state is restored; options that cannot be read are reported with their place; arrays of the host are checked and used where they are.

mod author;
mod border;
mod context;
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod linked;
mod log;
pub mod prelude;
pub mod state;
pub mod testkit;

pub use author::{Decision, LoadSpec, PlacementPolicy, Router, Telemetry};
pub use isotherm_core::{
    dispatch, gate, id, input, load, placement, registry, rng, router, routing, simd, telemetry, time, units,
};
pub use isotherm_plugin_abi as abi;
pub use log::{Level, log};
pub use {schemars, serde, serde_json, typetag};
