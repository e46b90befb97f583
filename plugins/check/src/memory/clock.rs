//! Clocks that go wrong: what a plugin answers must not depend on when it is asked.

#![expect(unsafe_code, reason = "functions that the plugin calls instead of the C library's")]

use std::ffi::{CStr, c_int, c_void};

unsafe extern "C" {
    #[link_name = "clock"]
    fn clock_of_c() -> libc::clock_t;
}

/// Added to all clocks: 386 days, 5 hours, 13 minutes and 17 seconds, so that no unit of time stays as it was, whatever the time of day: not
/// the weekday either, as it would 385 or 392 days ahead (s).
const SHIFT: i64 = ((386 * 24 + 5) * 60 + 13) * 60 + 17;

/// What is called instead of the C library's functions.
pub(super) fn functions() -> [(&'static CStr, *const c_void); 4] {
    [
        (c"time", time as *const c_void),
        (c"clock", clock as *const c_void),
        (c"clock_gettime", clock_gettime as *const c_void),
        (c"gettimeofday", gettimeofday as *const c_void),
    ]
}

unsafe extern "C" fn time(place: *mut libc::time_t) -> libc::time_t {
    // SAFETY: as the C library's; the place is the caller's.
    unsafe {
        let now = libc::time(std::ptr::null_mut()) + SHIFT;
        if !place.is_null() {
            place.write(now);
        }
        now
    }
}

unsafe extern "C" fn clock() -> libc::clock_t {
    // SAFETY: as the C library's.
    unsafe { clock_of_c() }.wrapping_mul(3).wrapping_add(SHIFT)
}

unsafe extern "C" fn clock_gettime(which: libc::clockid_t, place: *mut libc::timespec) -> c_int {
    // SAFETY: as the C library's; the place is the caller's.
    unsafe {
        let status = libc::clock_gettime(which, place);
        if status == 0 {
            (*place).tv_sec += SHIFT;
        }
        status
    }
}

unsafe extern "C" fn gettimeofday(place: *mut libc::timeval, zone: *mut c_void) -> c_int {
    // SAFETY: as the C library's; the place is the caller's.
    unsafe {
        let status = libc::gettimeofday(place, zone.cast());
        if status == 0 && !place.is_null() {
            (*place).tv_sec += SHIFT;
        }
        status
    }
}
