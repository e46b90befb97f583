//! The engine as this crate wants it: the same bytes on every machine, and an end to every call.

use std::path::Path;

use isotherm_plugin_host::{Refusal, RefusalKind};
use wasmtime::{Config, Engine, ExternType};

use crate::guest::{HOST_FUNCTIONS, TABLE};

fn config() -> Config {
    let mut config = Config::new();
    // Fuel and not epochs: the same call ends at the same instruction on every machine.
    config.consume_fuel(true);
    // Which bits a NaN has is otherwise the processor's choice, and so are the relaxed vector instructions.
    config.cranelift_nan_canonicalization(true).relaxed_simd_deterministic(true);
    // The interface has 4-byte pointers into one memory.
    config.wasm_memory64(false).wasm_multi_memory(false);
    config
}

/// Compiles a module and checks that it asks for nothing and offers what calls need. Nothing of it runs.
pub(crate) fn compile(file: &Path, bytes: &[u8]) -> Result<wasmtime::Module, Refusal> {
    let invalid = |error: wasmtime::Error| {
        let found = format!("a module that cannot be compiled ({})", error.root_cause());
        let expected = "WebAssembly with 32-bit memory and without threads, exceptions and garbage collection";
        Refusal::new(file, RefusalKind::NotCompiled, found, expected, "build it anew for wasm32-unknown-unknown")
    };
    let engine = Engine::new(&config()).map_err(invalid)?;
    let module = wasmtime::Module::new(&engine, bytes).map_err(invalid)?;
    if let Some(import) = module.imports().next() {
        return Err(Refusal::new(
            file,
            RefusalKind::Imports,
            format!("a module that asks for `{}` of `{}`", import.name(), import.module()),
            "one that asks for nothing",
            "build it for wasm32-unknown-unknown, not for WASI or a browser; link everything into it",
        ));
    }
    check_exports(file, &module)?;
    Ok(module)
}

fn check_exports(file: &Path, module: &wasmtime::Module) -> Result<(), Refusal> {
    let export = |name: &str| module.get_export(name);
    let missing = |what: &str, remedy: &str| {
        let found = format!("a module that exports no {what}");
        Err(Refusal::new(file, RefusalKind::NoExport, found, "one that does", remedy))
    };
    if !matches!(export("memory"), Some(ExternType::Memory(_))) {
        return missing("memory `memory`", "do not link it with --import-memory");
    }
    if !matches!(export(isotherm_plugin_abi::ENTRY), Some(ExternType::Func(_))) {
        let what = format!("function `{}`", isotherm_plugin_abi::ENTRY);
        return missing(&what, &format!("link it with --export={}", isotherm_plugin_abi::ENTRY));
    }
    let Some(ExternType::Table(table)) = export(TABLE) else {
        return missing(&format!("table `{TABLE}`"), "link it with --export-table --growable-table");
    };
    if let Some(most) = table.maximum()
        && most < table.minimum() + HOST_FUNCTIONS
    {
        let found = format!("a module whose table of functions has at most {most} places");
        let remedy = "link it with --export-table --growable-table";
        return Err(Refusal::new(file, RefusalKind::FixedTable, found, "one that can grow", remedy));
    }
    Ok(())
}
