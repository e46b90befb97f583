//! Telemetry sources: what a router learns about the hardware, and how old it is.

use core::ffi::c_void;

use crate::Status;
use crate::plugin::Host;
use crate::text::{ErrorSink, Sink, Str};

/// What options make of a source.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TelemetryTraits {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Not 0 where the source tells what it was given instead of what the model computes: GPUs then take its temperatures as their own, and the
    /// run is marked. Preset to 0.
    pub prescribes_temperature: u32,
    /// Time between two polls (ns), at least 1.
    pub period_ns: u64,
}

/// What a source may depend on when it is made.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TelemetryContext {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Number of GPUs.
    pub devices: u32,
    /// Root seed of the run.
    pub seed: u64,
}

/// One poll. Read-only; times never go back.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Number of GPUs: length of all arrays.
    pub devices: u32,
    /// The instant of the poll (ns).
    pub now_ns: u64,
    /// `[devices]` true temperature of the die (degC).
    pub true_temperature_degc: *const f64,
    /// `[devices]` true power (W).
    pub true_power_w: *const f64,
}

/// Where a source writes what it has read. Buffers belong to the host; preset to the samples of the last poll.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Samples {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Number of GPUs.
    pub devices: u32,
    /// `[devices]` when the values were true (ns), at most the instant of the poll.
    pub taken_ns: *mut u64,
    /// `[devices]` temperature of the die (degC); not a number where none has been read.
    pub temperature_degc: *mut f64,
    /// `[devices]` power (W); not a number where none has been read.
    pub power_w: *mut f64,
}

/// The functions of a telemetry source. Those that may be null say so.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TelemetryV1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Checks options, writes them back with all defaults filled in, says how often the source is polled, and writes into `warning` what a table
    /// that used the source has to say about it.
    pub configure: unsafe extern "C" fn(
        config: Str,
        resolved: *const Sink,
        traits: *mut TelemetryTraits,
        warning: *const Sink,
        error: *const ErrorSink,
    ) -> Status,
    /// Makes an instance for one run.
    pub create: unsafe extern "C" fn(
        host: *const Host,
        config: Str,
        context: *const TelemetryContext,
        instance: *mut *mut c_void,
        error: *const ErrorSink,
    ) -> Status,
    /// Frees an instance.
    pub destroy: unsafe extern "C" fn(instance: *mut c_void),
    /// Reads all GPUs.
    pub sample: unsafe extern "C" fn(
        instance: *mut c_void,
        poll: *const Poll,
        samples: *mut Samples,
        error: *const ErrorSink,
    ) -> Status,
    /// Writes everything that changed since `create`. Null: nothing does.
    pub save:
        Option<unsafe extern "C" fn(instance: *mut c_void, state: *const Sink, error: *const ErrorSink) -> Status>,
    /// Continues from saved bytes. Null where `save` is.
    pub restore: Option<
        unsafe extern "C" fn(instance: *mut c_void, state: *const u8, len: usize, error: *const ErrorSink) -> Status,
    >,
    /// Answers with an extension's table of functions or null. May be null itself.
    pub get_extension: Option<unsafe extern "C" fn(id: Str) -> *const c_void>,
}
