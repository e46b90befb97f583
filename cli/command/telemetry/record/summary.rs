//! What a recording says at its end.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::polling::Polling;
use crate::fault::Fault;
use crate::telemetry::{DeviceAccount, GAP_MS};
use isotherm_report::number::with_unit;

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    files: Vec<PathBuf>,
    bytes: u64,
    interrupted: bool,
    seconds: f64,
    rate_hz: f64,
    rows: u64,
    /// Deadlines there were, and those at which nothing was read.
    polls_due: u64,
    polls_dropped: u64,
    polls_failed: u64,
    polls_unwritten: u64,
    /// Processor time over time and devices (% of one core).
    processor_percent_per_gpu: Option<f64>,
    devices: Vec<DeviceAccount>,
}

impl Summary {
    pub(super) fn of(polling: &Polling, files: Vec<PathBuf>, unwritten: u64, interrupted: bool) -> Self {
        let seconds = polling.took.as_secs_f64();
        let devices = polling.account.devices();
        let share = |time: std::time::Duration| 100.0 * time.as_secs_f64() / seconds / devices.len().max(1) as f64;
        Self {
            bytes: files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|data| data.len()).sum(),
            files,
            interrupted,
            seconds,
            rate_hz: polling.rate(),
            rows: polling.account.rows(),
            polls_due: polling.due(),
            polls_dropped: polling.pace.dropped(),
            polls_failed: polling.account.failed_polls(),
            polls_unwritten: unwritten,
            processor_percent_per_gpu: polling.processor.filter(|_| seconds > 0.0).map(share),
            devices,
        }
    }

    pub(super) fn as_json(&self) -> Result<String, Fault> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Fault::Internal(error.to_string()))?;
        Ok(text + "\n")
    }

    pub(super) fn as_text(&self) -> String {
        let mut text = String::new();
        let ending = if self.interrupted { ", interrupted; the files are complete up to then" } else { "" };
        let _ = writeln!(text, "{:.1} s at {} Hz, {} rows{ending}", self.seconds, self.rate_hz, self.rows);
        for file in self.files.iter().take(FILES_SHOWN) {
            let _ = writeln!(text, "  {}", file.display());
        }
        if self.files.len() > FILES_SHOWN {
            let _ = writeln!(text, "  and {} more", self.files.len() - FILES_SHOWN);
        }
        let lost = self.polls_dropped + self.polls_failed + self.polls_unwritten;
        let _ = writeln!(
            text,
            "lost polls: {lost} of {} ({} too late, {} without an answer, {} that the disk was too slow for)",
            self.polls_due, self.polls_dropped, self.polls_failed, self.polls_unwritten
        );
        if let Some(percent) = self.processor_percent_per_gpu {
            let _ = writeln!(text, "processor: {percent:.2} % of one core a GPU");
        }
        self.devices.iter().for_each(|device| device_lines(&mut text, device));
        text
    }
}

/// Rotation can leave hundreds.
const FILES_SHOWN: usize = 8;

fn device_lines(text: &mut String, device: &DeviceAccount) {
    let _ = write!(
        text,
        "GPU {}: largest gap {:.0} ms, {} over {GAP_MS} ms; a poll takes {:.1} ms, {:.1} ms at most",
        device.device, device.largest_gap_ms, device.gaps, device.call_ms, device.longest_call_ms
    );
    let events = [
        (device.losses as u64, "times lost"),
        (device.lost_rows, "polls while lost"),
        (device.resets as u64, "resets"),
        (device.failed_entries, "failed values"),
    ];
    for (number, what) in events.into_iter().filter(|(number, _)| *number > 0) {
        let _ = write!(text, "; {number} {what}");
    }
    text.push('\n');
    let energy = &device.energy;
    if energy.counter_j > 0.0 && energy.integrated_j > 0.0 {
        let _ = writeln!(
            text,
            "  energy: {} by the counter, {} by integrated power; {}",
            with_unit(energy.counter_j, None, "J"),
            with_unit(energy.integrated_j, None, "J"),
            match energy.steady_windows {
                0 => "no 5 s of steady load to compare them on".to_owned(),
                1 => format!("{:+.1} % apart in the one window of 5 s on steady load", 100.0 * energy.worst),
                windows => {
                    format!("{:+.1} % apart at most in {windows} windows of 5 s on steady load", 100.0 * energy.worst)
                }
            }
        );
    }
    if energy.mismatched_windows > 0 {
        let _ = writeln!(
            text,
            "  energy mismatch: in {} of {} windows power and counter differ by more than 3 %, by {:+.1} % at worst (the window that began at {:.1} s Unix time)",
            energy.mismatched_windows,
            energy.steady_windows,
            100.0 * energy.worst,
            energy.worst_at as f64 / 1e9
        );
    }
}
