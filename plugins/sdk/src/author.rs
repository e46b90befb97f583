//! The traits that authors implement: one each for a router, a telemetry source and a placement policy.

mod decision;
mod placement;
mod router;
mod telemetry;

pub use decision::Decision;
pub(crate) use decision::{Form, Made};
pub use placement::PlacementPolicy;
pub use router::Router;
pub use telemetry::Telemetry;
