//! A fleet: many expert-parallel groups, coupled by what cools them.

mod law;
mod spec;
mod sweep;

pub use law::{Driven, PeriodHeat, StepLaw};
pub use spec::{FleetFault, FleetSpec};
pub use sweep::{Input, Sweep};
