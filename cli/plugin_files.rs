//! Which files this program can use as plugins: native libraries, and WebAssembly modules if it was built with their sandbox.

use std::path::Path;

use isotherm_plugin_host::{Discovery, Inspection, Library, Manifest, Places, Refusal, RefusalKind};

use crate::fault::Fault;

/// Everything in these places that may be a plugin.
pub(crate) fn search(places: &Places<'_>) -> Discovery {
    Discovery::search_with(places, inspect)
}

/// What a file says of itself, if this program can use it. Nothing of it runs.
pub(crate) fn inspect(file: &Path) -> Result<Inspection, Refusal> {
    let found = isotherm_plugin_host::inspect(file);
    #[cfg(feature = "wasm")]
    if is_module(&found) {
        return isotherm_plugin_wasm::inspect(file);
    }
    found
}

/// What a plugin says of itself once it is open; its code runs.
pub(crate) fn manifest(file: &Path) -> Result<Manifest, Refusal> {
    let found = isotherm_plugin_host::inspect(file);
    #[cfg(feature = "wasm")]
    if is_module(&found) {
        let module = isotherm_plugin_wasm::Module::open(file, isotherm_plugin_wasm::Limits::default())?;
        return Ok(module.manifest().clone());
    }
    Ok(Library::open_inspected(&found?)?.manifest().clone())
}

#[cfg(feature = "wasm")]
fn is_module(found: &Result<Inspection, Refusal>) -> bool {
    found.as_ref().is_err_and(|refusal| refusal.kind == RefusalKind::WebAssembly)
}

/// A refusal by a command that is for native libraries, whatever else this program can use.
pub(crate) fn not_native(mut refusal: Refusal, command: &str) -> Fault {
    if refusal.kind == RefusalKind::WebAssembly {
        refusal.remedy = format!("`{command}` is for native libraries: build it as one");
    }
    Fault::Input(refusal.to_string())
}
