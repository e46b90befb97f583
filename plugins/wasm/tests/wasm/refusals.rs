//! Files that are no modules, and modules that cannot be used: one message each, before any run.

use isotherm_plugin_host::RefusalKind;
use isotherm_plugin_wasm::Module;
use sha2::Digest;

use crate::fixtures::{LIMITS, file, folder, open};

#[test]
fn each_has_its_own_reason() {
    for (name, kind, words) in [
        (
            "import",
            RefusalKind::Imports,
            "found a module that asks for `clock_of_the_host` of `env`; expected one that asks for nothing",
        ),
        ("other-major", RefusalKind::OtherMajor, "found a plugin for interface 2.0; expected one for interface 1.0"),
        ("no-label", RefusalKind::NoLabel, "found a WebAssembly module without a label"),
        ("other-name", RefusalKind::LabelMismatch, "found no router `refused/a`; expected the router `refused/a`"),
        ("outside", RefusalKind::Stopped, "found a module that handed over a list of factories of 4 bytes at address"),
        ("no-route", RefusalKind::BadTable, "found the router `refused/a` with no function `route`; expected one"),
        ("null-entry", RefusalKind::EntryNull, "its entry function answered null"),
        ("endless-entry", RefusalKind::Stopped, "found a module that took more than 20000000 instructions"),
        ("fixed-table", RefusalKind::FixedTable, "link it with --export-table --growable-table"),
    ] {
        let refusal = Module::open(&file(&format!("refused-{name}")), LIMITS).unwrap_err();
        let message = refusal.to_string();
        assert_eq!(refusal.kind, kind, "{message}");
        assert!(message.contains(&format!("refused-{name}.wasm: found ")) && message.contains(words), "{message}");
    }
}

#[test]
fn files_that_are_no_modules_are_told_apart() {
    let kind = |bytes: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Module::open(file.path(), LIMITS).unwrap_err().kind
    };
    assert_eq!(kind(b""), RefusalKind::NotWebAssembly);
    assert_eq!(kind(b"(module)"), RefusalKind::NotWebAssembly);
    assert_eq!(kind(b"\0asm\x0d\0\x01\0"), RefusalKind::NotAModule);
    let whole = std::fs::read(file("routers")).unwrap();
    assert_eq!(kind(&whole[..whole.len() - 100]), RefusalKind::NotCompiled, "the end is missing");
    assert_eq!(kind(&vec![0; 17 << 20]), RefusalKind::TooLarge);
    assert_eq!(Module::open(&folder(), LIMITS).unwrap_err().kind, RefusalKind::Unreadable);
}

#[test]
fn only_routers_can_be_modules() {
    let mut bytes = std::fs::read(file("routers")).unwrap();
    let (router, placement) = (b"router fixtures/price\n", b"placement fixtures/pr\n");
    let at = bytes.windows(router.len()).position(|window| window == router).expect("its label");
    bytes[at..at + router.len()].copy_from_slice(placement);
    let changed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(changed.path(), bytes).unwrap();
    let refusal = isotherm_plugin_wasm::inspect(changed.path()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotARouter);
    assert!(refusal.found == "a module with the placement `fixtures/pr`", "{refusal}");
}

#[test]
fn no_bytes_make_it_panic() {
    // A module with one byte changed, at many places: most are refused, none does harm.
    let whole = std::fs::read(file("routers")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    for at in (0..whole.len()).step_by(31) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(file.path(), &bytes).unwrap();
        if let Ok(module) = Module::open(file.path(), LIMITS) {
            for name in module.routers() {
                let Ok(spec) = crate::fixtures::router(&module, name, "{}") else { continue };
                let context = isotherm_core::router::RouterContext::new(8, 2, &[], 7);
                let Ok(mut router) = isotherm_core::router::RouterSpec::build(&spec, &context) else { continue };
                let view = isotherm_core::router::ClusterView::empty();
                _ = crate::fixtures::route(&mut *router, &crate::fixtures::gate(16), &view);
            }
        }
    }
}

#[test]
fn a_module_says_what_it_is() {
    let module = open("routers");
    assert_eq!(module.routers(), ["fixtures/price", "fixtures/cool", "fixtures/wear"]);
    assert_eq!((module.label().package.as_str(), module.label().version.as_str()), ("fixtures", "1.2.3"));
    assert_eq!(module.manifest().description, "good routers");
    let digest = sha2::Sha256::digest(std::fs::read(file("routers")).unwrap());
    assert_eq!(module.sha256(), digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}
