//! The answer to a host that has opened the library.

use std::ptr;
use std::sync::OnceLock;

use isotherm_plugin_abi::{ABI_MAJOR, Factory, Host, LOAD, Plugin, Str};

use super::item::Item;
use super::manifest::{self, About};
use crate::border::caught;
use crate::border::install_hook;
use crate::{Level, log};

/// A library: one static of the export macros.
#[derive(Debug)]
pub struct Library {
    about: About,
    items: &'static [Item],
    answer: OnceLock<Plugin>,
}

impl Library {
    /// A library of these items.
    #[must_use]
    pub const fn new(about: About, items: &'static [Item]) -> Self {
        Self { about, items, answer: OnceLock::new() }
    }

    /// What the exported function answers. `label` only has to be named by code that runs, so that no linker leaves it out.
    ///
    /// # Safety
    /// `host` is null or points to a host's table, which lives as long as the process.
    #[expect(unsafe_code, reason = "pointers of the other side")]
    pub unsafe fn enter(&'static self, host: *const Host, label: &'static [u8]) -> *const Plugin {
        install_hook();
        std::hint::black_box(label);
        // SAFETY: as promised above.
        if unsafe { super::connect(host) }.is_err() {
            return ptr::null();
        }
        let answer = || ptr::from_ref(self.answer.get_or_init(|| self.make()));
        caught(answer, |panic| {
            log(Level::Error, &format!("the library cannot say what it offers: {panic}"));
            ptr::null()
        })
    }

    /// Lives as long as the process, as everything it points to.
    fn make(&self) -> Plugin {
        let manifest: &'static str = manifest::text(&self.about, self.items).leak();
        let factories: &'static [&'static Factory] =
            self.items.iter().map(|item| &item.factory).collect::<Vec<_>>().leak();
        Plugin {
            struct_size: size_of::<Plugin>() as u32,
            abi_major: ABI_MAJOR,
            abi_minor: minor_for(self.items),
            manifest: Str::new(manifest),
            factory_count: factories.len() as u32,
            factories: factories.as_ptr().cast(),
        }
    }
}

/// The interface that a library needs, not the one it was built with: what has no load works in hosts of 1.0 as well. The label says the same.
fn minor_for(items: &[Item]) -> u16 {
    items.iter().any(|item| item.factory.kind == LOAD).into()
}
