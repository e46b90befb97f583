//! Looking at a file before anything of it runs or is compiled.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use isotherm_plugin_abi::{ABI_MAJOR, ABI_MINOR};
use isotherm_plugin_host::{Label, find_label};

use crate::refusal::{Refusal, RefusalKind};
use crate::stop::clean;

/// Larger files take the compiler too long to be a stranger's.
const LARGEST: u64 = 16 << 20;

/// Characters of a version that are shown.
const LONGEST_WORD: usize = 80;

const BUILD: &str = "build it for wasm32-unknown-unknown, as its documentation says";

/// The bytes of a core module and its label.
pub(crate) fn inspect(file: &Path) -> Result<(Vec<u8>, Label), Refusal> {
    let bytes = read(file)?;
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
    if is_usable(label.abi) { Ok((bytes, label)) } else { Err(other_interface(file, label.abi)) }
}

/// A label whose free texts are fit for a terminal; names are checked already.
fn shown(label: Label) -> Label {
    let [package, version] = [&label.package, &label.version].map(|text| clean(text, LONGEST_WORD));
    Label { package, version, ..label }
}

fn read(file: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error: std::io::Error| {
        let found = format!("nothing that can be read ({error})");
        Refusal::new(file, RefusalKind::Unreadable, found, "a WebAssembly core module", "check the path")
    };
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 <= LARGEST {
        return Ok(bytes);
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
