//! The built-in placement policies, one per file.
//!
//! [`KINDS`] is the registry: what stands there can be named in a scenario's `[placement]`. Routers choose experts; a placement chooses
//! the GPUs that hold them.

mod balanced;
mod contiguous;
mod eplb;
mod explicit;
mod packing;
mod replicate;
mod replication;
mod round_robin;
mod thermal_eplb;

pub use contiguous::Contiguous;
pub use eplb::Eplb;
pub use explicit::{Explicit, Homes};
pub use round_robin::RoundRobin;
pub use thermal_eplb::{Objective, ThermalEplb};

use isotherm_core::registry::Kind;

/// The policies of this crate, in the order in which they are listed to users.
pub const KINDS: &[Kind] = &[contiguous::KIND, round_robin::KIND, explicit::KIND, eplb::KIND, thermal_eplb::KIND];
