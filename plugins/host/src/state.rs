//! Saved states of instances: the plugin's own bytes, as a built-in kind's would be.

use std::ffi::c_void;

use isotherm_plugin_abi::{ErrorSink, OK, Sink, Status};

use crate::failure::failure;
use crate::instance::Instance;
use crate::text::{Collected, Reports};

/// The `save` of a table.
pub(crate) type Save = Option<unsafe extern "C" fn(*mut c_void, *const Sink, *const ErrorSink) -> Status>;
/// The `restore` of a table.
pub(crate) type Restore = Option<unsafe extern "C" fn(*mut c_void, *const u8, usize, *const ErrorSink) -> Status>;

/// Begins what stands for a state that could not be saved. Saving has no way to fail in the core, so restoring fails, with the reason.
const NOT_SAVED: &[u8] = b"\0isotherm: not saved\0";

/// Everything that changed in an instance since it was made; empty for one without memory.
pub(crate) fn save(instance: &Instance, save: Save, subject: &str) -> Vec<u8> {
    let Some(save) = save else { return Vec::new() };
    let (mut state, mut reports) = (Collected::default(), Reports::default());
    let (sink, error) = (state.sink(), reports.sink());
    #[expect(unsafe_code, reason = "calls into a library")]
    // SAFETY: the instance is of this table, and no other call of it runs: its owner is not `Sync`.
    let status = unsafe { save(instance.pointer(), &sink, &error) };
    if status == OK {
        return state.0;
    }
    [NOT_SAVED, failure(subject, "saving its state", status, &reports).as_bytes()].concat()
}

/// Continues an instance from saved bytes.
///
/// # Errors
/// A sentence, if the bytes are no state of it.
pub(crate) fn load(instance: &mut Instance, restore: Restore, subject: &str, state: &[u8]) -> Result<(), String> {
    if let Some(why) = state.strip_prefix(NOT_SAVED) {
        return Err(format!("it could not be saved: {}", String::from_utf8_lossy(why)));
    }
    let Some(restore) = restore else {
        return if state.is_empty() { Ok(()) } else { Err(format!("{subject} keeps no state")) };
    };
    let mut reports = Reports::default();
    let error = reports.sink();
    #[expect(unsafe_code, reason = "calls into a library")]
    // SAFETY: the instance is of this table, and it is borrowed for writing.
    let status = unsafe { restore(instance.pointer(), state.as_ptr(), state.len(), &error) };
    if status == OK { Ok(()) } else { Err(failure(subject, "restoring its state", status, &reports)) }
}
