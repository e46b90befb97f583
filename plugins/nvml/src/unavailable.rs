//! Why NVML cannot be used here, in words that help.

use std::ffi::OsStr;

use isotherm_recording::MeterError;
use nvml_wrapper::error::NvmlError;

use crate::SOURCE;

/// The error that says `why`.
pub(crate) fn because(why: impl Into<String>) -> MeterError {
    MeterError::Unavailable { source_name: SOURCE.to_owned(), why: why.into() }
}

/// What an error while loading `library` means. `is_chosen`: a person named it.
pub(crate) fn at_start(error: &NvmlError, library: &OsStr, is_chosen: bool) -> MeterError {
    let library = library.display();
    because(match error {
        NvmlError::LibloadingError(fault) if is_chosen => {
            format!("cannot load {library}: {}", without_path(fault, &library.to_string()))
        }
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => {
            format!("no driver on this machine: {library} is not there; it comes with the NVIDIA driver")
        }
        NvmlError::FailedToLoadSymbol(_) => format!("{library} is no NVML library: it has no function nvmlInit_v2"),
        NvmlError::DriverNotLoaded => "the NVIDIA driver is not loaded; `nvidia-smi` has to work first".to_owned(),
        NvmlError::LibRmVersionMismatch => {
            "driver and library are of different versions, as after an update; load the new driver or restart the machine"
                .to_owned()
        }
        NvmlError::NoPermission => no_permission(),
        other => format!("NVML does not start: {other}"),
    })
}

/// What a machine all of whose devices refuse this user says.
pub(crate) fn no_permission() -> String {
    "no permission to talk to the driver; this user or container needs /dev/nvidiactl and /dev/nvidia0".to_owned()
}

fn without_path(fault: &dyn std::error::Error, path: &str) -> String {
    let text = fault.to_string();
    text.strip_prefix(path).map_or(text.as_str(), |rest| rest.trim_start_matches(": ")).to_owned()
}
