//! The command line of `isotherm telemetry`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use isotherm_core::time::SimDuration;

use super::Libraries;

/// What to do with the telemetry of real GPUs.
#[derive(Debug, Subcommand)]
pub enum Telemetry {
    /// The devices of a source, their limits, and what each of their signals is worth
    Devices(TelemetryDevices),
    /// Poll at a fixed rate into a file that survives being killed
    Record(TelemetryRecord),
    /// A dashboard in the terminal
    Watch(TelemetryWatch),
    /// Offer the devices to Prometheus, under the names of NVIDIA's DCGM exporter
    Export(TelemetryExport),
}

/// What is read.
#[derive(Clone, Debug, Args)]
pub struct MeterChoice {
    /// nvml, dcgm=URL of an exporter, or synthetic: two simulated GPUs, to try things without hardware
    #[arg(long, value_name = "SOURCE", default_value = "nvml")]
    pub source: MeterSource,
    /// NVML library to load [default: $ISOTHERM_NVML_LIBRARY, else the driver's]
    #[arg(long, value_name = "FILE")]
    pub nvml_library: Option<PathBuf>,
    /// Only these devices, by their index, for example 0,1
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub devices: Vec<u32>,
}

/// Where readings come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeterSource {
    /// The driver of this machine.
    Nvml,
    /// An exporter of DCGM metrics, by its address.
    Dcgm(String),
    /// Simulated devices.
    Synthetic,
}

impl FromStr for MeterSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "nvml" => Ok(Self::Nvml),
            None if text == "synthetic" => Ok(Self::Synthetic),
            Some(("dcgm", url)) if !url.is_empty() => Ok(Self::Dcgm(url.to_owned())),
            _ => Err("expected nvml, synthetic or dcgm=URL, for example dcgm=http://127.0.0.1:9400/metrics".to_owned()),
        }
    }
}

/// Options of `telemetry devices`.
#[derive(Debug, Args)]
pub struct TelemetryDevices {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub meter: MeterChoice,
    /// Do not measure how often signals are refreshed, which takes two seconds
    #[arg(long)]
    pub quick: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `telemetry record`.
#[derive(Debug, Args)]
pub struct TelemetryRecord {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub meter: MeterChoice,
    /// File to write; with --rotate a number is put before its ending [default: recording, with the ending of the format]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Polls a second
    #[arg(long, value_name = "HZ", default_value_t = 20.0, value_parser = rate)]
    pub rate: f64,
    /// How long, for example 90s, 5min or 2h [default: until Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<SimDuration>,
    /// Begin a new file after a time or a size, for example 10min or 100MB
    #[arg(long, value_name = "TIME|SIZE")]
    pub rotate: Option<Rotation>,
    /// Read the energy counter at every poll and not every two seconds: for recordings that a profile is fitted to. Through NVML that takes
    /// about a tenth of a core a GPU at 20 Hz
    #[arg(long)]
    pub energy: bool,
    /// Format [default: by the ending of the file, else csv]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<RecordFormat>,
    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
    /// Do not measure how often signals are refreshed, which takes two seconds
    #[arg(long)]
    pub quick: bool,
    /// Print the summary as JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Formats of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// Text, a row a poll and device.
    #[value(name = "csv")]
    Csv,
    /// The same, compressed.
    #[value(name = "csv.gz")]
    CsvGz,
    /// Columns, compressed.
    #[value(name = "parquet")]
    Parquet,
}

impl RecordFormat {
    /// The ending of its files, without the dot.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
            Self::Parquet => "parquet",
        }
    }
}

/// When a recording begins a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// After this time.
    Every(SimDuration),
    /// After so many bytes.
    Bytes(u64),
}

impl FromStr for Rotation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const SIZES: [(&str, u64); 4] = [("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1)];
        for (unit, bytes) in SIZES {
            let Some(number) = text.strip_suffix(unit) else { continue };
            let bytes = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(bytes));
            return match bytes {
                Some(bytes) if bytes >= 10_000 => Ok(Self::Bytes(bytes)),
                _ => Err("expected a size of 10 kB or more, for example 100MB".to_owned()),
            };
        }
        match text.parse::<SimDuration>() {
            Ok(every) if every >= SimDuration::from_millis(1000) => Ok(Self::Every(every)),
            _ => Err("expected a time of 1 s or more or a size, for example 10min or 100MB".to_owned()),
        }
    }
}

/// Options of `telemetry watch`.
#[derive(Debug, Args)]
pub struct TelemetryWatch {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub meter: MeterChoice,
    /// Polls a second
    #[arg(long, value_name = "HZ", default_value_t = 10.0, value_parser = rate)]
    pub rate: f64,
    /// Print one frame as plain text and end
    #[arg(long)]
    pub once: bool,
}

/// Options of `telemetry export`.
#[derive(Debug, Args)]
pub struct TelemetryExport {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub meter: MeterChoice,
    /// Play the simulated devices of this scenario's first run at the speed of the wall clock instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "nvml_library"])]
    pub scenario: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9400")]
    pub listen: std::net::SocketAddr,
    /// Polls a second
    #[arg(long, value_name = "HZ", default_value_t = 10.0, value_parser = rate)]
    pub rate: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0.001 to 1000, for example 20".to_owned()),
    }
}

fn duration(text: &str) -> Result<SimDuration, String> {
    let duration = text.parse::<SimDuration>()?;
    if duration.is_zero() { Err("expected more than nothing, for example 5min".to_owned()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_or_refused() {
        assert_eq!("nvml".parse(), Ok(MeterSource::Nvml));
        assert_eq!("dcgm=http://a:1/b?c=d".parse(), Ok(MeterSource::Dcgm("http://a:1/b?c=d".to_owned())));
        for text in ["", "dcgm", "dcgm=", "NVML", "nvml=0"] {
            assert!(text.parse::<MeterSource>().unwrap_err().contains("dcgm=http"), "{text}");
        }
    }

    #[test]
    fn rotations_are_times_or_sizes() {
        assert_eq!("10min".parse(), Ok(Rotation::Every(SimDuration::from_millis(600_000))));
        assert_eq!("100MB".parse(), Ok(Rotation::Bytes(100_000_000)));
        for text in ["", "10", "1kB", "10ms", "-1 s", "99999999999999GB"] {
            assert!(text.parse::<Rotation>().is_err(), "{text}");
        }
    }
}
