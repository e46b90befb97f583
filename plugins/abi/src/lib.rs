//! The interface between isotherm and a plugin that was built on its own: plain C types, and what each side promises.
//!
//! Rust authors use `isotherm-plugin`, which hides all of this. C authors include `include/isotherm_plugin.h`, which is made from these
//! files. A library exports one function, [`ENTRY`], and carries a [label] that says what it offers, so that a host can
//! read that before any of the library's code runs.
//!
//! # The promise
//!
//! A plugin built for interface 1.x loads in every host of interface 1.y with y >= x. The version is this crate's own (see [`ABI_MAJOR`]), not
//! isotherm's. How the interface may grow:
//!
//! - **Fields are only added at the end** of a struct that begins with `struct_size`. Whoever fills a struct in writes its own size of it; whoever
//!   reads a field that came later than 1.0 first asks whether it lies within `struct_size` ([`has_field!`]).
//! - **Bigger additions are extensions**: `get_extension(id)` on either side answers with a table of functions or null.
//! - **Nothing that exists changes its meaning.** If that is ever needed, [`ABI_MAJOR`] rises, and with it the name of the entry: a library may
//!   export both.
//!
//! # The contract
//!
//! - **Memory.** Whoever allocates frees. Results go into buffers of the host or through a [`Sink`]; text and arrays that are handed over are valid
//!   during the call only, except those reachable from [`Plugin`], which live as long as the process. Input arrays are read-only.
//! - **Threads.** At most one call at a time for an instance, from any thread; different instances at the same time; `configure` and `create` on
//!   many threads at once. No thread of a plugin outlives its instance; of a load, those that the libraries of its device keep.
//! - **Determinism.** What an instance answers follows from its options, its context, a restored state and the calls so far: no clock, no state
//!   shared between instances, no randomness but from the seed. A load is the exception: it measures.
//! - **Floating point.** The control word (rounding, flushing of subnormal numbers) is left as it was found.
//! - **Failure.** A status other than [`OK`] ends the run it happened in and no other. No panic, exception or `longjmp` crosses the border. After
//!   [`PANIC`] an instance answers [`STATE`] until it is restored or destroyed.
//! - **Life.** A library is never unloaded.
#![no_std]

pub mod label;
mod load;
mod placement;
mod plugin;
mod router;
mod telemetry;
mod text;

pub use load::{LoadContext, LoadV1, Shares};
pub use placement::{CopySink, PlacementContext, PlacementTraits, PlacementV1};
pub use plugin::{Entry, Factory, Host, LOAD, PLACEMENT, Plugin, ROUTER, TELEMETRY};
pub use router::{
    ADJUSTS_SCORES, ASSIGNMENT, Batch, COUNTED, DESCRIBED, DIVERGENCE, DROPPED, Decision, FEASIBLE, Feedback,
    INFEASIBLE, IS_REFERENCE, MASKED, PENALISED, PRICES, RouterContext, RouterTraits, RouterV1, SCORES, THERMAL,
    USES_ORACLE,
};
pub use telemetry::{Poll, Samples, TelemetryContext, TelemetryTraits, TelemetryV1};
pub use text::{ErrorSink, Sink, Str};

/// First number of the interface: libraries of another one cannot be used. It is part of the name of [`ENTRY`].
pub const ABI_MAJOR: u16 = 1;
/// Second number of the interface: what was added without breaking anything. 1 brought loads ([`LOAD`]).
pub const ABI_MINOR: u16 = 1;
/// The one function a library exports, of type [`Entry`].
pub const ENTRY: &str = "isotherm_plugin_v1";

/// How a call ended.
pub type Status = i32;
/// Done.
pub const OK: Status = 0;
/// The call failed; the error sink has been told why.
pub const FAILED: Status = 1;
/// The plugin's code panicked; the error sink has been told where. The instance is of no more use.
pub const PANIC: Status = 2;
/// The caller's structs are smaller than the callee needs.
pub const ABI: Status = 3;
/// An option is wrong; the error sink has been told which, as a JSON pointer.
pub const CONFIG: Status = 4;
/// Bytes are no saved state, or the instance has panicked before.
pub const STATE: Status = 5;
/// The plugin does not do this.
pub const UNSUPPORTED: Status = 6;

/// Whether a field lies within the size that the filler of a struct knew.
///
/// ```
/// use isotherm_plugin_abi::{Host, has_field};
/// let known = core::mem::offset_of!(Host, get_extension) as u32;
/// assert!(has_field!(Host, known, log));
/// assert!(!has_field!(Host, known, get_extension), "it begins where the known part ends");
/// ```
#[macro_export]
macro_rules! has_field {
    ($struct:ty, $struct_size:expr, $field:ident) => {{
        const END: usize =
            $crate::end_of_field(core::mem::offset_of!($struct, $field), |s: &$struct| &raw const s.$field);
        $struct_size as usize >= END
    }};
}

/// Offset of the first byte behind a field; for [`has_field!`].
#[doc(hidden)]
#[must_use]
pub const fn end_of_field<S, F>(offset: usize, _: fn(&S) -> *const F) -> usize {
    offset + size_of::<F>()
}
