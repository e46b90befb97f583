//! The built-in routing strategies, one per file.
//!
//! [`KINDS`] is the registry: what stands there can be named in a scenario. Every strategy is a spec
//! (its options, as a scenario writes them) that builds a router.

mod baseline;
mod belief;
mod cap;
mod energy_penalty;
mod gpu_price;
mod heat_share;
mod learned_cost;
mod mpc_share;
mod opportunistic;
mod pid;
mod prescribed;
mod primal_dual;
mod tent;
mod thompson;
mod ttt;
mod ucb;

pub use baseline::Baseline;
pub use belief::CostBelief;
pub use cap::Cap;
pub use energy_penalty::{EnergyPenalty, Normalise, Space};
pub use mpc_share::MpcShare;
pub use opportunistic::Opportunistic;
pub use pid::Pid;
pub use prescribed::Prescribed;
pub use primal_dual::PrimalDual;
pub use tent::Tent;
pub use thompson::Thompson;
pub use ttt::{TestTimeTrained, TttState};
pub use ucb::Ucb;

use isotherm_core::registry::Kind;

/// The strategies of this crate, in the order in which they are listed to users.
pub const KINDS: &[Kind] = &[
    baseline::KIND,
    energy_penalty::KIND,
    ttt::KIND,
    tent::KIND,
    primal_dual::KIND,
    pid::KIND,
    mpc_share::KIND,
    ucb::KIND,
    thompson::KIND,
    opportunistic::KIND,
    prescribed::KIND,
];
