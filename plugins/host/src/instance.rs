//! The instance behind a pointer that a library has made: destroyed once, and never used by two threads at a time.

use std::ffi::c_void;

/// What a library's `create` has made. Freed by the library's `destroy`.
#[derive(Debug)]
pub(crate) struct Instance {
    pointer: *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void),
}

#[expect(unsafe_code, reason = "a pointer of a library")]
// SAFETY: the contract lets an instance be called from any thread, one call at a time; whoever owns this calls through `&mut`, or from
// a type that is not `Sync`.
unsafe impl Send for Instance {}

impl Instance {
    /// Takes over what `create` has made.
    ///
    /// # Safety
    /// `pointer` comes from the `create` of the table that `destroy` comes from, and nothing else destroys it.
    #[expect(unsafe_code, reason = "a pointer of a library")]
    pub(crate) unsafe fn new(pointer: *mut c_void, destroy: unsafe extern "C" fn(*mut c_void)) -> Self {
        Self { pointer, destroy }
    }

    /// The pointer to hand back to the library; it may be null, for an instance without memory.
    #[inline]
    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the library frees what it has made")]
        // SAFETY: as promised to `new`; nothing uses the pointer afterwards.
        unsafe {
            (self.destroy)(self.pointer);
        }
    }
}
