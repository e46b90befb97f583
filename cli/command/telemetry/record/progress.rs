//! What a person sees while a recording goes on: one line on a terminal, nothing elsewhere. Events are lines of their own everywhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

use super::writer::Writer;
use crate::telemetry::Account;

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Progress {
    line: ProgressBar,
    asked: Option<Duration>,
    shown: Duration,
}

impl Progress {
    pub(super) fn new(asked: Option<Duration>) -> Self {
        let line = if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            line.set_style(style);
        }
        Self { line, asked, shown: Duration::ZERO }
    }

    /// Writes the line, if it is time to.
    pub(super) fn show(&mut self, now: Duration, account: &Account, dropped: u64, writer: &Writer) {
        if self.line.is_hidden() || (now < self.shown + EVERY && self.shown > Duration::ZERO) {
            return;
        }
        self.shown = now;
        let whole = |time: Duration| HumanDuration(Duration::from_secs(time.as_secs()));
        let of = self.asked.map_or(String::new(), |asked| format!(" of {:#}", whole(asked)));
        self.line.set_message(format!(
            "{:#}{of} | {} rows | {} gaps | {dropped} dropped | {:.1} ms a GPU | {}",
            whole(now),
            account.rows(),
            account.gaps(),
            account.call_ms(),
            HumanBytes(writer.size()),
        ));
        self.line.tick();
    }

    /// A line that stays, on standard error.
    pub(super) fn say(&self, text: &str) {
        self.line.suspend(|| tell!("{text}"));
    }

    pub(super) fn finish(&self) {
        self.line.finish_and_clear();
    }
}
