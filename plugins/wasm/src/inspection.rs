//! Looking at a file before anything of it runs or is compiled.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use isotherm_plugin_abi::{ABI_MAJOR, ABI_MINOR};
use isotherm_plugin_host::{FileKind, Inspection, Kind, Label, Refusal, RefusalKind, find_label};

use crate::stop::clean;

/// Larger files take the compiler too long to be a stranger's.
const LARGEST: u64 = 16 << 20;

/// Characters of a version that are shown.
const LONGEST_WORD: usize = 80;

const BUILD: &str = "build it for wasm32-unknown-unknown, as its documentation says";

/// Reads a module's label, and whether this crate can use it. Nothing of it runs or is compiled.
///
/// ```
/// let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/routers.wasm");
/// let inspection = isotherm_plugin_wasm::inspect(&file)?;
/// assert_eq!(inspection.label.items[0].name, "fixtures/price");
/// # Ok::<(), isotherm_plugin_host::Refusal>(())
/// ```
///
/// # Errors
/// A [`Refusal`] that says what was found, what was expected and what to do.
pub fn inspect(file: &Path) -> Result<Inspection, Refusal> {
    Ok(inspect_bytes(file)?.0)
}

/// [`inspect`], with the bytes that it is about.
pub(crate) fn inspect_bytes(file: &Path) -> Result<(Inspection, Vec<u8>), Refusal> {
    let (path, bytes) = read(file)?;
    let refuse = |kind, found: &str| Refusal::new(file, kind, found, "a WebAssembly core module", BUILD);
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {}
        Some([0, b'a', b's', b'm', ..]) => {
            return Err(refuse(
                RefusalKind::NotAModule,
                "a WebAssembly component or an unknown version of WebAssembly",
            ));
        }
        _ => return Err(refuse(RefusalKind::NotWebAssembly, "something that is no WebAssembly")),
    }
    let label = match find_label(&bytes) {
        Ok(Some(label)) => shown(label),
        Ok(None) => {
            let remedy = "plugins in Rust get their label from the export macros, in C from ISOTHERM_LABEL";
            let found = "a WebAssembly module without a label";
            return Err(Refusal::new(file, RefusalKind::NoLabel, found, "a plugin of isotherm", remedy));
        }
        Err(fault) => {
            return Err(Refusal::new(
                file,
                RefusalKind::BadLabel,
                format!("a label with {fault}"),
                "lines such as `abi 1.0`, `package acme-routers`, `version 0.3.1` and `router acme/cool-first`",
                "build it anew with the export macros or ISOTHERM_LABEL",
            ));
        }
    };
    if !is_usable(label.abi) {
        return Err(other_interface(file, label.abi));
    }
    if let Some(item) = label.items.iter().find(|item| item.kind != Kind::Router) {
        let found = format!("a module with the {} `{}`", item.kind.noun(), item.name);
        let remedy = "build telemetry sources and placements as native libraries";
        return Err(Refusal::new(file, RefusalKind::NotARouter, found, "a module with routers alone", remedy));
    }
    Ok((Inspection::new(file, path, FileKind::WebAssembly, label, &bytes), bytes))
}

/// A label whose free texts are fit for a terminal; names are checked already.
fn shown(label: Label) -> Label {
    let [package, version] = [&label.package, &label.version].map(|text| clean(text, LONGEST_WORD));
    Label { package, version, ..label }
}

/// The file without links and relative parts, and its bytes.
fn read(file: &Path) -> Result<(PathBuf, Vec<u8>), Refusal> {
    let unreadable = |error: std::io::Error| {
        let found = format!("nothing that can be read ({error})");
        Refusal::new(file, RefusalKind::Unreadable, found, "a WebAssembly core module", "check the path")
    };
    let path = std::fs::canonicalize(file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 <= LARGEST {
        return Ok((path, bytes));
    }
    let (found, expected) = (format!("more than {LARGEST} bytes"), "a router".to_owned());
    Err(Refusal::new(file, RefusalKind::TooLarge, found, expected, "build it optimised and without debug information"))
}

/// Whether this host has an interface.
pub(crate) fn is_usable((major, minor): (u16, u16)) -> bool {
    major == ABI_MAJOR && (0..=ABI_MINOR).contains(&minor)
}

/// Why a plugin that was built for an interface that is not usable is refused.
pub(crate) fn other_interface(file: &Path, (major, minor): (u16, u16)) -> Refusal {
    let found = format!("a plugin for interface {major}.{minor}");
    let expected = format!("one for interface {ABI_MAJOR}.0 to {ABI_MAJOR}.{ABI_MINOR}, which this isotherm has");
    let (kind, remedy) = if major < ABI_MAJOR {
        (RefusalKind::OtherMajor, "ask for a newer version of the plugin, or build it anew")
    } else if major > ABI_MAJOR {
        (RefusalKind::OtherMajor, "use a later isotherm, or a version of the plugin for this one")
    } else {
        (RefusalKind::NewerMinor, "use a later isotherm, or an earlier version of the plugin")
    };
    Refusal::new(file, kind, found, expected, remedy)
}
