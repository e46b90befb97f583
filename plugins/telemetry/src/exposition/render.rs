//! Readings as Prometheus text, format 0.0.4.

use std::fmt::Write;

use isotherm_recording::dcgm::{FACTS, FIELDS, Field, Kind};
use isotherm_recording::{DeviceFacts, Reading, Standing};

/// The page of an exporter that reads these devices: [`Labels::render`] without further labels.
///
/// ```
/// use isotherm_recording::{DeviceFacts, Entry, Reading, Signal};
/// use isotherm_telemetry::exposition::render;
///
/// let device = DeviceFacts { name: "NVIDIA H200".to_owned(), ..DeviceFacts::default() };
/// let mut reading = Reading::default();
/// reading.set(Signal::Power, Entry::Value { value: 694_123, changed: 0 });
/// let page = render(&[device], &[reading]);
/// assert!(page.starts_with("# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).\n"));
/// assert!(page.ends_with("\nDCGM_FI_DEV_POWER_USAGE{gpu=\"0\",device=\"nvidia0\",modelName=\"NVIDIA H200\"} 694.123000\n"));
/// ```
#[must_use]
pub fn render(devices: &[DeviceFacts], readings: &[Reading]) -> String {
    Labels::default().render(devices, readings)
}

/// Labels that all rows of a page have, beside those of their device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Name of the machine, label `Hostname`.
    pub hostname: Option<String>,
    /// Further ones, name and value, in this order. Names are of letters, digits and underscores.
    pub more: Vec<(String, String)>,
}

impl Labels {
    /// The name of this machine.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let hostname = gethostname::gethostname().into_string().ok().filter(|name| !name.is_empty());
        Self { hostname, more: Vec::new() }
    }

    /// Labels that say that nothing was measured, so that nobody takes a model's watts for a device's: `isotherm="simulated"`.
    #[must_use]
    pub fn simulated(hostname: impl Into<String>) -> Self {
        Self { hostname: Some(hostname.into()), more: vec![("isotherm".to_owned(), "simulated".to_owned())] }
    }

    /// The page: one group of rows a signal, devices in the order of `devices`, each with the reading of its index.
    ///
    /// Values are in the exporter's units (watts with six digits, else whole numbers). What is missing has no row, and a device that is lost has none at all.
    /// DCGM has no word for the power of memory or module: such readings are not shown.
    #[must_use]
    pub fn render(&self, devices: &[DeviceFacts], readings: &[Reading]) -> String {
        let shown: Vec<(String, &DeviceFacts, &Reading)> = devices
            .iter()
            .filter_map(|facts| {
                let reading = readings.iter().find(|reading| reading.device == facts.index)?;
                (reading.standing != Standing::Lost).then(|| (self.of_device(facts), facts, reading))
            })
            .collect();
        let mut page = String::new();
        for field in &FIELDS {
            let rows = shown.iter().filter_map(|(labels, _, reading)| {
                reading.value(field.signal).map(|value| (labels, written(field, value)))
            });
            group(&mut page, field.name, field.help, field.kind, rows);
        }
        for fact in FACTS {
            let rows = shown
                .iter()
                .filter_map(|(labels, facts, _)| (fact.get)(facts).map(|value| (labels, value.to_string())));
            group(&mut page, fact.name, fact.help, Kind::Gauge, rows);
        }
        page
    }

    /// The labels of a device's rows, as they stand between the braces.
    fn of_device(&self, facts: &DeviceFacts) -> String {
        let index = facts.index.to_string();
        let device = format!("nvidia{index}");
        let own = [
            ("gpu", Some(index.as_str())),
            ("UUID", facts.uuid.as_deref()),
            ("device", Some(device.as_str())),
            ("modelName", Some(facts.name.as_str())),
            ("Hostname", self.hostname.as_deref()),
            ("DCGM_FI_DRIVER_VERSION", facts.driver.as_deref()),
        ];
        let own = own.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let more = self.more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<String> =
            own.chain(more).map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        pairs.join(",")
    }
}

/// One metric with its rows; nothing if it has none.
fn group<'a>(page: &mut String, name: &str, help: &str, kind: Kind, rows: impl Iterator<Item = (&'a String, String)>) {
    let mut rows = rows.peekable();
    if rows.peek().is_some() {
        // Writing into a `String` cannot fail.
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
    }
    for (labels, value) in rows {
        let _ = writeln!(page, "{name}{{{labels}}} {value}");
    }
}

/// A value in the unit of its field, as the exporter writes it.
fn written(field: &Field, value: i64) -> String {
    if field.scale == 1 {
        return value.to_string();
    }
    let (size, scale) = (value.unsigned_abs(), field.scale.unsigned_abs());
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", size / scale, size % scale * (1_000_000 / scale))
}

/// A label's value with the three escapes of the format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
