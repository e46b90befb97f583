//! `acme/csv-pipe`: telemetry read from lines of CSV, out of a file or a named pipe.
//!
//! ```text
//! [telemetry]
//! kind = "acme/csv-pipe"
//! file = "readings.csv"
//! period = "100 ms"
//! ```
//!
//! A line is `time_s,gpu,temperature_degc,power_w`, for example `1.5,0,61.0,350`: at 1.5 s of simulated time GPU 0 had 61 degC and drew 350 W. Times never go
//! back. A value that was not measured is left out (`1.5,0,,350`). Empty lines, lines that begin with `#` and a line of column names at the top are
//! passed over.
//!
//! At every poll the lines up to that instant are read; of each GPU the last one counts, as old as it says it is. Lines that are not due yet wait.
//!
//! A named pipe (`mkfifo readings.csv`) works too and is never waited for: what the writer has not written yet has not been measured. So results then depend
//! on how fast the writer was, and a run cannot be continued from a saved state.
//!
//! `isotherm plugin check` polls the file that the example names: run it in this folder, where `readings.csv` is.

mod line;
mod source;

use isotherm_plugin::prelude::*;
use source::Source;

/// Reads GPUs from lines `time_s,gpu,temperature_degc,power_w` of a file or a named pipe.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = CsvPipe::new("readings.csv"))]
pub struct CsvPipe {
    /// The file or the named pipe.
    pub file: String,
    /// Time between two polls, for example `100 ms`.
    #[serde(default = "CsvPipe::default_period")]
    #[schemars(with = "String")]
    pub period: SimDuration,
    /// Whether GPUs have the temperatures that are read, instead of those that the model computes. Without, readings are what routers see of a model
    /// that goes its own way.
    #[serde(default = "CsvPipe::default_prescribes")]
    pub prescribes: bool,
    #[serde(skip)]
    source: Source,
}

/// What a saved state begins with: a number alone could be anything.
const MARK: &str = "lines of csv-pipe";

impl CsvPipe {
    /// A source that reads `file` ten times a second.
    #[must_use]
    pub fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            period: Self::default_period(),
            prescribes: Self::default_prescribes(),
            source: Source::default(),
        }
    }

    const fn default_period() -> SimDuration {
        SimDuration::from_millis(100)
    }

    const fn default_prescribes() -> bool {
        true
    }
}

impl Telemetry for CsvPipe {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn start(&mut self, gpus: usize, _: u64) -> Result<(), TelemetryError> {
        self.source = Source::open(&self.file, gpus)?;
        Ok(())
    }

    fn sample(&mut self, now: SimTime, _: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        self.source.read_until(now)?;
        out.copy_from_slice(self.source.samples());
        Ok(())
    }

    fn prescribes_temperature(&self) -> bool {
        self.prescribes
    }

    fn warning(&self) -> Option<&'static str> {
        self.prescribes.then_some("recorded temperature")
    }

    fn save(&self) -> Vec<u8> {
        state::save(&(MARK, self.source.lines()))
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        let (mark, lines): (String, u64) = state::load(state).map_err(TelemetryError::State)?;
        if mark != MARK {
            return Err(TelemetryError::State(format!("it begins with `{mark}`, expected `{MARK}`")));
        }
        self.source.skip_to(lines)
    }
}

export_telemetry!(CsvPipe = "acme/csv-pipe");
