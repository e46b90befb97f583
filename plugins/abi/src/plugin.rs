//! What a library answers when it is opened.

use core::ffi::c_void;

use crate::text::Str;

/// A [`Factory`] of routers: its `vtable` is a [`RouterV1`](crate::RouterV1).
pub const ROUTER: u32 = 1;
/// A [`Factory`] of telemetry sources: its `vtable` is a [`TelemetryV1`](crate::TelemetryV1).
pub const TELEMETRY: u32 = 2;
/// A [`Factory`] of placement policies: its `vtable` is a [`PlacementV1`](crate::PlacementV1).
pub const PLACEMENT: u32 = 3;
/// A [`Factory`] of loads: its `vtable` is a [`LoadV1`](crate::LoadV1). Since 1.1.
pub const LOAD: u32 = 4;

/// The type of the exported function. Null means that the library refuses this host. The answer lives as long as the process.
pub type Entry = unsafe extern "C" fn(host: *const Host) -> *const Plugin;

/// What the host offers; lives as long as the process.
#[repr(C)]
#[derive(Debug)]
pub struct Host {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Interface of the host.
    pub abi_major: u16,
    /// Interface of the host.
    pub abi_minor: u16,
    /// Handed back to the functions.
    pub ctx: *mut c_void,
    /// Says something to the user, from any thread: level 1 error, 2 warning, 3 information, 4 detail.
    pub log: unsafe extern "C" fn(ctx: *mut c_void, level: i32, message: Str),
    /// Answers with an extension's table of functions, or null where the host has none of that name.
    pub get_extension: unsafe extern "C" fn(ctx: *mut c_void, id: Str) -> *const c_void,
}

/// What the library offers; lives as long as the process.
#[repr(C)]
#[derive(Debug)]
pub struct Plugin {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// Interface the plugin was built for.
    pub abi_major: u16,
    /// Interface the plugin was built for.
    pub abi_minor: u16,
    /// JSON: `{"version", "description", "license", "homepage", "sdk", "panic", "items": [{"kind", "name", "summary", "docs", "options",
    /// "example"}]}`. Every field may be missing. `options` is the JSON schema (2020-12) of an item's options, `example` its options as JSON,
    /// `panic` is `"unwind"` or `"abort"`.
    pub manifest: Str,
    /// Number of `factories`.
    pub factory_count: u32,
    /// What scenarios can name.
    pub factories: *const *const Factory,
}

/// One thing that scenarios can name.
#[repr(C)]
#[derive(Debug)]
pub struct Factory {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// [`ROUTER`], [`TELEMETRY`], [`PLACEMENT`] or [`LOAD`]; hosts pass over what they do not know.
    pub kind: u32,
    /// `owner/name`: lower-case letters, digits and hyphens around one slash. The same name stands in the library's label.
    pub name: Str,
    /// The functions, by kind.
    pub vtable: *const c_void,
}

macro_rules! shared {
    ($($type:ty),*) => {$(
        #[expect(unsafe_code, reason = "tables that statics hold")]
        // SAFETY: the contract makes these tables read-only for the life of the process.
        unsafe impl Sync for $type {}
        #[expect(unsafe_code, reason = "tables that statics hold")]
        // SAFETY: as above.
        unsafe impl Send for $type {}
    )*};
}
shared!(Host, Plugin, Factory);
