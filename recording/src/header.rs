//! What stands at the head of every recording: where the rows come from and what they are worth.

use serde::{Deserialize, Serialize};

use crate::device::DeviceFacts;
use crate::meter::unix_nanos;
use crate::signal::Signal;

/// What [`Header::format`] says in every file.
pub const FORMAT: &str = "isotherm-recording";
/// The version of the format that this crate writes.
pub const VERSION: u32 = 1;

/// The header of a recording, and of every segment of one that was rotated.
///
/// In CSV it is the first line, `# ` and the header as JSON; in Parquet the value of the key `isotherm-recording`.
///
/// ```
/// use isotherm_recording::{DeviceFacts, Header};
/// let header = Header::new("nvml", 50.0, &[DeviceFacts { name: "NVIDIA H200".to_owned(), ..DeviceFacts::default() }]);
/// let line = header.to_line();
/// assert!(line.starts_with("# {\"format\":\"isotherm-recording\",\"version\":1,"));
/// assert_eq!(Header::from_line(&line), Some(Ok(header)));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`FORMAT`].
    pub format: String,
    /// [`VERSION`] of the format.
    pub version: u32,
    /// What wrote the file, with its version.
    pub tool: String,
    /// What was read: the meter's name.
    pub source: String,
    /// When the recording was started (ns, Unix time); the same in all segments.
    pub started: i64,
    /// Time between two polls that was asked for (ms).
    pub period_ms: f64,
    /// Which segment of the recording this file is, from 1.
    #[serde(default = "first")]
    pub segment: u32,
    /// The devices, with what is known of their signals.
    #[serde(default)]
    pub devices: Vec<DeviceFacts>,
}

const fn first() -> u32 {
    1
}

impl Header {
    /// The header of a recording that starts now.
    #[must_use]
    pub fn new(source: impl Into<String>, period_ms: f64, devices: &[DeviceFacts]) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            tool: concat!("isotherm ", env!("CARGO_PKG_VERSION")).to_owned(),
            source: source.into(),
            started: unix_nanos(),
            period_ms,
            segment: first(),
            devices: devices.to_vec(),
        }
    }

    /// The signals that any device may give, in the order of [`Signal::ALL`]: those with facts, or all that are not known to be
    /// missing where nothing was measured at the start.
    #[must_use]
    pub fn signals(&self) -> Vec<Signal> {
        let gives = |device: &DeviceFacts, signal: &Signal| {
            device.signals.contains_key(signal) || (device.signals.is_empty() && !device.missing.contains_key(signal))
        };
        Signal::ALL.into_iter().filter(|signal| self.devices.iter().any(|device| gives(device, signal))).collect()
    }

    /// As the first line of a CSV file, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        format!("# {}", self.to_json())
    }

    /// As JSON on one line.
    pub(crate) fn to_json(&self) -> String {
        // Texts, numbers and maps with plain keys: nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The header that a first line holds; `None` where the line is none.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without the file's name.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Result<Self, String>> {
        let json = line.strip_prefix('#')?.trim();
        json.starts_with('{').then(|| Self::from_json(json))
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, String> {
        let header: Self =
            serde_json::from_str(json).map_err(|fault| format!("the header cannot be read ({fault})"))?;
        if header.format != FORMAT {
            return Err(format!("the header says `{}` and not `{FORMAT}`", header.format));
        }
        if header.version > VERSION {
            return Err(format!("the format has version {}, and this isotherm knows {VERSION}", header.version));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::SignalFacts;
    use crate::reading::Missing;

    #[test]
    fn the_signals_are_those_that_any_device_gives() {
        let mut one = DeviceFacts::default();
        one.signals.insert(Signal::Temperature, SignalFacts::default());
        let mut other = DeviceFacts::default();
        other.signals.insert(Signal::Energy, SignalFacts::default());
        assert_eq!(Header::new("a", 50.0, &[one, other]).signals(), [Signal::Energy, Signal::Temperature]);
        let mut unknown = DeviceFacts::default();
        unknown.missing.insert(Signal::Margin, Missing::Failed(3));
        let header = Header::new("a", 50.0, &[unknown]);
        assert_eq!(header.signals().len(), Signal::COUNT - 1, "nothing is left out that was not asked for");
        assert_eq!(Header::from_line(&header.to_line()), Some(Ok(header)));
    }

    #[test]
    fn a_header_that_cannot_be_read_says_why() {
        assert_eq!(Header::from_line("t_s,gpu"), None);
        assert_eq!(Header::from_line("# gpu   pwr"), None);
        let newer = Header { version: 2, ..Header::new("a", 50.0, &[]) }.to_line();
        let other = Header { format: "x".to_owned(), ..Header::new("a", 50.0, &[]) }.to_line();
        for (line, part) in [("# {", "cannot be read"), (&newer, "version 2"), (&other, "says `x`")] {
            let fault = Header::from_line(line).unwrap().unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
    }
}
