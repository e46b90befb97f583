//! Reading the tables of a library: every pointer is looked at before it is followed, and no field beyond what the library has filled in.

use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::path::Path;

use isotherm_plugin_abi::{
    self as abi, Factory, LOAD, LoadV1, PLACEMENT, PlacementV1, Plugin, ROUTER, RouterV1, TELEMETRY, TelemetryV1,
    has_field,
};

use crate::inspection::check_interface;
use crate::label::{Item, Kind, is_plugin_name};
use crate::refusal::{Refusal, RefusalKind};
use crate::text::text_of;

/// More things than any library offers: a larger number is a wrong one.
const MOST_FACTORIES: u32 = 4096;

/// The functions of one thing that a library offers, as far as the library knows them; later ones are null.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Functions {
    /// Of a router.
    Router(RouterV1),
    /// Of a telemetry source.
    Telemetry(TelemetryV1),
    /// Of a placement policy.
    Placement(PlacementV1),
    /// Of a load.
    Load(LoadV1),
}

/// What a library's entry function has answered, checked.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) manifest: String,
    pub(crate) offers: Vec<(Item, Functions)>,
}

/// A table that a library has made cannot be used.
fn unusable(file: &Path, found: String, expected: &str) -> Refusal {
    let remedy = "this is a fault of the plugin: tell its author";
    Refusal::new(file, RefusalKind::BadTable, found, expected, remedy)
}

/// Reads what a library's entry function has answered.
///
/// # Safety
/// `plugin` is null or the answer of an entry function, whose tables live as long as the process.
///
/// # Errors
/// A [`Refusal`] that says what is wrong with the tables.
#[expect(unsafe_code, reason = "tables from C")]
pub(crate) unsafe fn read(file: &Path, plugin: *const Plugin) -> Result<Tables, Refusal> {
    if plugin.is_null() {
        return Err(Refusal::new(
            file,
            RefusalKind::EntryNull,
            format!(
                "that the plugin refuses interface {}.{}: its entry function answered null",
                abi::ABI_MAJOR,
                abi::ABI_MINOR
            ),
            "a table of what it offers",
            "its messages above may say why; ask for a version for this isotherm",
        ));
    }
    let aligned = plugin.is_aligned();
    // SAFETY: not null; every table begins with its size and the numbers of its interface, also those of later interfaces.
    let (size, interface) = unsafe {
        let size = (&raw const (*plugin).struct_size).read_unaligned();
        let major = (&raw const (*plugin).abi_major).read_unaligned();
        (size, (major, (&raw const (*plugin).abi_minor).read_unaligned()))
    };
    check_interface(file, interface)?;
    let needed = size_of::<Plugin>();
    if !aligned || !has_field!(Plugin, size, factories) {
        let found = format!("a plugin table of {size} bytes at {plugin:p}");
        return Err(unusable(file, found, &format!("at least {needed} bytes, aligned")));
    }
    // SAFETY: the table is large enough to hold these fields.
    let (manifest, number, factories) =
        unsafe { (text_of((*plugin).manifest).into_owned(), (*plugin).factory_count, (*plugin).factories) };
    if number > MOST_FACTORIES || number > 0 && (factories.is_null() || !factories.is_aligned()) {
        return Err(unusable(file, format!("{number} factories at {factories:p}"), "a list of what it offers"));
    }
    let mut offers: Vec<(Item, Functions)> = Vec::new();
    for index in 0..number as usize {
        // SAFETY: the list holds `number` pointers.
        let Some((item, functions)) = (unsafe { offer(file, index, *factories.add(index))? }) else { continue };
        if offers.iter().any(|(other, _)| *other == item) {
            let found = format!("the {} `{}` twice", item.kind.noun(), item.name);
            return Err(unusable(file, found, "every name once"));
        }
        offers.push((item, functions));
    }
    Ok(Tables { manifest, offers })
}

/// One factory; `None` for a kind that a later interface has brought.
#[expect(unsafe_code, reason = "tables from C")]
unsafe fn offer(file: &Path, index: usize, factory: *const Factory) -> Result<Option<(Item, Functions)>, Refusal> {
    if factory.is_null() || !factory.is_aligned() {
        return Err(unusable(file, format!("factory {index} at {factory:p}"), "a factory"));
    }
    // SAFETY: not null; every factory begins with its size.
    let size = unsafe { (*factory).struct_size };
    if !has_field!(Factory, size, vtable) {
        let needed = size_of::<Factory>();
        return Err(unusable(file, format!("factory {index} of {size} bytes"), &format!("at least {needed} bytes")));
    }
    // SAFETY: the factory is large enough to hold these fields.
    let (kind, name, vtable) = unsafe { ((*factory).kind, text_of((*factory).name).into_owned(), (*factory).vtable) };
    let kind = match kind {
        ROUTER => Kind::Router,
        TELEMETRY => Kind::Telemetry,
        PLACEMENT => Kind::Placement,
        LOAD => Kind::Load,
        _ => return Ok(None),
    };
    if !is_plugin_name(&name) {
        let expected = "lower-case letters, digits and hyphens around one slash, such as `acme/cool-first`";
        return Err(unusable(file, format!("factory {index} with the name `{name}`"), expected));
    }
    let item = Item { kind, name };
    // SAFETY: the factory's kind says what its table of functions is.
    let functions = unsafe { functions(kind, vtable) };
    match functions {
        Ok(functions) => Ok(Some((item, functions))),
        Err(fault) => {
            let found = format!("the {} `{}` with {}", item.kind.noun(), item.name, fault.found);
            Err(unusable(file, found, &fault.expected))
        }
    }
}

/// What is wrong with a table of functions.
struct TableFault {
    found: String,
    expected: String,
}

#[expect(unsafe_code, reason = "tables from C")]
unsafe fn functions(kind: Kind, vtable: *const c_void) -> Result<Functions, TableFault> {
    macro_rules! read {
        ($table:ident, $last:ident, $($needed:ident),+) => {{
            let needed = [$((stringify!($needed), offset_of!($table, $needed))),+];
            // SAFETY: the table begins with its size and holds functions or null behind that; where those that the type takes for
            // granted are null it is not made.
            unsafe {
                let table = copy::<$table>(vtable, &needed, |size| has_field!($table, size, $last))?;
                table.assume_init()
            }
        }};
    }
    let both = |save: bool, restore: bool| {
        let found = if save { "save and no restore" } else { "restore and no save" };
        let fault = TableFault { found: found.to_owned(), expected: "both functions or neither".to_owned() };
        if save == restore { Ok(()) } else { Err(fault) }
    };
    // The fields named first are the last of interface 1.0, for loads of 1.1.
    Ok(match kind {
        Kind::Router => {
            let table = read!(RouterV1, get_extension, create, destroy, route);
            both(table.save.is_some(), table.restore.is_some())?;
            Functions::Router(table)
        }
        Kind::Telemetry => {
            let table = read!(TelemetryV1, get_extension, configure, create, destroy, sample);
            both(table.save.is_some(), table.restore.is_some())?;
            Functions::Telemetry(table)
        }
        Kind::Placement => Functions::Placement(read!(PlacementV1, get_extension, create, destroy, place)),
        Kind::Load => Functions::Load(read!(LoadV1, get_extension, create, destroy, device_name, execute)),
    })
}

/// Copies what a library has filled in of a table; the rest is zero, which is null for functions.
///
/// # Safety
/// `vtable` is null or points to a table that begins with its size.
#[expect(unsafe_code, reason = "tables from C")]
unsafe fn copy<T>(
    vtable: *const c_void,
    needed: &[(&str, usize)],
    large_enough: impl Fn(u32) -> bool,
) -> Result<MaybeUninit<T>, TableFault> {
    let table = vtable.cast::<T>();
    if table.is_null() || !table.is_aligned() {
        return Err(TableFault {
            found: format!("its functions at {vtable:p}"),
            expected: "a table of functions".to_owned(),
        });
    }
    // SAFETY: not null; every table begins with its size.
    let size = unsafe { vtable.cast::<u32>().read() };
    if !large_enough(size) {
        let expected = format!("at least {} bytes", size_of::<T>());
        return Err(TableFault { found: format!("a table of functions of {size} bytes"), expected });
    }
    let mut copied = MaybeUninit::<T>::zeroed();
    // SAFETY: the library's table holds `size` bytes, the copy as many as `T` has; both begin at aligned places and do not overlap.
    unsafe {
        let length = size_of::<T>().min(size as usize);
        std::ptr::copy_nonoverlapping(vtable.cast::<u8>(), copied.as_mut_ptr().cast::<u8>(), length);
    }
    for (name, offset) in needed {
        // SAFETY: functions are pointers at aligned offsets within `T`, all of whose bytes have been written.
        let function = unsafe { copied.as_ptr().cast::<u8>().add(*offset).cast::<*const c_void>().read() };
        if function.is_null() {
            return Err(TableFault { found: format!("no function `{name}`"), expected: "one".to_owned() });
        }
    }
    Ok(copied)
}
