//! Recordings as calibration wants them: seconds, watts, joules, and the phases of the load beside them.

use isotherm_core::input::InputError;
use isotherm_recording::{Signal, file};
use serde::Deserialize;

/// One recorded file.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The path as it was given.
    pub file: String,
    /// Time of the first row, on the recorder's clock (s).
    pub origin: f64,
    /// The GPUs by ascending index.
    pub tracks: Vec<Track>,
    /// Phases of the load from the JSON file beside it, where there is one.
    pub phases: Vec<Phase>,
    /// What was ignored, missing or mended, as sentences.
    pub notes: Vec<String>,
}

/// The rows of one GPU as columns of equal length; NaN stands for a cell without a reading, an empty column for none.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Index of the GPU.
    pub gpu: u32,
    /// Time since the first row of the file, never decreasing (s).
    pub time: Vec<f64>,
    /// Total energy counter (J).
    pub energy: Vec<f64>,
    /// Power, mean of the last second (W).
    pub power: Vec<f64>,
    /// Power of the memory, mean of the last second (W).
    pub memory_power: Vec<f64>,
    /// Temperature of the GPU (degC).
    pub gpu_celsius: Vec<f64>,
    /// Temperature of the memory (degC).
    pub hbm_celsius: Vec<f64>,
    /// Share of time in which memory was read or written (0 to 1).
    pub memory_use: Vec<f64>,
    /// Clock of the multiprocessors (MHz).
    pub sm_mhz: Vec<f64>,
    /// Clocks-event bit mask.
    pub reasons: Vec<f64>,
}

/// One phase of the load, as the recorder noted it.
#[derive(Clone, Debug, Deserialize)]
pub struct Phase {
    /// Name.
    pub name: String,
    /// Start: on the recorder's clock in the file, since the first row once read (s).
    pub t0: f64,
    /// End, like the start (s).
    pub t1: f64,
    /// Share of time with load, one number for each GPU.
    #[serde(default)]
    pub duty: Vec<f64>,
}

impl Recording {
    /// Reads a recording of any format that `isotherm-recording` knows and, where there is one, the JSON file of the same name
    /// beside it.
    ///
    /// # Errors
    /// [`InputError`] with the line where there is one: no such file, no time, no temperature, no power, a time that goes back.
    pub fn open(file: &str) -> Result<Self, InputError> {
        let mut recording = Self::of(&file::Recording::open(file)?)?;
        recording.read_phases()?;
        Ok(recording)
    }

    /// A recording from text; `file` is for messages.
    ///
    /// ```
    /// use isotherm_calibration::recording::Recording;
    /// let text = "t_s,gpu,energy_mj,temp_c,fan\n10.0,0,1000,41,3\n10.1,0,13500,41,3\n";
    /// let recording = Recording::parse("r.csv", text).unwrap();
    /// assert_eq!(recording.tracks[0].energy, [1.0, 13.5]);
    /// assert!(recording.notes[0].contains("column `fan` is not known"), "{:?}", recording.notes);
    /// ```
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn parse(file: &str, text: &str) -> Result<Self, InputError> {
        Self::of(&file::Recording::parse(file, text)?)
    }

    /// Whether a file looks like a recording, by its beginning.
    ///
    /// # Errors
    /// [`InputError`] if it cannot be read, is damaged, or is not text.
    pub fn recognises(file: &str) -> Result<bool, InputError> {
        file::Recording::format_of(file).map(|format| format.is_some())
    }

    fn of(recording: &file::Recording) -> Result<Self, InputError> {
        recording.require(&[Signal::Temperature])?;
        recording.require(&[Signal::Energy, Signal::Power, Signal::PowerMean])?;
        let origin = recording.origin();
        Ok(Self {
            file: recording.file.clone(),
            origin: origin as f64 / 1e9,
            tracks: recording.tracks.iter().map(|track| Track::of(track, origin)).collect(),
            phases: Vec::new(),
            notes: recording.notes.clone(),
        })
    }

    fn read_phases(&mut self) -> Result<(), InputError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            phases: Vec<Phase>,
        }
        let stem = self.file.strip_suffix(".gz").unwrap_or(&self.file);
        let Some(stem) = stem.strip_suffix(".csv").or(stem.strip_suffix(".parquet")) else { return Ok(()) };
        let beside = format!("{stem}.json");
        let Ok(text) = std::fs::read_to_string(&beside) else { return Ok(()) };
        match serde_json::from_str::<File>(&text) {
            Ok(file) => {
                let origin = self.origin;
                self.phases = file.phases;
                for phase in &mut self.phases {
                    phase.t0 -= origin;
                    phase.t1 -= origin;
                }
                Ok(())
            }
            Err(fault) => Err(InputError::new(
                &beside,
                format!("is not the JSON of a recording ({fault})"),
                "expected {\"phases\": [{\"name\": \"gemm\", \"t0\": 10.0, \"t1\": 40.0, \"duty\": [1.0]}]}; \
                 correct it, or move it away and the phases are found in the data",
            )
            .at_line(fault.line() as u64)),
        }
    }
}

impl Track {
    fn of(track: &file::Track, origin: i64) -> Self {
        let column = |signal: Signal, factor: f64| -> Vec<f64> {
            track.column(signal).unwrap_or_default().iter().map(|value| value * factor).collect()
        };
        // Both are the mean of the last second; the first that is there will do.
        let power = if track.column(Signal::Power).is_some() { Signal::Power } else { Signal::PowerMean };
        Self {
            gpu: track.gpu,
            time: track.times.iter().map(|time| time.saturating_sub(origin) as f64 / 1e9).collect(),
            energy: column(Signal::Energy, 1e-3),
            power: column(power, 1e-3),
            memory_power: column(Signal::MemoryPowerMean, 1e-3),
            gpu_celsius: column(Signal::Temperature, 1.0),
            hbm_celsius: column(Signal::MemoryTemperature, 1.0),
            memory_use: column(Signal::MemoryUtilisation, 1e-2),
            sm_mhz: column(Signal::SmClock, 1.0),
            reasons: column(Signal::Reasons, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn what_a_thermal_model_cannot_do_without_is_asked_for() {
        let cases = [
            ("a,b\n1,2\n", "r.csv:1: there is no column `t_s`; the columns are \"a,b\""),
            ("t_s,power_mw\n0,1\n", "r.csv:1: there is no column `temp_c`;"),
            (
                "t_s,temp_c\n0,1\n",
                "r.csv:1: there is no column `energy_mj`, nor `power_mw` or `power_avg_mw` in its place;",
            ),
            ("t_s,power_mw,temp_c\n", "r.csv: there are no rows under the header"),
            (
                "t_s,gpu,power_mw,temp_c\n5,0,1,41\n4,1,1,41\n4.5,0,1,41\n",
                "r.csv:4: the time of GPU 0 goes back by 0.5 s",
            ),
        ];
        for (text, expected) in cases {
            let message = Recording::parse("r.csv", text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn what_is_missing_or_odd_is_noted_and_not_fatal() {
        let text = "t_s,power_avg_mw,temp_c,rack\n0,1000,41,7\n1,[N/A],42,7\n2,4x,42,7\n3,1000,4";
        let recording = Recording::parse("r.csv", text).unwrap();
        assert_eq!(recording.tracks[0].time, [0.0, 1.0, 2.0]);
        assert_eq!(recording.tracks[0].power[0], 1.0);
        assert!(recording.tracks[0].power[1..].iter().all(|power| power.is_nan()));
        assert!(recording.tracks[0].hbm_celsius.is_empty());
        let notes = recording.notes.join("; ");
        for part in ["column `rack`", "1 cells hold no number", "the last row (line 5) is incomplete"] {
            assert!(notes.contains(part), "{notes}");
        }
    }

    #[test]
    fn gpus_may_be_interleaved_in_any_order() {
        let text = "t_s,gpu,power_mw,temp_c\n5,1,1,41\n4,0,1,40\n6,0,1,40\n5.5,1,1,41\n";
        let recording = Recording::parse("r.csv", text).unwrap();
        assert_eq!(recording.origin, 4.0);
        assert_eq!((recording.tracks[0].gpu, recording.tracks[1].gpu), (0, 1));
        assert_eq!(recording.tracks[1].time, [1.0, 1.5]);
    }

    /// A log that anyone can make without isotherm.
    #[test]
    fn a_log_of_nvidia_smi_is_a_recording() {
        let log = "timestamp, index, power.draw [W], temperature.gpu, utilization.memory [%], clocks_event_reasons.active\n\
                   2026/11/26 17:05:01.000, 0, 125.50 W, 41, 20 %, 0x0000000000000004\n\
                   2026/11/26 17:05:01.100, 0, 126.00 W, 41, 20 %, 0x0000000000000000\n";
        let track = Recording::parse("smi.csv", log).unwrap().tracks.remove(0);
        assert_eq!((track.power, track.memory_use), (vec![125.5, 126.0], vec![0.2, 0.2]));
        assert_eq!((track.reasons, track.energy), (vec![4.0, 0.0], vec![]));
        assert!((track.time[1] - 0.1).abs() < 1e-12);
    }
}
