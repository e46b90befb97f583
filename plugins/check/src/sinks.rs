//! Where a plugin writes and complains: callbacks that fill vectors of ours.

#![expect(unsafe_code, reason = "called from C")]

use std::ffi::c_void;

use isotherm_plugin_abi::{CopySink, ErrorSink, Sink, Str};

/// Complaints of one call.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    reports: Vec<(String, String)>,
}

impl Reports {
    /// The sink that fills these.
    pub(crate) fn sink(&mut self) -> ErrorSink {
        ErrorSink { ctx: std::ptr::from_mut(self).cast(), report }
    }

    /// All complaints in one line.
    pub(crate) fn text(&self) -> String {
        let one = |(pointer, message): &(String, String)| {
            // Enough to understand it, little enough for a line.
            let message: String = message.chars().take(300).collect();
            if pointer.is_empty() { message } else { format!("{pointer}: {message}") }
        };
        self.reports.iter().take(4).map(one).collect::<Vec<_>>().join("; ")
    }
}

unsafe extern "C" fn report(ctx: *mut c_void, pointer: Str, message: Str) {
    // SAFETY: `ctx` is the `Reports` that the sink was made of; the texts are valid during the call.
    unsafe {
        let reports = &mut *ctx.cast::<Reports>();
        reports.reports.push((text_of(pointer), text_of(message)));
    }
}

/// Bytes of one call.
#[derive(Debug, Default)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Bytes {
    /// The sink that fills these.
    pub(crate) fn sink(&mut self) -> Sink {
        Sink { ctx: std::ptr::from_mut(self).cast(), write }
    }
}

unsafe extern "C" fn write(ctx: *mut c_void, data: *const u8, len: usize) {
    // SAFETY: `ctx` is the `Bytes` that the sink was made of; the data is valid during the call.
    unsafe {
        if len > 0 {
            (*ctx.cast::<Bytes>()).0.extend_from_slice(std::slice::from_raw_parts(data, len));
        }
    }
}

/// Copies of experts that a placement has named: (expert, device).
#[derive(Debug, Default)]
pub(crate) struct Copies(pub(crate) Vec<(u32, u32)>);

impl Copies {
    /// The sink that fills these.
    pub(crate) fn sink(&mut self) -> CopySink {
        CopySink { ctx: std::ptr::from_mut(self).cast(), copy }
    }
}

unsafe extern "C" fn copy(ctx: *mut c_void, expert: u32, device: u32) {
    // SAFETY: `ctx` is the `Copies` that the sink was made of.
    unsafe { (*ctx.cast::<Copies>()).0.push((expert, device)) }
}

/// Text of a plugin's; bytes that are no text are shown as such.
unsafe fn text_of(text: Str) -> String {
    if text.ptr.is_null() || text.len == 0 {
        return String::new();
    }
    // SAFETY: the contract makes these bytes readable during the call.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len) }).into_owned()
}
