//! What the other side hands over: structs, arrays and text, as references once they have been checked.
//!
//! A call to a router does some twenty of these checks, so they are inlined and their faults are made out of the way.

use std::ffi::c_void;

use isotherm_plugin_abi::{Sink, Str};

use super::fault::Fault;

/// A struct that begins with `struct_size`. `needed` is where the last field ends that every version of it has.
///
/// # Safety
/// `pointer` is null or points to a struct of as many bytes as its `struct_size` says, which nobody changes during `'a`.
#[expect(unsafe_code, reason = "pointers of the other side")]
#[inline(always)]
pub(crate) unsafe fn record<'a, T>(pointer: *const T, needed: usize, name: &str) -> Result<&'a T, Fault> {
    // SAFETY: as promised above.
    unsafe { check_size(pointer.cast(), pointer.is_aligned(), needed, name)? };
    // SAFETY: not null, aligned, and large enough for all that this interface has.
    Ok(unsafe { &*pointer })
}

/// [`record`] for a struct that is written to.
///
/// # Safety
/// As for [`record`], and nobody else looks at it during `'a`.
#[expect(unsafe_code, reason = "pointers of the other side")]
#[inline(always)]
pub(super) unsafe fn record_mut<'a, T>(pointer: *mut T, needed: usize, name: &str) -> Result<&'a mut T, Fault> {
    // SAFETY: as promised above.
    unsafe { check_size(pointer.cast_const().cast(), pointer.is_aligned(), needed, name)? };
    // SAFETY: not null, aligned, and large enough for all that this interface has.
    Ok(unsafe { &mut *pointer })
}

#[expect(unsafe_code, reason = "pointers of the other side")]
#[inline(always)]
unsafe fn check_size(pointer: *const u32, aligned: bool, needed: usize, name: &str) -> Result<(), Fault> {
    if pointer.is_null() || !aligned {
        return Err(no_struct(pointer.is_null(), name));
    }
    // SAFETY: every struct begins with its size.
    let found = unsafe { *pointer };
    if (found as usize) < needed { Err(too_small(found, needed, name)) } else { Ok(()) }
}

#[cold]
fn no_struct(null: bool, name: &str) -> Fault {
    let what = if null { "null" } else { "not aligned" };
    Fault::abi(format!("`{name}` is {what}; expected a pointer to a struct"))
}

#[cold]
fn too_small(found: u32, needed: usize, name: &str) -> Fault {
    Fault::abi(format!("`{name}` has a struct_size of {found}; expected at least {needed} bytes"))
}

/// `len` values of an array; of none, the pointer does not matter.
///
/// # Safety
/// `pointer` is null or points to `len` values that nobody changes during `'a`.
#[expect(unsafe_code, reason = "pointers of the other side")]
#[inline(always)]
pub(super) unsafe fn array<'a, T>(pointer: *const T, len: usize, name: &str) -> Result<&'a [T], Fault> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(no_array(pointer.is_null(), len, name));
    }
    // SAFETY: not null, aligned, and as long as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// [`array()`] where null says that something is not known.
///
/// # Safety
/// As for [`array()`].
#[expect(unsafe_code, reason = "pointers of the other side")]
#[inline(always)]
pub(super) unsafe fn optional<'a, T>(pointer: *const T, len: usize, name: &str) -> Result<Option<&'a [T]>, Fault> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as promised above.
    unsafe { array(pointer, len, name) }.map(Some)
}

/// [`array()`] of values that are written to.
///
/// # Safety
/// `pointer` is null or points to `len` values that nobody else looks at during `'a`.
#[expect(unsafe_code, reason = "pointers of the other side")]
#[inline(always)]
pub(super) unsafe fn array_mut<'a, T>(pointer: *mut T, len: usize, name: &str) -> Result<&'a mut [T], Fault> {
    if len == 0 {
        return Ok(&mut []);
    }
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(no_array(pointer.is_null(), len, name));
    }
    // SAFETY: not null, aligned, and as long as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, len) })
}

#[cold]
fn no_array(null: bool, len: usize, name: &str) -> Fault {
    let what = if null { "null" } else { "not aligned" };
    Fault::abi(format!("`{name}` is {what}; expected {len} values"))
}

/// Rows times columns of an array.
#[inline(always)]
pub(super) fn product(rows: u32, columns: u32) -> Result<usize, Fault> {
    (rows as usize)
        .checked_mul(columns as usize)
        .ok_or_else(|| Fault::abi(format!("{rows} x {columns} values are too many")))
}

/// Text that is UTF-8, as the interface promises.
///
/// # Safety
/// `text` points to as many bytes as it says, which nobody changes during `'a`.
#[expect(unsafe_code, reason = "pointers of the other side")]
pub(super) unsafe fn text<'a>(text: Str, name: &str) -> Result<&'a str, Fault> {
    // SAFETY: as promised above.
    let bytes = unsafe { array(text.ptr.cast::<u8>(), text.len, name)? };
    std::str::from_utf8(bytes).map_err(|error| Fault::abi(format!("`{name}` is not UTF-8: {error}")))
}

/// Hands bytes to the other side.
///
/// # Safety
/// `sink` is null or valid.
#[expect(unsafe_code, reason = "a call to the host")]
pub(super) unsafe fn write(sink: *const Sink, bytes: &[u8], name: &str) -> Result<(), Fault> {
    // SAFETY: as promised above.
    let Some(sink) = (unsafe { sink.as_ref() }) else {
        return Err(Fault::abi(format!("`{name}` is null; expected a sink")));
    };
    // SAFETY: the bytes are valid during the call, which keeps none of them.
    unsafe { (sink.write)(sink.ctx, bytes.as_ptr(), bytes.len()) };
    Ok(())
}

/// Where a new instance is handed back.
///
/// # Safety
/// `pointer` is null or points to a place for a pointer, which nobody else looks at during `'a`.
#[expect(unsafe_code, reason = "pointers of the other side")]
pub(super) unsafe fn place<'a>(pointer: *mut *mut c_void) -> Result<&'a mut *mut c_void, Fault> {
    // SAFETY: as promised above.
    unsafe { pointer.as_mut() }.ok_or_else(|| Fault::abi("`instance` is null; expected where to put it"))
}

/// Bytes of the fields that every version of a struct has: up to and with `$field`.
macro_rules! size_to {
    ($struct:ty, $field:ident) => {
        isotherm_plugin_abi::end_of_field(std::mem::offset_of!($struct, $field), |s: &$struct| &raw const s.$field)
    };
}
pub(crate) use size_to;
