//! Text that is handed over, and callbacks that take text and bytes without anyone freeing the other's memory.

use core::ffi::{c_char, c_void};

/// Text in UTF-8, not ended by a zero byte; null with length 0 is the empty text.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// First byte.
    pub ptr: *const c_char,
    /// Number of bytes.
    pub len: usize,
}

impl Str {
    /// The same bytes as seen by C. Valid as long as `text`.
    ///
    /// ```
    /// assert_eq!(isotherm_plugin_abi::Str::new("router").len, 6);
    /// ```
    #[must_use]
    pub const fn new(text: &str) -> Self {
        Self { ptr: text.as_ptr().cast(), len: text.len() }
    }
}

// Text that a static holds is shared by all threads; whoever makes a `Str` of it promises that nobody writes to it.
#[expect(unsafe_code, reason = "a pointer to read-only text")]
// SAFETY: the contract of the interface makes handed-over text read-only.
unsafe impl Sync for Str {}
#[expect(unsafe_code, reason = "a pointer to read-only text")]
// SAFETY: as above.
unsafe impl Send for Str {}

/// Takes bytes, in one piece or many: a saved state, or text that the callee makes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    /// Handed back to `write`.
    pub ctx: *mut c_void,
    /// Appends `len` bytes.
    pub write: unsafe extern "C" fn(ctx: *mut c_void, data: *const u8, len: usize),
}

/// Takes reports of what is wrong.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ErrorSink {
    /// Handed back to `report`.
    pub ctx: *mut c_void,
    /// `pointer` is a JSON pointer (RFC 6901) into the options, such as `/cap/degc`, or empty; `message` is a sentence. May be called several
    /// times, once for each fault.
    pub report: unsafe extern "C" fn(ctx: *mut c_void, pointer: Str, message: Str),
}
