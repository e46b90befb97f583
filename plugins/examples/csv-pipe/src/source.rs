//! Lines as they come: from a file to its end, from a pipe as far as its writer has got.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;

use isotherm_plugin::prelude::*;

use crate::line::{Reading, parse};

/// An open file or pipe, and the last reading of each GPU.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// As the scenario names it.
    name: String,
    /// None before the start.
    file: Option<File>,
    /// Whether the end is the end: not so with a pipe.
    is_file: bool,
    /// Bytes of which no line has been made yet.
    bytes: VecDeque<u8>,
    /// Lines read so far.
    lines: u64,
    /// A reading that is not due yet.
    next: Option<Reading>,
    /// When the last reading was true; none before the first.
    last: Option<SimTime>,
    samples: Vec<Sample>,
}

/// A clone is not open: options are copied, files are not.
impl Clone for Source {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// A line longer than this is none.
const LONGEST: usize = 4096;

impl Source {
    pub(crate) fn open(name: &str, gpus: usize) -> Result<Self, TelemetryError> {
        let mut options = OpenOptions::new();
        options.read(true);
        // Neither opening nor reading a pipe waits for its writer.
        #[cfg(unix)]
        options.custom_flags(libc::O_NONBLOCK);
        let fault = |found: String| {
            let expected = "expected a file or a named pipe, for example `mkfifo readings.csv`";
            Err(TelemetryError::Input(InputError::new(name, found, expected)))
        };
        let file = match options.open(name) {
            Ok(file) => file,
            Err(error) => return fault(format!("cannot be opened ({error})")),
        };
        let is_file = match file.metadata() {
            Ok(about) if about.is_dir() => return fault("is a folder".to_owned()),
            Ok(about) => about.is_file(),
            Err(error) => return fault(format!("cannot be looked at ({error})")),
        };
        let samples = vec![Sample::default(); gpus];
        Ok(Self { name: name.to_owned(), file: Some(file), is_file, samples, ..Self::default() })
    }

    pub(crate) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Lines that have been used: all that a saved state needs, as a file does not change.
    pub(crate) fn lines(&self) -> u64 {
        self.lines - u64::from(self.next.is_some())
    }

    /// Takes in every reading up to `now`.
    pub(crate) fn read_until(&mut self, now: SimTime) -> Result<(), TelemetryError> {
        while let Some(reading) = self.peek()? {
            if reading.sample.taken_at > now {
                break;
            }
            self.samples[reading.gpu] = reading.sample;
            self.next = None;
        }
        Ok(())
    }

    /// Continues where another instance was after so many lines.
    pub(crate) fn skip_to(&mut self, lines: u64) -> Result<(), TelemetryError> {
        if !self.is_file {
            let message = format!("{} is a pipe, whose lines come only once; use a file to continue a run", self.name);
            return Err(TelemetryError::State(message));
        }
        while self.lines() < lines {
            let before = self.lines;
            if let Some(reading) = self.peek()? {
                // The reading may be the first of the lines that follow.
                if self.lines > lines {
                    break;
                }
                self.samples[reading.gpu] = reading.sample;
                self.next = None;
            } else if self.lines == before {
                let message = format!("{} has {} lines, the state was saved after {lines}", self.name, self.lines);
                return Err(TelemetryError::State(message));
            }
        }
        Ok(())
    }

    /// The next reading, due or not; `None` at the end, or where a pipe has no more for now.
    fn peek(&mut self) -> Result<Option<Reading>, TelemetryError> {
        while self.next.is_none() {
            let Some(text) = self.line()? else { break };
            self.lines += 1;
            let Some(reading) = parse(&self.name, self.lines, &text, self.samples.len(), self.last.is_none())? else {
                continue;
            };
            let taken_at = reading.sample.taken_at;
            if let Some(last) = self.last.filter(|last| taken_at < *last) {
                let found = format!("the time {taken_at} comes after {last}");
                return Err(self.fault(found, "expected lines by rising time, for example `sort -n readings.csv`"));
            }
            self.last = Some(taken_at);
            self.next = Some(reading);
        }
        Ok(self.next)
    }

    /// The next whole line.
    fn line(&mut self) -> Result<Option<String>, TelemetryError> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
                line.pop();
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.bytes.len() > LONGEST {
                self.lines += 1;
                let found = format!("a line of more than {LONGEST} bytes");
                return Err(self.fault(found, "expected text with a reading a line"));
            }
            if !self.fill()? {
                break;
            }
        }
        // The last line of a file may lack its end; a pipe's line may still be written.
        if !self.is_file || self.bytes.is_empty() {
            return Ok(None);
        }
        let line: Vec<u8> = self.bytes.drain(..).collect();
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    /// Reads some more; `false` where there is nothing for now.
    fn fill(&mut self) -> Result<bool, TelemetryError> {
        let Some(file) = &mut self.file else { return Ok(false) };
        let mut chunk = [0; CHUNK];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(n) => {
                    self.bytes.extend(&chunk[..n]);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    let found = format!("cannot be read ({error})");
                    return Err(self.fault(found, "expected a file or a named pipe that stays readable"));
                }
            }
        }
    }

    fn fault(&self, found: String, expected: &str) -> TelemetryError {
        TelemetryError::Input(InputError::new(&self.name, found, expected).at_line(self.lines.max(1)))
    }
}
