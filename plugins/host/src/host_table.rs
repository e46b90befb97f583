//! What a library is given of this program: a way to say something, and an answer to questions for more.

use std::ffi::c_void;

use isotherm_plugin_abi::{ABI_MAJOR, ABI_MINOR, Host, Str};

use crate::log::{Level, log};
use crate::text::text_of;

/// The table for one library, which lives as long as the process. Messages show `name`.
pub(crate) fn host_for(name: String) -> &'static Host {
    let name: &'static String = Box::leak(Box::new(name));
    Box::leak(Box::new(Host {
        struct_size: size_of::<Host>() as u32,
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        ctx: std::ptr::from_ref(name).cast_mut().cast(),
        log: say,
        get_extension,
    }))
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn say(ctx: *mut c_void, level: i32, message: Str) {
    // A panic must not cross into the library; a sink that panics loses its message.
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: `ctx` is the name that `host_for` has leaked; the library hands over text that is valid during the call.
        let (name, message) = unsafe { (ctx.cast::<String>().as_ref(), text_of(message)) };
        log(Level::of(level), name.map_or("", String::as_str), &message);
    });
}

/// This host has no extensions.
#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn get_extension(_ctx: *mut c_void, _id: Str) -> *const c_void {
    std::ptr::null()
}
