//! The traits that authors implement: one each for a router, a telemetry source, a placement policy and a load.

mod decision;
mod load;
mod placement;
mod router;
mod telemetry;

pub use decision::Decision;
pub(crate) use decision::{Form, Made};
pub use load::LoadSpec;
pub use placement::PlacementPolicy;
pub use router::Router;
pub use telemetry::Telemetry;
