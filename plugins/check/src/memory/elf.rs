//! Leads references of freshly loaded libraries to functions of ours: `malloc` of the plugin's becomes a `malloc` that watches.
//!
//! A library calls functions of others through a table of addresses that the dynamic linker has filled in. Entries of that table are written
//! over, for all libraries that were not there before. The checker's own allocations and those of the C library stay what they are.

#![expect(unsafe_code, reason = "tables of the dynamic linker")]

use std::collections::BTreeSet;
use std::ffi::{CStr, c_int, c_void};

const PT_DYNAMIC: u32 = 2;
const DT_NULL: i64 = 0;
const DT_PLTRELSZ: i64 = 2;
const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
const DT_RELA: i64 = 7;
const DT_RELASZ: i64 = 8;
const DT_JMPREL: i64 = 23;

/// Kinds of relocation that hold the address of a function: in data, in the offset table, in the procedure linkage table.
#[cfg(target_arch = "x86_64")]
const ADDRESSES: [u32; 3] = [1, 6, 7];
#[cfg(target_arch = "aarch64")]
const ADDRESSES: [u32; 3] = [257, 1025, 1026];

#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

#[repr(C)]
struct Relocation {
    offset: usize,
    info: u64,
    addend: i64,
}

#[repr(C)]
struct Symbol {
    name: u32,
    rest: [u8; 20],
}

/// A library in memory: where it begins, and its dynamic section.
type Object = (usize, *const Dynamic);

/// The libraries that are loaded now.
pub(super) fn objects() -> BTreeSet<usize> {
    loaded().into_iter().map(|(base, _)| base).collect()
}

/// Leads references of all libraries that are not in `before` to the functions named; how many references there were.
pub(super) fn divert(before: &BTreeSet<usize>, functions: &[(&CStr, *const c_void)]) -> usize {
    let fresh = loaded().into_iter().filter(|(base, _)| !before.contains(base));
    // SAFETY: the objects stay loaded, and their dynamic sections are the linker's.
    fresh.map(|object| unsafe { divert_object(object, functions) }).sum()
}

fn loaded() -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    // SAFETY: `collect` gets the vector back.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut objects).cast()) };
    objects
}

unsafe extern "C" fn collect(info: *mut libc::dl_phdr_info, _: usize, objects: *mut c_void) -> c_int {
    // SAFETY: the linker describes a loaded object; `objects` is the vector of `loaded`.
    unsafe {
        let headers = std::slice::from_raw_parts((*info).dlpi_phdr, usize::from((*info).dlpi_phnum));
        let base = (*info).dlpi_addr as usize;
        if let Some(header) = headers.iter().find(|header| header.p_type == PT_DYNAMIC) {
            let dynamic = (base + header.p_vaddr as usize) as *const Dynamic;
            (*objects.cast::<Vec<Object>>()).push((base, dynamic));
        }
    }
    0
}

unsafe fn divert_object((base, dynamic): Object, functions: &[(&CStr, *const c_void)]) -> usize {
    // SAFETY: a dynamic section ends with a null entry.
    let value = |tag: i64| unsafe {
        let mut entry = dynamic;
        while (*entry).tag != DT_NULL {
            if (*entry).tag == tag {
                return Some((*entry).value);
            }
            entry = entry.add(1);
        }
        None
    };
    // Some linkers turn the section's offsets into addresses, some leave them.
    let address = |tag: i64| value(tag).map(|value| if value < base { base + value } else { value });
    let (Some(symbols), Some(names)) = (address(DT_SYMTAB), address(DT_STRTAB)) else { return 0 };
    let mut diverted = 0;
    for (table, size) in [(DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)] {
        let (Some(table), Some(size)) = (address(table), value(size)) else { continue };
        // SAFETY: the section says where the table is and how long.
        let table = unsafe { std::slice::from_raw_parts(table as *const Relocation, size / size_of::<Relocation>()) };
        for relocation in table.iter().filter(|r| r.addend == 0 && ADDRESSES.contains(&(r.info as u32))) {
            // SAFETY: the relocation names a symbol, the symbol a text.
            let name = unsafe {
                let symbol = (symbols as *const Symbol).add((relocation.info >> 32) as usize);
                CStr::from_ptr((names as *const std::ffi::c_char).add((*symbol).name as usize))
            };
            if let Some((_, function)) = functions.iter().find(|(wanted, _)| *wanted == name) {
                // SAFETY: the place holds the address of the function of that name.
                diverted +=
                    usize::from(unsafe { write_over((base + relocation.offset) as *mut *const c_void, *function) });
            }
        }
    }
    diverted
}

/// Writes an address into a page that the linker may have made read-only.
unsafe fn write_over(place: *mut *const c_void, function: *const c_void) -> bool {
    // SAFETY: the place belongs to a loaded object; the page stays mapped.
    unsafe {
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
        let start = place as usize / page * page;
        if libc::mprotect(start as *mut c_void, page, libc::PROT_READ | libc::PROT_WRITE) != 0 {
            return false;
        }
        place.write(function);
    }
    true
}
