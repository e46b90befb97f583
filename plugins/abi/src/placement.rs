//! Placement policies: which GPUs hold a copy of each expert.

use core::ffi::c_void;

use crate::Status;
use crate::plugin::Host;
use crate::text::{ErrorSink, Sink, Str};

/// What options make of a policy.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PlacementTraits {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Batches between two placements during a run; 0, as preset, for a placement that stays.
    pub rebalance_every_batches: u32,
}

/// What a placement may depend on: what a real controller would have measured. Read-only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PlacementContext {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Number of experts of the layer.
    pub experts: u32,
    /// Number of GPUs.
    pub devices: u32,
    /// GPUs of one node.
    pub devices_per_node: u32,
    /// `[experts]` assignments since the last placement; null at the start, when nothing has been measured.
    pub loads: *const f64,
    /// `[devices]` work per second shown since the last placement, relative to the mean; null at the start.
    pub speeds: *const f64,
    /// `[devices]` energy taken per work since the last placement, relative to the mean; null at the start.
    pub joules: *const f64,
    /// `[devices]` when each GPU's last sample was true (ns); null at the start.
    pub sample_taken_ns: *const u64,
    /// `[devices]` temperature as last sampled (degC), not a number where none; null at the start.
    pub sample_temperature_degc: *const f64,
    /// `[devices]` power as last sampled (W), not a number where none; null at the start.
    pub sample_power_w: *const f64,
    /// `[experts + 1]` where each expert's copies begin in `copy_device`: the placement in force; null at the start.
    pub copy_first: *const u32,
    /// `[copy_first[experts]]` the GPUs that hold copies.
    pub copy_device: *const u32,
    /// `[lost_count]` GPUs that have switched themselves off and can hold nothing.
    pub lost: *const u32,
    /// Number of `lost`.
    pub lost_count: u32,
}

/// Takes the copies of a placement, in any order: every expert at least once, never twice on one GPU.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CopySink {
    /// Handed back to `copy`.
    pub ctx: *mut c_void,
    /// `device` holds a copy of `expert`.
    pub copy: unsafe extern "C" fn(ctx: *mut c_void, expert: u32, device: u32),
}

/// The functions of a placement policy. Those that may be null say so. An instance places once: `create`, `place`, `destroy`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PlacementV1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Checks options and writes them back with all defaults filled in. Null: every object is accepted as it is.
    pub configure: Option<
        unsafe extern "C" fn(
            config: Str,
            resolved: *const Sink,
            traits: *mut PlacementTraits,
            error: *const ErrorSink,
        ) -> Status,
    >,
    /// Makes an instance.
    pub create: unsafe extern "C" fn(
        host: *const Host,
        config: Str,
        instance: *mut *mut c_void,
        error: *const ErrorSink,
    ) -> Status,
    /// Frees an instance.
    pub destroy: unsafe extern "C" fn(instance: *mut c_void),
    /// Places every expert.
    pub place: unsafe extern "C" fn(
        instance: *mut c_void,
        context: *const PlacementContext,
        copies: *const CopySink,
        error: *const ErrorSink,
    ) -> Status,
    /// Answers with an extension's table of functions or null. May be null itself.
    pub get_extension: Option<unsafe extern "C" fn(id: Str) -> *const c_void>,
}
