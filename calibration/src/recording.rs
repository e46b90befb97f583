//! Recordings of NVML telemetry: CSV, plain or gzip, with any set of known columns.

mod cells;
mod read;

pub use self::read::text_of;

use isotherm_core::input::InputError;
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
    /// Reads a recording and, where there is one, the JSON file of the same name beside it.
    ///
    /// # Errors
    /// [`InputError`] with the line where there is one: no such file, no `t_s` column, no temperature, no power, a time that
    /// goes back.
    pub fn open(file: &str) -> Result<Self, InputError> {
        let text = read::text_of(file)?;
        let mut recording = Self::parse(file, &text)?;
        recording.read_phases()?;
        Ok(recording)
    }

    /// A recording from CSV text; `file` is for messages.
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
        read::parse(file, text)
    }

    /// Whether a text looks like a recording: its first line names `t_s`.
    #[must_use]
    pub fn recognises(text: &str) -> bool {
        let header = text.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty());
        header.is_some_and(|line| line.split(',').any(|column| column.trim() == "t_s"))
    }

    fn read_phases(&mut self) -> Result<(), InputError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            phases: Vec<Phase>,
        }
        let stem = self.file.strip_suffix(".gz").unwrap_or(&self.file);
        let Some(stem) = stem.strip_suffix(".csv") else { return Ok(()) };
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
