//! Heat in any linear RC network, solved exactly between events.
//!
//! `C dT/dt = -G T + P + g_ambient T_ambient` with constant `P` and `T_ambient`. The network is diagonalised once; in its
//! modes every interval is one exponential, whatever its length, so there is no time step to tune, the heat
//! integrals have closed forms, and the first instant at which a node reaches a temperature can be computed.

mod check;
mod cholesky;
mod crossing;
mod decay;
mod etd;
mod leakage;
mod modes;
mod network;
mod settle;
mod symmetric;

pub use check::{Check, Watch};
pub use etd::LeakScratch;
pub use leakage::{LeakFlow, Leakage, LeakageError, LeakageLaw, LeakyModes};
pub use modes::{Modes, ReducedModel};
pub use network::{MATRIX_TOLERANCE, NetworkError, RcNetwork};
pub use settle::HeatFlow;
