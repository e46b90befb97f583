//! One call from the other side: panics caught, faults reported, and an instance that panicked of no more use.

use std::ffi::c_void;

use isotherm_plugin_abi::{ErrorSink, OK, PANIC, STATE, Status};

use super::fault::Fault;
use super::panics::caught;

/// Runs a call that belongs to no instance.
pub(super) fn call(error: *const ErrorSink, work: impl FnOnce() -> Result<(), Fault>) -> Status {
    // Faults are told inside, so that a number is all that comes back: moving a fault through takes longer than the rest of a call.
    let inside = || match work() {
        Ok(()) => OK,
        Err(fault) => told(&fault, error),
    };
    caught(inside, |panic| told(&Fault::new(PANIC, panic), error))
}

#[cold]
fn told(fault: &Fault, error: *const ErrorSink) -> Status {
    fault.report(error);
    fault.status
}

/// What a host's instance pointer points to.
pub(super) struct Held<T> {
    value: T,
    /// The author's code has panicked: what it left behind may be half done.
    poisoned: bool,
}

impl<T> Held<T> {
    /// A pointer for the host.
    pub(super) fn lend(value: T) -> *mut c_void {
        Box::into_raw(Box::new(Self { value, poisoned: false })).cast()
    }

    /// Runs a call on an instance.
    ///
    /// # Safety
    /// `instance` is null or from [`Held::lend`] of the same `T` and not yet taken back, and no other call of it runs.
    #[expect(unsafe_code, reason = "pointers of the other side")]
    pub(super) unsafe fn call(
        instance: *mut c_void,
        error: *const ErrorSink,
        work: impl FnOnce(&mut T) -> Result<(), Fault>,
    ) -> Status {
        // SAFETY: as promised above.
        let Some(held) = (unsafe { instance.cast::<Self>().as_mut() }) else { return no_instance(error) };
        if held.poisoned {
            let message = "this instance has panicked before; restore a saved state, or destroy it";
            return told(&Fault::new(STATE, message), error);
        }
        let status = call(error, || work(&mut held.value));
        held.poisoned = status == PANIC;
        status
    }

    /// Runs a call that makes an instance usable again if it succeeds.
    ///
    /// # Safety
    /// As for [`Held::call`].
    #[expect(unsafe_code, reason = "pointers of the other side")]
    pub(super) unsafe fn revive(
        instance: *mut c_void,
        error: *const ErrorSink,
        work: impl FnOnce(&mut T) -> Result<(), Fault>,
    ) -> Status {
        // SAFETY: as promised above.
        let Some(held) = (unsafe { instance.cast::<Self>().as_mut() }) else { return no_instance(error) };
        let status = call(error, || work(&mut held.value));
        held.poisoned = status == PANIC || held.poisoned && status != OK;
        status
    }

    /// Takes an instance back and drops it.
    ///
    /// # Safety
    /// As for [`Held::call`], and the pointer is not used again.
    #[expect(unsafe_code, reason = "pointers of the other side")]
    pub(super) unsafe fn destroy(instance: *mut c_void) {
        if instance.is_null() {
            return;
        }
        // SAFETY: as promised above.
        let held = unsafe { Box::from_raw(instance.cast::<Self>()) };
        caught(
            || drop(held),
            |panic| crate::log(crate::Level::Error, &format!("while an instance was destroyed: {panic}")),
        );
    }
}

fn no_instance(error: *const ErrorSink) -> Status {
    told(&Fault::abi("`instance` is null; expected one from `create`"), error)
}
