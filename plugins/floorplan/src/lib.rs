//! Many-block devices: HotSpot's floorplan and package files as thermal networks, and solvers for networks of any size.
//!
//! | size | solver | where |
//! |---|---|---|
//! | up to some 32 nodes | Jacobi, identical bytes on every platform | [`isotherm_core::thermal::Modes::of`] |
//! | up to some 2,000 | dense eigenvectors through `faer` | [`modes_of`] |
//! | above, to 1e5 | block rational-Krylov reduction to at most some 200 modes | [`reduce()`] |
//!
//! All three give [`isotherm_core::thermal::Modes`]: the same exact jumps between events. `faer` runs sequentially (its `rayon`
//! feature is off), so results do not depend on the number of threads; they may differ in the last bits between processors.
//!
//! ```
//! use isotherm_floorplan::{Floorplan, Package, modes_of};
//! let floorplan = Floorplan::parse("core\t0.004\t0.006\t0\t0\ncache\t0.006\t0.006\t0.004\t0\n").unwrap();
//! let package = Package::default();
//! let network = package.network(&floorplan).unwrap().dense().unwrap();
//! let modes = modes_of(&network).unwrap();
//! let drive = modes.drive(&[20.0, 5.0], 318.15);
//! assert!(modes.steady(&drive, 0) > modes.steady(&drive, 1));
//! ```

mod config;
mod dense;
mod flp;
mod grid;
mod package;
mod periphery;
mod ptrace;
mod reduce;
mod sparse;
mod text;

pub use config::HotSpotConfig;
pub use dense::{eigen, leaky_modes_of, modes_of};
pub use flp::{Block, Floorplan};
pub use grid::GridNetwork;
pub use package::{HOTSPOT_CAPACITY_FACTOR, Layer, Package, PackageError};
pub use ptrace::PowerTrace;
pub use reduce::{ReduceError, Reduction, reduce};
pub use sparse::SparseNetwork;
pub use text::ParseError;
