//! A fleet: many expert-parallel groups, each serving steps of its own, coupled by what cools them.
//!
//! A run of one group ([`crate::world`]) has an event for every GPU and layer; ten thousand GPUs for an hour would be 10^10 of them. Here the steps
//! of a group become one event ([`FleetSpec::stretch`]), tokens are drawn in bulk ([`crate::population`]), the physics of all GPUs is one
//! [`Sweep`] per interval, and readings are reduced where they are made ([`FleetRecord`]). Costs, clocks, heat and cooling are those of
//! the device model; what the shortcuts cost in accuracy is measured against it.

mod cooling;
mod event;
mod governor;
mod group;
mod heat;
mod histogram;
mod law;
mod layout;
mod model;
mod power;
mod record;
mod reduce;
mod run;
mod spec;
mod step;
mod sweep;
mod window;
mod work;
mod world;

pub use histogram::{Bins, Histogram};
pub use law::{Driven, PeriodHeat, StepLaw};
pub use layout::Layout;
pub use model::FleetModel;
pub use record::{FleetRecord, RackWindow, Spread, Throttled};
pub use run::{FleetRun, GroupRouter};
pub use spec::{FleetFault, FleetSpec};
pub use sweep::{Input, Sweep};
