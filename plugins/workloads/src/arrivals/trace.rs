//! `trace`: recorded requests, gathered into batches.
//!
//! Requests that arrive within one `window` form one batch, dispatched at the window's end: a batch holds nothing from its
//! own future. Time starts at the first request; windows are [i w, (i + 1) w), i = 0, 1, ...

mod azure;
mod mooncake;
mod timestamp;

use isotherm_core::input::InputError;
use isotherm_core::registry::Kind;
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::workload::{Arrival, ArrivalSpec, WorkloadError};
use serde::{Deserialize, Serialize};

use crate::options::{fault, require_positive, require_some};

pub(crate) const KIND: Kind = Kind {
    name: "trace",
    summary: "recorded requests (Azure CSV or Mooncake JSON lines), gathered into batches by time window",
    example: "kind = \"trace\"\nfile = \"data/traces/azure-format-sample.csv\"",
};

/// Recorded requests, gathered into batches.
///
/// A window with more than `max_tokens` becomes several batches at the same instant, all but the last of them full. Windows without
/// tokens make no batch. The seed changes nothing. Tokens are conserved: the batches hold what the requests hold.
///
/// ```
/// use isotherm_core::{time::SimDuration, workload::{Arrival, ArrivalSpec}};
/// use isotherm_workloads::Trace;
/// let folder = tempfile::tempdir().unwrap();
/// let file = folder.path().join("trace.csv").display().to_string();
/// std::fs::write(&file, "TIMESTAMP,ContextTokens,GeneratedTokens\n5.0,100,10\n5.2,200,20\n6.1,1,1\n").unwrap();
/// let at = |millis| Some(isotherm_core::time::SimTime::ZERO + SimDuration::from_millis(millis));
/// let batches = Trace::of(file).batches(0).unwrap();
/// assert_eq!(batches, [Arrival { at: at(250), tokens: 330 }, Arrival { at: at(1250), tokens: 2 }]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The trace file.
    pub file: String,
    /// How it is written; by default `.csv` is "azure", `.jsonl` and `.json` are "mooncake".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Requests that arrive within one window form one batch, dispatched at its end; longer than 0.
    #[serde(default = "quarter_second")]
    pub window: SimDuration,
    /// Which tokens of a request count.
    #[serde(default)]
    pub tokens: Counted,
    /// Largest batch (tokens).
    #[serde(default = "four_thousand")]
    pub max_tokens: u32,
    /// Use only the first so many requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many times faster than recorded the requests come; finite, above 0.
    #[serde(default = "one")]
    pub time_scale: f64,
}

/// How a trace is written: the option `format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// CSV with the columns `TIMESTAMP`, `ContextTokens`, `GeneratedTokens`, as the Azure LLM inference traces have them. A
    /// timestamp is a date with a time (`2023-11-16 18:17:03.9799600`) or seconds (`12.5`).
    Azure,
    /// One JSON object a line with `timestamp` (ms), `input_length`, `output_length`, as the Mooncake traces have them.
    Mooncake,
}

/// Which tokens of a request count: the option `tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Those the request brings.
    Prompt,
    /// Those it is answered with, all charged to the request's own window.
    Output,
    /// All of them.
    #[default]
    Both,
}

/// One recorded request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Request {
    /// When it arrived [ns on the trace's own clock].
    nanos: u64,
    prompt: u64,
    output: u64,
}

fn quarter_second() -> SimDuration {
    SimDuration::from_millis(250)
}

fn four_thousand() -> u32 {
    4096
}

fn one() -> f64 {
    1.0
}

impl Trace {
    /// All of `file`, with the default options.
    #[must_use]
    pub fn of(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            format: None,
            window: quarter_second(),
            tokens: Counted::default(),
            max_tokens: four_thousand(),
            limit: None,
            time_scale: one(),
        }
    }

    fn format(&self) -> Result<Format, WorkloadError> {
        let extension = self.file.rsplit_once('.').map_or("", |(_, extension)| extension);
        match self.format {
            Some(format) => Ok(format),
            None if extension.eq_ignore_ascii_case("csv") => Ok(Format::Azure),
            None if ["jsonl", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)) => Ok(Format::Mooncake),
            None => Err(fault(
                "format",
                format!("the name {} does not tell; write `format = \"azure\"` or `format = \"mooncake\"`", self.file),
            )),
        }
    }
}

#[typetag::serde(name = "trace")]
impl ArrivalSpec for Trace {
    fn batches(&self, _: u64) -> Result<Vec<Arrival>, WorkloadError> {
        if self.window.is_zero() {
            return Err(fault("window", "must be longer than 0; for example `window = \"250 ms\"`"));
        }
        require_some("max_tokens", self.max_tokens.into(), "4096")?;
        require_some("limit", self.limit.unwrap_or(1), "1000")?;
        require_positive("time_scale", self.time_scale, "1.0")?;
        let format = self.format()?;
        let mut requests = Requests::new(&self.file, self.limit);
        match format {
            Format::Azure => azure::read(&mut requests)?,
            Format::Mooncake => mooncake::read(&mut requests)?,
        }
        if requests.list.is_empty() {
            return Err(InputError::new(
                &self.file,
                "the trace has no requests",
                "expected at least one request with tokens",
            )
            .into());
        }
        let batches = self.gather(&requests.list);
        if batches.is_empty() {
            let found = "no request has tokens of the kind that `tokens` counts";
            return Err(
                InputError::new(&self.file, found, "expected at least one; `tokens = \"both\"` counts all").into()
            );
        }
        Ok(batches)
    }
}

impl Trace {
    /// Requests in order of time, as batches.
    fn gather(&self, requests: &[Request]) -> Vec<Arrival> {
        let start = requests.first().map_or(0, |request| request.nanos);
        let window = self.window.nanos();
        let mut batches = Vec::new();
        let number = |request: &Request| scaled(request.nanos - start, self.time_scale) / window;
        for gathered in requests.chunk_by(|a, b| number(a) == number(b)) {
            let end = number(&gathered[0]).saturating_add(1).saturating_mul(window);
            let mut left: u64 = gathered.iter().map(|request| self.tokens.of(request)).sum();
            while left > 0 {
                let tokens = left.min(self.max_tokens.into());
                batches.push(Arrival { at: Some(SimTime::from_nanos(end)), tokens: tokens as u32 });
                left -= tokens;
            }
        }
        batches
    }
}

/// `nanos / scale`; whole numbers stay exact where nothing is scaled.
fn scaled(nanos: u64, scale: f64) -> u64 {
    if scale == 1.0 { nanos } else { (nanos as f64 / scale).round() as u64 }
}

impl Counted {
    fn of(self, request: &Request) -> u64 {
        match self {
            Self::Prompt => request.prompt,
            Self::Output => request.output,
            Self::Both => request.prompt + request.output,
        }
    }
}

/// The requests of one file, checked as they come in.
struct Requests<'a> {
    file: &'a str,
    limit: u64,
    list: Vec<Request>,
    /// The last timestamp as it stands in the file.
    last: String,
}

impl<'a> Requests<'a> {
    fn new(file: &'a str, limit: Option<u64>) -> Self {
        Self { file, limit: limit.unwrap_or(u64::MAX), list: Vec::new(), last: String::new() }
    }

    /// Whether no more are wanted.
    fn full(&self) -> bool {
        self.list.len() as u64 >= self.limit
    }

    /// Takes the request of one line; one without any tokens is left out.
    fn take(&mut self, request: Request, timestamp: &str, line: u64) -> Result<(), InputError> {
        if self.list.last().is_some_and(|last| request.nanos < last.nanos) {
            let found = format!("time goes back: {timestamp} comes after {}", self.last);
            return Err(InputError::new(
                self.file,
                found,
                "expected requests in order of time; sort the file by its timestamps",
            )
            .at_line(line));
        }
        for tokens in [request.prompt, request.output] {
            if tokens > u64::from(u32::MAX) {
                let found = format!("{tokens} tokens in one request");
                return Err(InputError::new(self.file, found, format!("expected at most {}", u32::MAX)).at_line(line));
            }
        }
        if request.prompt + request.output > 0 {
            self.list.push(request);
            timestamp.clone_into(&mut self.last);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
