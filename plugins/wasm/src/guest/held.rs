//! What the host keeps for one instance: its limits, what it has written into sinks, and what it has to say.

use std::sync::Arc;

use isotherm_plugin_host::options::Report;
use isotherm_plugin_host::{Level, LogSink};
use wasmtime::{Memory, ResourceLimiter};

use crate::limits::Limits;
use crate::stop::{LONGEST_LINE, Stop, clean};

/// Functions in the largest table of a module: each takes the host some bytes.
const MOST_FUNCTIONS: usize = 100_000;
/// Reports of one call that are kept.
const MOST_REPORTS: usize = 64;
/// Messages of one instance that are shown.
const MOST_MESSAGES: u32 = 100;

/// The host's data of a store.
pub(crate) struct Held {
    pub(super) limits: Limits,
    /// Known once the module is instantiated.
    pub(super) memory: Option<Memory>,
    /// What the call has written into its sink.
    pub(super) written: Vec<u8>,
    /// What the call has reported.
    pub(super) reports: Vec<Report>,
    title: Arc<str>,
    log: LogSink,
    messages: u32,
}

impl Held {
    pub(super) fn new(limits: Limits, title: Arc<str>, log: LogSink) -> Self {
        Self { limits, memory: None, written: Vec::new(), reports: Vec::new(), title, log, messages: 0 }
    }

    /// Forgets what the last call has said.
    pub(super) fn clear(&mut self) {
        self.written.clear();
        self.reports.clear();
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let limit = self.limits.memory_bytes;
        if bytes.len() > limit - self.written.len().min(limit) {
            return Err(Stop::Flood { limit, inside: String::new() });
        }
        self.written.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn report(&mut self, pointer: &str, message: &str) {
        if self.reports.len() < MOST_REPORTS {
            let pointer = clean(pointer, LONGEST_LINE);
            self.reports.push(Report { pointer, message: clean(message, LONGEST_LINE) });
        }
    }

    /// Shows a message; an instance that says too much is not listened to any longer.
    pub(super) fn say(&mut self, level: i32, message: &str) {
        let level = match level {
            ..=1 => Level::Error,
            2 => Level::Warning,
            3 => Level::Information,
            _ => Level::Detail,
        };
        self.messages = self.messages.saturating_add(1);
        if self.messages <= MOST_MESSAGES {
            (self.log)(level, &self.title, &clean(message, LONGEST_LINE));
        }
        if self.messages == MOST_MESSAGES {
            (self.log)(Level::Warning, &self.title, "it has said a lot; what else it says is not shown");
        }
    }
}

impl ResourceLimiter for Held {
    /// Asking for too much ends the call, so that the message can say that and not what became of it.
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let limit = self.limits.memory_bytes;
        if desired <= limit {
            return Ok(true);
        }
        Err(wasmtime::Error::new(Stop::Memory { asked: desired, limit, inside: String::new() }))
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MOST_FUNCTIONS)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}
