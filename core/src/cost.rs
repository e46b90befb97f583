//! What work costs: the two cost models a scenario can choose.
//!
//! - `table`: joules and seconds per assignment and expert, given and not derived ([`CostTable`]). The classic experiment.
//! - `device`: time and energy of an MoE layer from bytes and operations at the clock the governor allows ([`DeviceCost`]).

mod device;
mod exchange;
mod layer;
mod table;

pub use device::DeviceCost;
pub use exchange::{Exchange, Flow};
pub use layer::LayerSpec;
pub use table::{CostKind, CostTable};
