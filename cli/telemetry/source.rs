//! Opening the source that a command line names.

use isotherm_nvml::{Effort, NvmlMeter};
use isotherm_recording::{DeviceFacts, Meter, MeterError, Reading};
use isotherm_telemetry::dcgm::DcgmMeter;

use crate::args::{MeterChoice, MeterSource};
use crate::fault::Fault;
use crate::telemetry::SyntheticMeter;

/// Opens what was asked for, to be read at little cost.
///
/// # Errors
/// [`Fault::Unavailable`] if the source is not there, [`Fault::Usage`] if it has none of the devices asked for.
pub fn open(choice: &MeterChoice) -> Result<Box<dyn Meter>, Fault> {
    open_with(choice, Effort::default())
}

/// Opens what was asked for; `effort` says what a poll through NVML may cost, and so how often it asks for energy.
///
/// # Errors
/// As [`open`].
pub fn open_with(choice: &MeterChoice, effort: Effort) -> Result<Box<dyn Meter>, Fault> {
    let unavailable = |error: MeterError| Fault::Unavailable(error.to_string());
    let meter: Box<dyn Meter> = match &choice.source {
        MeterSource::Synthetic => Box::new(SyntheticMeter::pair()),
        MeterSource::Nvml => {
            let mut meter = NvmlMeter::open(choice.nvml_library.as_deref()).map_err(unavailable)?;
            meter.set_effort(effort);
            Box::new(meter)
        }
        MeterSource::Dcgm(url) => Box::new(DcgmMeter::open(url).map_err(unavailable)?),
    };
    only(meter, &choice.devices)
}

/// The meter, or only these devices of it where any are named.
///
/// # Errors
/// [`Fault::Usage`] if there is no such device.
pub fn only(meter: Box<dyn Meter>, indices: &[u32]) -> Result<Box<dyn Meter>, Fault> {
    if indices.is_empty() {
        return Ok(meter);
    }
    Ok(Box::new(Chosen::of(meter, indices)?))
}

/// Some devices of a meter.
///
/// All of them are read: NVML's cost is per call and device, but a source in one piece, such as an exporter's page, has no other way.
pub struct Chosen {
    meter: Box<dyn Meter>,
    /// Their positions among the meter's devices, ascending.
    positions: Vec<usize>,
    devices: Vec<DeviceFacts>,
    all: Vec<Reading>,
}

impl Chosen {
    /// The devices of `meter` with these indices, in the order of the meter.
    ///
    /// # Errors
    /// [`Fault::Usage`] if there is no such device.
    pub fn of(meter: Box<dyn Meter>, indices: &[u32]) -> Result<Self, Fault> {
        let present: Vec<u32> = meter.devices().iter().map(|device| device.index).collect();
        if let Some(absent) = indices.iter().find(|index| !present.contains(index)) {
            let list: Vec<String> = present.iter().map(u32::to_string).collect();
            return Err(Fault::Usage(format!(
                "--devices: {} has no device {absent}; it has {}",
                meter.source(),
                list.join(",")
            )));
        }
        let positions: Vec<usize> = (0..present.len()).filter(|at| indices.contains(&present[*at])).collect();
        let devices = positions.iter().map(|at| meter.devices()[*at].clone()).collect();
        Ok(Self { meter, positions, devices, all: Vec::new() })
    }
}

impl Meter for Chosen {
    fn source(&self) -> String {
        self.meter.source()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.devices
    }

    fn ask_for_everything(&mut self, everything: bool) {
        self.meter.ask_for_everything(everything);
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        self.meter.read(&mut self.all)?;
        out.clear();
        out.extend(self.positions.iter().filter_map(|at| self.all.get(*at)).cloned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_devices_asked_for_are_given() {
        let mut chosen = Chosen::of(Box::new(SyntheticMeter::pair()), &[1]).unwrap();
        let mut out = vec![Reading::default(); 3];
        chosen.read(&mut out).unwrap();
        assert_eq!(out.iter().map(|reading| reading.device).collect::<Vec<_>>(), [1]);
        assert_eq!(chosen.devices().len(), 1);
    }

    #[test]
    fn a_device_that_is_not_there_is_refused() {
        let fault = Chosen::of(Box::new(SyntheticMeter::pair()), &[0, 7]).err().unwrap().to_string();
        assert!(fault.contains("no device 7; it has 0,1"), "{fault}");
    }
}
