//! Which devices play a scenario's GPUs, and which of their powers counts.

use std::fmt;

use isotherm_core::telemetry::TelemetryError;
use serde::{Deserialize, Serialize};

use crate::device::DeviceFacts;
use crate::signal::Signal;

/// The options that all live sources share.
///
/// ```
/// use isotherm_recording::choice::{Choice, DeviceName};
/// use isotherm_recording::DeviceFacts;
/// let found = [0, 1].map(|index| DeviceFacts { index, name: "NVIDIA H200".into(), ..DeviceFacts::default() });
/// let choice = Choice { devices: vec![DeviceName::Index(1)], ..Choice::default() };
/// assert_eq!(choice.places(&found, 1).unwrap(), [1]);
/// let message = Choice::default().places(&found, 4).unwrap_err().to_string();
/// assert!(message.starts_with("`devices`: 2 found for 4 GPUs (0: NVIDIA H200, 1: NVIDIA H200)"), "{message}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// The devices that play the GPUs, in order; empty for the first that are found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceName>,
    /// Which power is a sample's.
    pub power: PowerSource,
}

/// A device, as its driver counts it or by its UUID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DeviceName {
    /// Index.
    Index(u32),
    /// UUID, whole.
    Uuid(String),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(formatter, "{index}"),
            Self::Uuid(uuid) => write!(formatter, "\"{uuid}\""),
        }
    }
}

/// Which power of a device counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerSource {
    /// The mean of the last second, else the power that drivers show, which is that mean on most devices.
    #[default]
    Mean,
    /// The short window at the last refresh. It aliases with loads that repeat at about its 100 ms.
    Instant,
    /// The energy counter's rise over about a second: the best mean there is.
    Energy,
}

impl PowerSource {
    /// The signals it comes from; the first that gives a value counts.
    #[must_use]
    pub const fn signals(self) -> &'static [Signal] {
        match self {
            Self::Mean => &[Signal::PowerMean, Signal::Power],
            Self::Instant => &[Signal::PowerInstant],
            Self::Energy => &[Signal::Energy],
        }
    }
}

impl Choice {
    /// Places in `found` of the devices that play `gpus` GPUs, in order.
    ///
    /// # Errors
    /// [`TelemetryError::Option`] on `devices` if there are too few, too many are named, or one is named that is not there or twice.
    pub fn places(&self, found: &[DeviceFacts], gpus: usize) -> Result<Vec<usize>, TelemetryError> {
        let all = || list(found);
        if self.devices.is_empty() {
            if found.len() < gpus {
                let expected = "expected one device a GPU: a scenario of fewer GPUs, or a machine with more";
                return Err(devices_fault(format!("{} found for {gpus} GPUs ({}); {expected}", found.len(), all())));
            }
            return Ok((0..gpus).collect());
        }
        if self.devices.len() != gpus {
            let named = self.devices.len();
            return Err(devices_fault(format!(
                "{named} named for {gpus} GPUs; expected one device a GPU, for example devices = {:?}",
                (0..gpus).collect::<Vec<_>>()
            )));
        }
        let mut places = Vec::with_capacity(gpus);
        for name in &self.devices {
            let is_named = |device: &DeviceFacts| match name {
                DeviceName::Index(index) => device.index == *index,
                DeviceName::Uuid(uuid) => device.uuid.as_ref() == Some(uuid),
            };
            let Some(place) = found.iter().position(is_named) else {
                let message = format!("there is no device {name}; found are {}", all());
                return Err(devices_fault(message));
            };
            if places.contains(&place) {
                return Err(devices_fault(format!("names device {name} twice; expected every device once")));
            }
            places.push(place);
        }
        Ok(places)
    }

    /// Refuses a device that is known not to give the power asked for.
    ///
    /// # Errors
    /// [`TelemetryError::Option`] on `power`.
    pub fn check_power(&self, device: &DeviceFacts) -> Result<(), TelemetryError> {
        use crate::reading::Missing::{NoPermission, NotAsked, Unsupported};
        let is_refused =
            |signal: &Signal| matches!(device.missing.get(signal), Some(NotAsked | Unsupported | NoPermission));
        if !self.power.signals().iter().all(is_refused) {
            return Ok(());
        }
        let others = [PowerSource::Mean, PowerSource::Instant, PowerSource::Energy].into_iter();
        let other = others.filter(|other| !other.signals().iter().all(is_refused)).map(PowerSource::word).next();
        let expected = other
            .map_or_else(String::new, |other| format!("; expected one that it gives, for example power = \"{other}\""));
        let (index, name, word) = (device.index, &device.name, self.power.word());
        let message = format!("device {index} ({name}) does not give \"{word}\"{expected}");
        Err(TelemetryError::Option { option: "power", message })
    }
}

impl PowerSource {
    const fn word(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Instant => "instant",
            Self::Energy => "energy",
        }
    }
}

fn devices_fault(message: String) -> TelemetryError {
    TelemetryError::Option { option: "devices", message }
}

fn list(found: &[DeviceFacts]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    found.iter().map(|device| format!("{}: {}", device.index, device.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Missing;

    fn device(index: u32) -> DeviceFacts {
        DeviceFacts { index, name: "H200".to_owned(), uuid: Some(format!("GPU-{index}")), ..DeviceFacts::default() }
    }

    fn choose(devices: &[&str]) -> Choice {
        let devices = devices.iter().map(|name| match name.parse() {
            Ok(index) => DeviceName::Index(index),
            Err(_) => DeviceName::Uuid((*name).to_owned()),
        });
        Choice { devices: devices.collect(), ..Choice::default() }
    }

    #[test]
    fn devices_are_named_by_index_or_uuid_and_play_in_that_order() {
        let found = [device(3), device(5), device(7)];
        assert_eq!(choose(&["7", "GPU-3"]).places(&found, 2).unwrap(), [2, 0]);
        assert_eq!(choose(&[]).places(&found, 2).unwrap(), [0, 1]);
    }

    #[test]
    fn faults_say_what_was_found_and_expected() {
        let found = [device(0), device(1)];
        let cases = [
            (
                choose(&[]),
                3,
                "`devices`: 2 found for 3 GPUs (0: H200, 1: H200); expected one device a GPU: a scenario of ",
            ),
            (
                choose(&["0"]),
                2,
                "`devices`: 1 named for 2 GPUs; expected one device a GPU, for example devices = [0, 1]",
            ),
            (choose(&["2"]), 1, "`devices`: there is no device 2; found are 0: H200, 1: H200"),
            (choose(&["GPU-9"]), 1, "`devices`: there is no device \"GPU-9\"; found are 0: H200, 1: H200"),
            (choose(&["1", "GPU-1"]), 2, "`devices`: names device \"GPU-1\" twice; expected every device once"),
        ];
        for (choice, gpus, expected) in cases {
            let message = choice.places(&found, gpus).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        let message = choose(&[]).places(&[], 1).unwrap_err().to_string();
        assert!(message.starts_with("`devices`: 0 found for 1 GPUs (none); "), "{message}");
    }

    #[test]
    fn a_power_that_a_device_does_not_give_is_refused() {
        let mut bare = device(0);
        bare.missing = [Signal::PowerMean, Signal::PowerInstant].map(|signal| (signal, Missing::Unsupported)).into();
        let of = |power| Choice { power, ..Choice::default() }.check_power(&bare).map_err(|error| error.to_string());
        assert_eq!(of(PowerSource::Mean), Ok(()), "the driver's power stands in for the mean");
        assert_eq!(
            of(PowerSource::Instant).unwrap_err(),
            "`power`: device 0 (H200) does not give \"instant\"; expected one that it gives, for example power = \"mean\""
        );
        let mut lost = device(0);
        lost.missing = Signal::ALL.map(|signal| (signal, Missing::Lost)).into();
        assert_eq!(Choice::default().check_power(&lost), Ok(()), "it may come back");
    }
}
