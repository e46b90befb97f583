//! The heap as the plugin sees it: counted to the byte, or every allocation between guard pages and none ever reused.
//!
//! Works where libraries are ELF files of 64 bits (Linux on x86-64 and AArch64), for libraries that call the C library's `malloc`, directly
//! or as Rust and C++ do. A library with an allocator of its own is not seen.

#![cfg_attr(watched, expect(unsafe_code, reason = "functions that the plugin calls instead of the C library's"))]

use std::collections::BTreeSet;

/// The libraries that were there before the plugin was.
#[derive(Debug)]
pub(crate) struct Before(#[cfg_attr(not(watched), expect(dead_code, reason = "nothing is watched"))] BTreeSet<usize>);

#[cfg(watched)]
pub(crate) use watched::{fence, live_bytes};

impl Before {
    /// Of this moment.
    pub(crate) fn now() -> Self {
        #[cfg(watched)]
        return Self(super::elf::objects());
        #[cfg(not(watched))]
        Self(BTreeSet::new())
    }

    /// Watches the heap of all libraries that have been loaded since; false where that cannot be done.
    pub(crate) fn watch_newer(&self) -> bool {
        #[cfg(watched)]
        return super::elf::divert(&self.0, &watched::functions()) > 0;
        #[cfg(not(watched))]
        false
    }

    /// Lets all libraries that have been loaded since live in another time, with a heap in which nothing is zero by chance.
    pub(crate) fn displace_newer(&self) {
        #[cfg(watched)]
        {
            super::elf::divert(&self.0, &super::clock::functions());
            super::elf::divert(&self.0, &watched::functions());
            watched::fill();
        }
    }
}

/// Bytes that the plugin has allocated and not freed, as far as it is watched.
#[cfg(not(watched))]
pub(crate) fn live_bytes() -> i64 {
    0
}

/// Puts every further allocation of the plugin between guard pages.
#[cfg(not(watched))]
pub(crate) fn fence() {}

#[cfg(watched)]
mod watched {
    use std::collections::{BTreeMap, BTreeSet};
    use std::ffi::{CStr, c_char, c_int, c_void};
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
    use std::sync::{Mutex, PoisonError};

    use crate::memory::fault::die;
    use crate::memory::region::{Access, Edge, PATTERN, Region};
    use crate::memory::registry::State;

    static LIVE: AtomicI64 = AtomicI64::new(0);
    static FILLED: AtomicBool = AtomicBool::new(false);
    static FENCED: AtomicBool = AtomicBool::new(false);
    static FENCE: Mutex<Fence> = Mutex::new(Fence { live: BTreeMap::new(), freed: BTreeSet::new() });

    /// Allocations between guard pages, by address.
    struct Fence {
        live: BTreeMap<usize, Region>,
        freed: BTreeSet<usize>,
    }

    /// See [`super::live_bytes`].
    pub(crate) fn live_bytes() -> i64 {
        LIVE.load(Ordering::SeqCst)
    }

    /// Fills every further allocation of the plugin, and what it frees, with something.
    pub(super) fn fill() {
        FILLED.store(true, Ordering::SeqCst);
    }

    /// Puts every further allocation of the plugin between guard pages.
    pub(crate) fn fence() {
        FENCED.store(true, Ordering::SeqCst);
    }

    /// What is called instead of the C library's functions.
    pub(super) fn functions() -> [(&'static CStr, *const c_void); 8] {
        [
            (c"malloc", malloc as *const c_void),
            (c"calloc", calloc as *const c_void),
            (c"realloc", realloc as *const c_void),
            (c"free", free as *const c_void),
            (c"posix_memalign", posix_memalign as *const c_void),
            (c"aligned_alloc", aligned_alloc as *const c_void),
            (c"strdup", strdup as *const c_void),
            (c"strndup", strndup as *const c_void),
        ]
    }

    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        // SAFETY: as the C library's.
        fenced(size, 16, PATTERN).unwrap_or_else(|| filled(counted(unsafe { libc::malloc(size) })))
    }

    unsafe extern "C" fn calloc(number: usize, size: usize) -> *mut c_void {
        let whole = number.checked_mul(size).and_then(|bytes| fenced(bytes, 16, 0));
        // SAFETY: as the C library's.
        whole.unwrap_or_else(|| counted(unsafe { libc::calloc(number, size) }))
    }

    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        if old.is_null() {
            // SAFETY: as the C library's.
            return unsafe { malloc(size) };
        }
        let kept = with_fence(|fence| fence.live.get(&(old as usize)).map(|region| region.len().min(size)));
        let Some(kept) = kept else {
            // SAFETY: an allocation of the C library's, or an address that it will refuse.
            unsafe {
                let before = libc::malloc_usable_size(old);
                let new = libc::realloc(old, size);
                if !new.is_null() || size == 0 {
                    LIVE.fetch_sub(before as i64, Ordering::SeqCst);
                }
                return counted(new);
            }
        };
        // SAFETY: both hold `kept` bytes and are apart.
        unsafe {
            let new = malloc(size);
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(old.cast::<u8>(), new.cast::<u8>(), kept);
                free(old);
            }
            new
        }
    }

    unsafe extern "C" fn free(old: *mut c_void) {
        if old.is_null() || released(old as usize) {
            return;
        }
        // SAFETY: an allocation of the C library's, or an address that it will refuse.
        unsafe {
            LIVE.fetch_sub(libc::malloc_usable_size(old) as i64, Ordering::SeqCst);
            libc::free(filled(old));
        }
    }

    unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, align: usize, size: usize) -> c_int {
        // SAFETY: the caller's variable.
        unsafe {
            if let Some(new) = fenced(size, align, PATTERN) {
                place.write(new);
                return 0;
            }
            let status = libc::posix_memalign(place, align, size);
            if status == 0 {
                filled(counted(place.read()));
            }
            status
        }
    }

    unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
        // SAFETY: as the C library's.
        fenced(size, align, PATTERN).unwrap_or_else(|| filled(counted(unsafe { libc::aligned_alloc(align, size) })))
    }

    unsafe extern "C" fn strdup(text: *const c_char) -> *mut c_char {
        // SAFETY: as the C library's.
        counted(unsafe { libc::strdup(text) }.cast()).cast()
    }

    unsafe extern "C" fn strndup(text: *const c_char, most: usize) -> *mut c_char {
        // SAFETY: as the C library's.
        counted(unsafe { libc::strndup(text, most) }.cast()).cast()
    }

    fn counted(new: *mut c_void) -> *mut c_void {
        if !new.is_null() {
            // SAFETY: an allocation of the C library's.
            LIVE.fetch_add(unsafe { libc::malloc_usable_size(new) } as i64, Ordering::SeqCst);
        }
        new
    }

    /// An allocation whose bytes are nobody's yet, or nobody's any more.
    fn filled(allocation: *mut c_void) -> *mut c_void {
        if FILLED.load(Ordering::SeqCst) && !allocation.is_null() {
            // SAFETY: an allocation of the C library's, with as many bytes as it says.
            unsafe { allocation.cast::<u8>().write_bytes(PATTERN, libc::malloc_usable_size(allocation)) };
        }
        allocation
    }

    /// An allocation between guard pages; `None` where they are not asked for or the system has no more of them.
    fn fenced(size: usize, align: usize, fill: u8) -> Option<*mut c_void> {
        if !FENCED.load(Ordering::SeqCst) || align > 4096 {
            return None;
        }
        let bytes = vec![fill; size];
        let region = Region::try_new("an allocation of its own", &bytes, align.max(1), Edge::End, Access::Write)?;
        let address = region.data();
        with_fence(|fence| {
            fence.freed.remove(&(address as usize));
            fence.live.insert(address as usize, region);
        });
        Some(address.cast())
    }

    /// Takes an allocation back if it stands between guard pages.
    fn released(address: usize) -> bool {
        let (region, twice) = with_fence(|fence| (fence.live.remove(&address), fence.freed.contains(&address)));
        if twice {
            die("freed the same memory twice");
        }
        let Some(region) = region else { return false };
        if let Err(fault) = region.check_surroundings() {
            die(&fault);
        }
        with_fence(|fence| fence.freed.insert(address));
        region.retire(State::Freed);
        true
    }

    fn with_fence<T>(act: impl FnOnce(&mut Fence) -> T) -> T {
        act(&mut FENCE.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
