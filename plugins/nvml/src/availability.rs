//! Whether this machine has GPUs that can be read.

use isotherm_recording::{DeviceFacts, Meter, MeterError};

use crate::NvmlMeter;

/// What there is, in one line: `driver 580.159.04, 2 GPUs: NVIDIA H200, NVIDIA H200`.
///
/// # Errors
/// As [`NvmlMeter::open`]: `nvml: not available (why)`.
pub fn availability() -> Result<String, MeterError> {
    NvmlMeter::open(None).map(|meter| summary(meter.devices()))
}

fn summary(devices: &[DeviceFacts]) -> String {
    let driver = devices.iter().find_map(|device| device.driver.as_deref()).unwrap_or("unknown");
    let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let plural = if devices.len() == 1 { "" } else { "s" };
    format!("driver {driver}, {} GPU{plural}: {}", devices.len(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_there_is() {
        let device = |driver: Option<&str>| DeviceFacts {
            name: "NVIDIA H200".to_owned(),
            driver: driver.map(str::to_owned),
            ..DeviceFacts::default()
        };
        assert_eq!(summary(&[device(Some("580"))]), "driver 580, 1 GPU: NVIDIA H200");
        assert_eq!(summary(&[device(None), device(None)]), "driver unknown, 2 GPUs: NVIDIA H200, NVIDIA H200");
    }
}
