//! Without a driver, or with one that does not work: refused with a reason that helps.

use std::path::Path;

use isotherm_nvml::NvmlMeter;

use crate::stand_in::stand_in;

#[test]
fn a_machine_without_the_library_says_so() {
    match NvmlMeter::open(None) {
        // On a machine with a driver there is nothing to refuse.
        Ok(meter) => assert!(format!("{meter:?}").contains("libnvidia-ml")),
        Err(error) => assert!(error.to_string().starts_with("nvml: not available ("), "{error}"),
    }
}

#[test]
fn a_file_that_is_no_library_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not a library").unwrap();
    let message = NvmlMeter::open(Some(file.path())).unwrap_err().to_string();
    let begin = format!("nvml: not available (cannot load {}: ", file.path().display());
    assert!(message.starts_with(&begin), "{message}");
    assert_eq!(message.matches(&file.path().display().to_string()).count(), 1, "{message}");
}

#[test]
fn another_library_is_refused() {
    // The C library is loaded in every process here, under this name.
    if let Err(error) = NvmlMeter::open(Some(Path::new("libc.so.6"))) {
        let message = error.to_string();
        let is_known = message.contains("is no NVML library: it has no function nvmlInit_v2")
            || message.contains("cannot load libc.so.6");
        assert!(is_known, "{message}");
    } else {
        panic!("the C library is no NVML");
    }
}

#[test]
fn a_driver_that_does_not_start_is_refused_with_a_reason_that_helps() {
    let cases = [
        (
            "init driver_not_loaded",
            "nvml: not available (the NVIDIA driver is not loaded; `nvidia-smi` has to work first)",
        ),
        (
            "init version_mismatch",
            "nvml: not available (driver and library are of different versions, as after an update; load the new driver or \
             restart the machine)",
        ),
        (
            "init no_permission",
            "nvml: not available (no permission to talk to the driver; this user or container needs /dev/nvidiactl and \
             /dev/nvidia0)",
        ),
        ("init unknown", "nvml: not available (NVML does not start: an internal driver error occurred)"),
        ("gpus 0", "nvml: not available (the driver sees no GPU)"),
        (
            "attach no_permission",
            "nvml: not available (no permission to talk to the driver; this user or container needs /dev/nvidiactl and \
             /dev/nvidia0)",
        ),
    ];
    for (script, expected) in cases {
        assert_eq!(stand_in!(script).refusal(), expected);
    }
}
