//! Text and bytes that cross the border: what a library hands over, and the sinks it writes into.

use std::borrow::Cow;
use std::ffi::c_void;

use isotherm_plugin_abi::{ErrorSink, Sink, Str};

use crate::options::Report;

/// More bytes of text than any library has to say: a longer text is a wrong length.
const LONGEST: usize = 64 << 20;

/// The text behind a pointer, with replacement characters for what is no UTF-8. Null and lengths that cannot be are the empty text.
///
/// # Safety
/// `text` is null or points to `len` bytes that nobody writes to during `'t`.
#[expect(unsafe_code, reason = "a pointer from C")]
pub(crate) unsafe fn text_of<'t>(text: Str) -> Cow<'t, str> {
    if text.ptr.is_null() || text.len > LONGEST {
        return Cow::Borrowed("");
    }
    // SAFETY: as the caller promises.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.ptr.cast(), text.len) })
}

/// Collects bytes that a library writes.
#[derive(Debug, Default)]
pub(crate) struct Collected(pub(crate) Vec<u8>);

impl Collected {
    /// The sink to hand over; valid while `self` is borrowed.
    pub(crate) fn sink(&mut self) -> Sink {
        Sink { ctx: std::ptr::from_mut(self).cast(), write: collect }
    }

    /// The bytes as text; replacement characters stand for what is no UTF-8.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn collect(ctx: *mut c_void, data: *const u8, len: usize) {
    if ctx.is_null() || data.is_null() || len > isize::MAX as usize {
        return;
    }
    // SAFETY: `ctx` is the `Collected` whose sink this is; the library hands over `len` bytes that are valid during the call.
    unsafe { (*ctx.cast::<Collected>()).0.extend_from_slice(std::slice::from_raw_parts(data, len)) };
}

/// Collects what a library reports to be wrong.
#[derive(Debug, Default)]
pub(crate) struct Reports(pub(crate) Vec<Report>);

/// Reports of one call beyond this are not kept: nobody reads them, and a library in a loop must not eat the memory.
const MOST_REPORTS: usize = 64;

impl Reports {
    /// The sink to hand over; valid while `self` is borrowed.
    pub(crate) fn sink(&mut self) -> ErrorSink {
        ErrorSink { ctx: std::ptr::from_mut(self).cast(), report }
    }

    /// All messages in one line; `otherwise` where there is none.
    pub(crate) fn sentence(&self, otherwise: &str) -> String {
        if self.0.is_empty() {
            return otherwise.to_owned();
        }
        let said = |report: &Report| match report.pointer.as_str() {
            "" => report.message.clone(),
            pointer => format!("{pointer}: {}", report.message),
        };
        self.0.iter().map(said).collect::<Vec<_>>().join("; ")
    }
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn report(ctx: *mut c_void, pointer: Str, message: Str) {
    if ctx.is_null() {
        return;
    }
    // SAFETY: `ctx` is the `Reports` whose sink this is; the library hands over text that is valid during the call.
    unsafe {
        let reports = &mut (*ctx.cast::<Reports>()).0;
        if reports.len() < MOST_REPORTS {
            reports.push(Report { pointer: text_of(pointer).into_owned(), message: text_of(message).into_owned() });
        }
    }
}
