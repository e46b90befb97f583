//! The cost model `device` against measurements: MoE kernels, MoE layers and layers split over GPUs.
//!
//! Two kinds of files are understood. A table of kernels has one row a measured kernel, with the columns of
//! aiconfigurator ([`read_kernels`]); a phases file is the JSON beside one of our own recordings ([`read_phases`]).
//! [`check_kernels`] and [`check_phases`] say how far a profile is off, [`fit_kernels`] and [`fit_layers()`] find the numbers
//! of a profile. Everything is deterministic: the skewed routings are drawn from seeds made of the row itself.

mod cap;
mod check;
mod device;
mod fit;
mod fit_layers;
mod least_squares;
mod phases;
mod phases_check;
mod routing;
mod run;
mod table;
mod text;

pub use cap::clock_at_cap;
pub use check::{CellError, KernelPoint, KernelReport, ShapeError, check_kernels};
pub use device::{Beside, Device, Operation};
pub use fit::{KernelFit, fit_kernels};
pub use fit_layers::{LayerFit, fit_layers};
pub use phases::{LayerPhase, Phases, PhasesError, read_phases};
pub use phases_check::{PhaseError, PhaseReport, check_phases};
pub use routing::{Distribution, RoutedCounts};
pub use run::{FileKind, Report, recognise, run};
pub use table::{KernelRow, KernelTable, Shape, TableError, read_kernels};
