//! Structs as hosts of different ages hand them over.

#![expect(unsafe_code, reason = "structs are laid out byte by byte")]

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use isotherm_plugin_abi::{
    ABI_MAJOR, ABI_MINOR, Batch, Decision, Feedback, Host, LoadContext, PlacementContext, PlacementTraits, Poll,
    RouterContext, RouterTraits, Samples, Shares, Str, TelemetryContext, TelemetryTraits,
};

use crate::memory::{Access, Edge, PATTERN, Region, State};

/// How old the host is that the plugin meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Interface 1.0, structs of exactly the sizes of then.
    First,
    /// This one.
    Present,
    /// A later one: more behind all that is known today, filled with something.
    Later,
}

/// Bytes that a later host has behind what is known today.
const LATER: usize = 64;

/// A struct that begins with its size.
pub(crate) trait Table: Copy {
    /// Its name for messages.
    const NAME: &'static str;
    /// Its size in interface 1.0, or in the later one that brought it. Never changes.
    const FIRST_SIZE: usize;
}

macro_rules! tables {
    ($($table:ident: $name:literal, $size:literal;)*) => {
        $(impl Table for $table {
            const NAME: &'static str = $name;
            const FIRST_SIZE: usize = $size;
        })*
        /// Sizes now and in 1.0.
        #[cfg(test)]
        const SIZES: &[(&str, usize, usize)] = &[$(($name, size_of::<$table>(), $size)),*];
    };
}

tables! {
    RouterContext: "the router context", 112;
    Batch: "the batch", 200;
    Decision: "the decision", 88;
    Feedback: "the feedback", 48;
    RouterTraits: "the router traits", 8;
    TelemetryContext: "the telemetry context", 16;
    TelemetryTraits: "the telemetry traits", 16;
    Poll: "the poll", 32;
    Samples: "the samples", 32;
    PlacementContext: "the placement context", 96;
    PlacementTraits: "the placement traits", 8;
    LoadContext: "the load context", 40;
    Shares: "the shares", 32;
}

/// A struct between guard pages.
#[derive(Debug)]
pub(crate) struct Handed<T> {
    region: Option<Region>,
    table: PhantomData<T>,
}

impl<T: Table> Handed<T> {
    /// The struct as a host of this generation hands it over. Its first four bytes become its size.
    pub(crate) fn new(value: &T, generation: Generation, edge: Edge, access: Access) -> Self {
        let size = match generation {
            Generation::First => T::FIRST_SIZE,
            Generation::Present => size_of::<T>(),
            Generation::Later => size_of::<T>() + LATER,
        };
        let region = Region::new(T::NAME, &vec![PATTERN; size], align_of::<T>(), edge, Access::Write);
        // SAFETY: the region holds `size` bytes, the struct `size_of::<T>()`; every table begins with a `u32`.
        unsafe {
            let source = std::ptr::from_ref(value).cast::<u8>();
            region.data().copy_from_nonoverlapping(source, size.min(size_of::<T>()));
            region.data().cast::<u32>().write(size as u32);
        }
        if access == Access::Read {
            region.lock();
        }
        Self { region: Some(region), table: PhantomData }
    }

    /// Address for the plugin.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.region.as_ref().map_or(std::ptr::null_mut(), |region| region.data().cast())
    }

    /// What stands in it now, if the space round it is as it was.
    pub(crate) fn read_back(&self) -> Result<T, String> {
        let mut value = MaybeUninit::<T>::zeroed();
        if let Some(region) = &self.region {
            region.check_surroundings()?;
            let size = region.len().min(size_of::<T>());
            if region.bytes()[size..].iter().any(|byte| *byte != PATTERN) {
                return Err(format!("wrote into {} behind the part that is known today", T::NAME));
            }
            // SAFETY: both hold `size` bytes.
            unsafe { value.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(region.data(), size) };
        }
        // SAFETY: tables are numbers and pointers that may be null: zero bytes are a value, and so is what the plugin wrote.
        Ok(unsafe { value.assume_init() })
    }
}

impl<T> Drop for Handed<T> {
    fn drop(&mut self) {
        if let Some(region) = self.region.take() {
            region.retire(State::Over);
        }
    }
}

/// A host of this generation with these interface numbers; lives as long as the process, as hosts do.
pub(crate) fn host(generation: Generation, major: u16, minor: u16) -> *const Host {
    /// In 1.0.
    const FIRST_SIZE: usize = 32;
    let size = match generation {
        Generation::First => FIRST_SIZE,
        Generation::Present => size_of::<Host>(),
        Generation::Later => size_of::<Host>() + LATER,
    };
    let host = Host {
        struct_size: size as u32,
        abi_major: major,
        abi_minor: minor,
        ctx: std::ptr::null_mut(),
        log,
        get_extension,
    };
    let region = Region::new("the host", &vec![PATTERN; size], align_of::<Host>(), Edge::End, Access::Write);
    // SAFETY: the region holds `size` bytes and is aligned.
    unsafe { region.data().copy_from_nonoverlapping((&raw const host).cast(), size.min(size_of::<Host>())) };
    region.lock();
    Box::leak(Box::new(region)).data().cast()
}

/// The host of the generation with the interface numbers it would have; the same one each time.
pub(crate) fn host_of(generation: Generation) -> *const Host {
    static HOSTS: [OnceLock<usize>; 3] = [const { OnceLock::new() }; 3];
    let (place, minor) = match generation {
        Generation::First => (&HOSTS[0], 0),
        Generation::Present => (&HOSTS[1], ABI_MINOR),
        Generation::Later => (&HOSTS[2], ABI_MINOR + 7),
    };
    *place.get_or_init(|| host(generation, ABI_MAJOR, minor) as usize) as *const Host
}

unsafe extern "C" fn log(_: *mut c_void, _: i32, _: Str) {}

unsafe extern "C" fn get_extension(_: *mut c_void, _: Str) -> *const c_void {
    std::ptr::null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_only_grow() {
        for (name, now, first) in SIZES {
            assert!(now >= first, "{name} has {now} bytes, had {first} in 1.0");
            assert!(ABI_MINOR != 0 || now == first, "{name} has {now} bytes in 1.0, not {first}");
        }
    }

    #[test]
    fn a_later_host_notices_what_is_written_behind_the_known_part() {
        let traits = RouterTraits { struct_size: 0, flags: 3 };
        let handed = Handed::new(&traits, Generation::Later, Edge::End, Access::Write);
        let back = handed.read_back().unwrap();
        assert_eq!((back.struct_size as usize, back.flags), (size_of::<RouterTraits>() + LATER, 3));
        // SAFETY: the region is larger than the struct.
        unsafe { handed.as_ptr().add(1).cast::<u8>().write(0) };
        assert!(handed.read_back().unwrap_err().contains("behind the part"));
    }
}
