//! What a plugin says to the user, through the host that has loaded it.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use isotherm_plugin_abi::{Host, Str};

/// How much it matters to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something has failed.
    Error = 1,
    /// Results may not be what the user expects.
    Warning = 2,
    /// Worth knowing once.
    Information = 3,
    /// For those who look for a fault.
    Detail = 4,
}

/// The host that has opened this library; null where there is none.
static HOST: AtomicPtr<Host> = AtomicPtr::new(ptr::null_mut());

/// Remembers whom to talk to. The host lives as long as the process.
pub(crate) fn connect(host: *const Host) {
    HOST.store(host.cast_mut(), Ordering::Release);
}

/// Says something to the user, from any thread. Without a host, as in unit tests and when linked in, it goes to standard error.
///
/// It is for people: nothing a router or a source decides may depend on it.
///
/// ```
/// use isotherm_plugin::{Level, log};
/// log(Level::Warning, "gpu 3 has not been read for 10 s");
/// ```
pub fn log(level: Level, text: &str) {
    let host = HOST.load(Ordering::Acquire);
    if host.is_null() {
        eprintln!("{level:?}: {text}");
        return;
    }
    #[expect(unsafe_code, reason = "a call to the host")]
    // SAFETY: hosts live as long as the process and are read-only; the size was checked before it was stored; the text is valid during the call.
    unsafe {
        ((*host).log)((*host).ctx, level as i32, Str::new(text));
    }
}
