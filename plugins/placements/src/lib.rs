//! The built-in placement policies, one per file.
//!
//! [`KINDS`] is the registry: what stands there can be named in a scenario's `[placement]`. Routers choose experts; a placement chooses
//! the GPUs that hold them.

mod contiguous;
mod explicit;
mod round_robin;

pub use contiguous::Contiguous;
pub use explicit::Explicit;
pub use round_robin::RoundRobin;

use isotherm_core::registry::Kind;

/// The policies of this crate, in the order in which they are listed to users.
pub const KINDS: &[Kind] = &[contiguous::KIND, round_robin::KIND, explicit::KIND];
