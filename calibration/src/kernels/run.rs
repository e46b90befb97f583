//! One call for any file that this module understands.

use std::fmt::{Display, Formatter};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use isotherm_core::hardware::DeviceProfile;
use serde::Serialize;

use super::{KernelReport, PhaseReport, check_kernels, check_phases, read_kernels, read_phases};

/// What a check found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Of a table of kernels.
    Kernels(KernelReport),
    /// Of the phases of a recording.
    Phases(PhaseReport),
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernels(report) => report.fmt(f),
            Self::Phases(report) => report.fmt(f),
        }
    }
}

/// What a file holds, as far as this module understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A table of kernels, plain or gzip.
    Kernels,
    /// Phases of a recording.
    Phases,
}

/// Says what a file holds, by its first line and not by its name; nothing where it is neither. A table of kernels is known by
/// `num_experts` or `moe_dtype` in its header, phases by being a JSON object.
///
/// # Errors
/// What the system says where the file cannot be read.
pub fn recognise(path: &Path) -> std::io::Result<Option<FileKind>> {
    let mut start = Vec::new();
    File::open(path)?.take(1 << 16).read_to_end(&mut start)?;
    if start.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        // The packed text ends in the middle: what came out before that is enough.
        let _ = flate2::read::GzDecoder::new(start.as_slice()).take(4096).read_to_end(&mut plain);
        start = plain;
    }
    let text = String::from_utf8_lossy(&start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    // An answer of Prometheus is a recording.
    if text.starts_with('{') && !text.contains("\"resultType\"") {
        return Ok(Some(FileKind::Phases));
    }
    let header = text.lines().next().unwrap_or("");
    let kernels = header.split(',').any(|column| matches!(column.trim(), "num_experts" | "moe_dtype"));
    Ok(kernels.then_some(FileKind::Kernels))
}

/// Compares a profile with a table of kernels or with the phases of a recording, whichever the file holds.
///
/// # Errors
/// A sentence that names the file and what is wrong with it, or what the profile lacks.
pub fn run(profile: &DeviceProfile, path: &Path) -> Result<Report, String> {
    match recognise(path).map_err(|fault| format!("{}: {fault}", path.display()))? {
        Some(FileKind::Kernels) => {
            let table = read_kernels(path).map_err(|fault| fault.to_string())?;
            check_kernels(profile, &table).map(Report::Kernels)
        }
        Some(FileKind::Phases) => {
            let phases = read_phases(path).map_err(|fault| fault.to_string())?;
            check_phases(profile, &phases).map(Report::Phases)
        }
        None => Err(format!(
            "{}: neither a table of kernels (CSV with the columns moe_dtype, num_experts, num_tokens, latency, ...) nor the \
             phases of a recording (a JSON object with `phases` or `moe`)",
            path.display()
        )),
    }
}
