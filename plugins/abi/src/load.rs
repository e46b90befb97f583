//! Loads: the expert work of a layer, executed for real on the devices of a live run. Since 1.1.

use core::ffi::c_void;

use crate::Status;
use crate::plugin::Host;
use crate::text::{ErrorSink, Sink, Str};

/// The layer whose work is executed, and the devices that execute it. Read-only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LoadContext {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Number of GPUs, at least 1.
    pub devices: u32,
    /// `[devices]` which device each GPU works on, as the library counts devices. A device may stand there more than once.
    pub device: *const u32,
    /// Experts of the layer, at least 1. Every GPU may be asked for every one of them.
    pub experts: u32,
    /// Experts each token is sent to, from 1 to `experts`.
    pub top_k: u32,
    /// Width of a hidden state, at least 1.
    pub d_model: u32,
    /// Width of an expert, at least 1.
    pub d_ff: u32,
    /// Matrices of an expert: 3 with a gate, else 2.
    pub matrices: u32,
}

/// What each GPU has to do in one layer. Read-only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Number of GPUs: as many as the context had.
    pub devices: u32,
    /// `[devices + 1]` where each GPU's share begins in the other two arrays; the first is 0, and a share may be empty.
    pub first: *const u32,
    /// `[first[devices]]` experts, by ascending number within a share.
    pub expert: *const u32,
    /// `[first[devices]]` how many assignments (a token at an expert) the GPU computes of that expert, at least 1.
    pub assignments: *const u32,
}

/// The functions of a load. Those that may be null say so. What a load answers was measured: it is the one kind that looks at a clock, and it has no
/// state to save.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LoadV1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Checks options and writes them back with all defaults filled in. Null: every object is accepted as it is.
    pub configure: Option<unsafe extern "C" fn(config: Str, resolved: *const Sink, error: *const ErrorSink) -> Status>,
    /// Makes an instance: opens the devices and puts the weights of all experts on each. `CONFIG` where that cannot be.
    pub create: unsafe extern "C" fn(
        host: *const Host,
        config: Str,
        context: *const LoadContext,
        instance: *mut *mut c_void,
        error: *const ErrorSink,
    ) -> Status,
    /// Frees an instance.
    pub destroy: unsafe extern "C" fn(instance: *mut c_void),
    /// Writes what a GPU's work runs on, such as `NVIDIA H200`.
    pub device_name:
        unsafe extern "C" fn(instance: *mut c_void, gpu: u32, name: *const Sink, error: *const ErrorSink) -> Status,
    /// Executes one layer, all GPUs at the same time, and returns when the slowest is done. `seconds`, `[devices]`, preset to 0, takes the time (s) from the
    /// start of the layer until each GPU was done; it stays 0 where there was nothing to do.
    pub execute: unsafe extern "C" fn(
        instance: *mut c_void,
        shares: *const Shares,
        seconds: *mut f64,
        error: *const ErrorSink,
    ) -> Status,
    /// Answers with an extension's table of functions or null. May be null itself.
    pub get_extension: Option<unsafe extern "C" fn(id: Str) -> *const c_void>,
}
