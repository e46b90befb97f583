//! A buffer between two pages that nobody may touch.
//!
//! A buffer ends where the second of them begins ([`Edge::End`]), or begins where the first ends ([`Edge::Start`]); what alignment leaves in
//! between is filled with a pattern that is looked at afterwards. A buffer whose time is over stays mapped without any rights for
//! a while, so that a plugin that kept its address is found out.

#![expect(unsafe_code, reason = "pages are mapped and protected by hand")]

use std::collections::VecDeque;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use super::registry::{self, Entry, State};

/// What fills the space between a buffer and its guards, and buffers that are not preset.
pub(crate) const PATTERN: u8 = 0xA5;

/// Which end of a buffer lies at a guard page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The byte behind the last one cannot be touched.
    End,
    /// The byte before the first one cannot be touched.
    Start,
}

/// What the plugin may do with a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    Write,
}

/// Bytes between guard pages.
#[derive(Debug)]
pub(crate) struct Region {
    name: &'static str,
    base: NonNull<u8>,
    mapped: usize,
    data: NonNull<u8>,
    len: usize,
    slot: Option<usize>,
}

// SAFETY: a region owns its pages; whoever has it may use them from any thread.
unsafe impl Send for Region {}

impl Region {
    /// A copy of `bytes`, aligned to `align` (a power of two up to a page). `None` where the system has no more pages.
    pub(crate) fn try_new(name: &'static str, bytes: &[u8], align: usize, edge: Edge, access: Access) -> Option<Self> {
        let page = page();
        let body = bytes.len().max(1).div_ceil(page) * page;
        let mapped = body + 2 * page;
        // SAFETY: a fresh private mapping that nothing else refers to.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            libc::mmap(std::ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0)
        };
        let base = NonNull::new(base.cast::<u8>()).filter(|base| base.as_ptr().cast() != libc::MAP_FAILED)?;
        let room = bytes.len().next_multiple_of(align);
        let offset = page + if edge == Edge::End { body - room } else { 0 };
        // SAFETY: `offset` lies within the mapping: page <= offset <= page + body.
        let data = unsafe { base.add(offset) };
        let mut region = Self { name, base, mapped, data, len: bytes.len(), slot: None };
        region.protect(page, body, libc::PROT_READ | libc::PROT_WRITE).then_some(())?;
        // SAFETY: the body is writable and holds `body` bytes; the data lies within.
        unsafe {
            base.add(page).as_ptr().write_bytes(PATTERN, body);
            data.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        if access == Access::Read {
            region.lock();
        }
        region.slot = registry::enter(Entry {
            name,
            base: base.as_ptr() as usize,
            mapped,
            data: data.as_ptr() as usize,
            len: bytes.len(),
            state: State::Lent,
        });
        Some(region)
    }

    /// As [`Self::try_new`], for what cannot do without.
    pub(crate) fn new(name: &'static str, bytes: &[u8], align: usize, edge: Edge, access: Access) -> Self {
        Self::try_new(name, bytes, align, edge, access)
            .unwrap_or_else(|| panic!("the system has no memory left for `{name}` ({} bytes)", bytes.len()))
    }

    /// Takes the right to write away.
    pub(crate) fn lock(&self) {
        self.protect(page(), self.mapped - 2 * page(), libc::PROT_READ);
    }

    /// First byte.
    pub(crate) fn data(&self) -> *mut u8 {
        self.data.as_ptr()
    }

    /// Number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What stands in it now.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the body stays readable until `retire`, which takes the region.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// Whether the space between the data and the guards is as it was; what has been overwritten if not.
    pub(crate) fn check_surroundings(&self) -> Result<(), String> {
        let page = page();
        let body = self.mapped - 2 * page;
        // SAFETY: the body stays readable until `retire`.
        let whole = unsafe { std::slice::from_raw_parts(self.base.add(page).as_ptr(), body) };
        let start = self.data.as_ptr() as usize - self.base.as_ptr() as usize - page;
        let changed = |bytes: &[u8]| bytes.iter().any(|byte| *byte != PATTERN);
        if changed(&whole[start + self.len..]) {
            return Err(format!("wrote behind the end of `{}`", self.name));
        }
        if changed(&whole[..start]) {
            return Err(format!("wrote before the start of `{}`", self.name));
        }
        Ok(())
    }

    /// Takes all rights away. Who touches the bytes now is told that their time was over; see [`State`].
    pub(crate) fn retire(self, state: State) {
        // Enough to catch what a plugin kept from a few batches before; few enough for the system's limit of mappings.
        const KEPT: usize = 4000;
        static RETIRED: Mutex<VecDeque<Region>> = Mutex::new(VecDeque::new());
        self.protect(0, self.mapped, libc::PROT_NONE);
        if let Some(slot) = self.slot {
            registry::set_state(slot, state);
        }
        let mut retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
        retired.push_back(self);
        if retired.len() > KEPT {
            retired.pop_front();
        }
    }

    fn protect(&self, offset: usize, len: usize, rights: libc::c_int) -> bool {
        // SAFETY: the pages belong to this region.
        unsafe { libc::mprotect(self.base.as_ptr().add(offset).cast::<c_void>(), len, rights) == 0 }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            registry::leave(slot);
        }
        // SAFETY: the pages belong to this region and nobody has them any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.mapped) };
    }
}

/// A number as it stands in arrays of the interface.
pub(crate) trait Number: Copy {}
impl Number for u8 {}
impl Number for u32 {}
impl Number for u64 {}
impl Number for f32 {}
impl Number for f64 {}

/// An array of numbers between guard pages, retired when it goes out of use.
#[derive(Debug)]
pub(crate) struct Array<T> {
    region: Option<Region>,
    numbers: PhantomData<T>,
}

impl<T: Number> Array<T> {
    /// A copy of `values`.
    pub(crate) fn new(name: &'static str, values: &[T], edge: Edge, access: Access) -> Self {
        Self::aligned(name, values, align_of::<T>(), edge, access)
    }

    /// A copy of `values` at an address that is a multiple of `align`.
    pub(crate) fn aligned(name: &'static str, values: &[T], align: usize, edge: Edge, access: Access) -> Self {
        // SAFETY: numbers have no padding.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) };
        Self { region: Some(Region::new(name, bytes, align, edge, access)), numbers: PhantomData }
    }

    /// Address for the plugin.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.region.as_ref().map_or(std::ptr::null_mut(), |region| region.data().cast())
    }

    /// What stands in it now.
    pub(crate) fn values(&self) -> &[T] {
        let Some(region) = &self.region else { return &[] };
        // SAFETY: written as numbers of this type at this address; any bytes are a number.
        unsafe { std::slice::from_raw_parts(region.data().cast(), region.len() / size_of::<T>()) }
    }

    /// See [`Region::check_surroundings`].
    pub(crate) fn check_surroundings(&self) -> Result<(), String> {
        self.region.as_ref().map_or(Ok(()), Region::check_surroundings)
    }
}

impl<T> Drop for Array<T> {
    fn drop(&mut self) {
        if let Some(region) = self.region.take() {
            region.retire(State::Over);
        }
    }
}

fn page() -> usize {
    // SAFETY: a question without side effects.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
