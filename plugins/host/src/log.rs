//! What libraries say to the user, and what this crate says about them.

use std::sync::{Mutex, PoisonError};

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something may not be as the user thinks.
    Warning,
    /// Something worth knowing.
    Information,
    /// Something only the plugin's author wants to know.
    Detail,
}

impl Level {
    /// The level of the interface's number; what is not known counts as a detail.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            ..=1 => Self::Error,
            2 => Self::Warning,
            3 => Self::Information,
            _ => Self::Detail,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "note",
            Self::Detail => "detail",
        }
    }
}

/// Takes messages: level, the library they are of, and the text.
pub type LogSink = fn(Level, &str, &str);

static SINK: Mutex<LogSink> = Mutex::new(to_stderr);

/// Sends messages somewhere else than to standard error, for the whole process; a program that draws on the terminal needs it.
///
/// ```
/// use isotherm_plugin_host::{Level, set_log};
/// set_log(|level, plugin, message| if level <= Level::Warning { eprintln!("{plugin} says: {message}") });
/// ```
pub fn set_log(sink: LogSink) {
    *SINK.lock().unwrap_or_else(PoisonError::into_inner) = sink;
}

/// Hands a message on, one at a time.
pub(crate) fn log(level: Level, plugin: &str, message: &str) {
    let sink = *SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink(level, plugin, message);
}

/// Details are for authors, who set a sink of their own.
fn to_stderr(level: Level, plugin: &str, message: &str) {
    if level < Level::Detail {
        eprintln!("{}: plugin {plugin}: {message}", level.word());
    }
}
