//! What the export macros expand to: the answer of a library that is opened, its label and its manifest. Not for authors to name.

mod item;
mod label;
mod library;
mod macros;
mod manifest;

use isotherm_plugin_abi::{ABI_MAJOR, Host};

pub use item::Item;
pub use label::{bytes, is_name};
pub use library::Library;
pub use manifest::About;

use crate::border::{Fault, record, size_to};

/// Size of the host's table in interface 1.0.
const HOST: usize = size_to!(Host, get_extension);

/// Checks the host that calls, and remembers it for [`log`](crate::log()).
///
/// # Safety
/// `host` is null or points to a host's table, which lives as long as the process.
#[expect(unsafe_code, reason = "pointers of the other side")]
pub(crate) unsafe fn connect(host: *const Host) -> Result<(), Fault> {
    // SAFETY: as promised above.
    let known = unsafe { record(host, HOST, "host")? };
    if known.abi_major != ABI_MAJOR {
        let found = known.abi_major;
        return Err(Fault::abi(format!("the host speaks interface {found}; this library was built for {ABI_MAJOR}")));
    }
    crate::log::connect(host);
    Ok(())
}
