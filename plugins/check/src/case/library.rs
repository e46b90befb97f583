//! Cases about the library as a whole: what it says of itself, and to whom.

#![expect(unsafe_code, reason = "the entry function and tables of the plugin")]

use isotherm_plugin_abi::{ABI_MAJOR, Factory};

use crate::finding::{Checked, fault};
use crate::handed::{Generation, host, host_of};
use crate::schema;
use crate::subject::Subject;

pub(super) fn opens(subject: &Subject) -> Checked {
    subject.open().map(drop)
}

pub(super) fn manifest(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let manifest = opened.library.manifest();
    for entry in &manifest.items {
        let offered =
            opened.library.offers().iter().any(|(item, _)| item.kind.word() == entry.kind && item.name == entry.name);
        if !offered {
            return fault(format!(
                "the manifest describes a {} `{}`, which the library does not offer",
                entry.kind, entry.name
            ));
        }
    }
    if !["", "unwind", "abort"].contains(&manifest.panic.as_str()) {
        return fault(format!("`panic` is \"{}\" in the manifest, expected \"unwind\" or \"abort\"", manifest.panic));
    }
    if !opened.entry.example.is_null() && !opened.entry.example.is_object() {
        return fault(format!("`example` is {} in the manifest, expected an object of options", opened.entry.example));
    }
    if opened.entry.options.is_null() {
        return Ok(());
    }
    schema::check(&opened.entry.options)
        .or_else(|what| fault(format!("`options` in the manifest is no JSON schema: {what}")))
}

pub(super) fn panic_mode(subject: &Subject) -> Checked {
    if subject.open()?.library.manifest().panic != "abort" {
        return Ok(());
    }
    fault(
        "built with panic = \"abort\": a panic ends isotherm with all its runs. \
         Build it with panic = \"unwind\", or allow it",
    )
}

pub(super) fn other_major(subject: &Subject) -> Checked {
    let entry = subject.open()?.library.entry();
    for (generation, major) in
        [(Generation::Later, ABI_MAJOR + 1), (Generation::Present, 0), (Generation::Present, u16::MAX)]
    {
        // SAFETY: the host lives as long as the process.
        if !unsafe { entry(host(generation, major, 0)) }.is_null() {
            return fault(format!("its entry function answers a host of interface {major}.0, expected null"));
        }
    }
    // SAFETY: as above.
    if unsafe { entry(host_of(Generation::Present)) }.is_null() {
        return fault("its entry function answers this host with null after it has refused another");
    }
    Ok(())
}

/// More bytes than any table has: a larger size is no size.
const LARGEST: u32 = 64 * 1024;

pub(super) fn tables(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let plugin = opened.library.plugin();
    // SAFETY: the host has checked that the table and its factories are there.
    unsafe {
        sane("the plugin table", (*plugin).struct_size, align_of::<isotherm_plugin_abi::Plugin>())?;
        for index in 0..(*plugin).factory_count as usize {
            let factory = *(*plugin).factories.add(index);
            sane(&format!("factory {index}"), (*factory).struct_size, align_of::<Factory>())?;
            let vtable = (*factory).vtable.cast::<u32>();
            sane(&format!("the functions of factory {index}"), vtable.read(), align_of::<*const ()>())?;
        }
    }
    Ok(())
}

fn sane(what: &str, size: u32, align: usize) -> Checked {
    if size <= LARGEST && (size as usize).is_multiple_of(align) {
        return Ok(());
    }
    fault(format!("{what} states a size of {size} bytes; `struct_size` is the size of the struct"))
}
