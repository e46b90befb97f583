//! The built-in routing strategies, one per file.
//!
//! [`KINDS`] is the registry: what stands there can be named in a scenario. Every strategy is a spec
//! (its options, as a scenario writes them) that builds a router.

mod baseline;
mod belief;
mod cap;
mod capacity;
mod dual_ascent;
mod energy_penalty;
mod expert_choice;
mod gpu_price;
mod heat_share;
mod learned_cost;
mod mpc_share;
mod nodes;
mod noisy_top_k;
mod opportunistic;
mod per_expert;
mod pid;
mod prescribed;
mod price;
mod primal_dual;
mod saved;
mod selection_bias;
mod shares;
mod sinkhorn;
mod tent;
mod thompson;
mod transport;
mod ttt;
mod ucb;

pub use baseline::Baseline;
pub use belief::CostBelief;
pub use cap::Cap;
pub use capacity::{Drop, capacity_of};
pub use dual_ascent::DualAscent;
pub use energy_penalty::{EnergyPenalty, Normalise, Space};
pub use expert_choice::{ExpertChoice, tokens_of_experts};
pub use mpc_share::MpcShare;
pub use nodes::Nodes;
pub use noisy_top_k::{NoisyTopK, add_noise};
pub use opportunistic::Opportunistic;
pub use per_expert::PerExpert;
pub use pid::Pid;
pub use prescribed::Prescribed;
pub use primal_dual::PrimalDual;
pub use selection_bias::{BiasUpdate, SelectionBias};
pub use shares::Shares;
pub use sinkhorn::Sinkhorn;
pub use tent::Tent;
pub use thompson::Thompson;
pub use transport::Transport;
pub use ttt::{TestTimeTrained, TttState};
pub use ucb::Ucb;

use isotherm_core::registry::Kind;

/// The strategies of this crate, in the order in which they are listed to users.
pub const KINDS: &[Kind] = &[
    // The gate, and how the load is spread.
    baseline::KIND,
    noisy_top_k::KIND,
    expert_choice::KIND,
    sinkhorn::KIND,
    selection_bias::KIND,
    // Energy and heat.
    energy_penalty::KIND,
    dual_ascent::KIND,
    ttt::KIND,
    tent::KIND,
    primal_dual::KIND,
    pid::KIND,
    mpc_share::KIND,
    ucb::KIND,
    thompson::KIND,
    opportunistic::KIND,
    // For checking published numbers.
    prescribed::KIND,
];
