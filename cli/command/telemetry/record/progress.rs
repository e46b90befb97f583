//! What a person sees while a recording goes on: one line on a terminal, nothing elsewhere. Events are lines of their own everywhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use isotherm_recording::Recorder;

use crate::telemetry::{Account, GAP_MS};

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
    pub(super) fn show(&mut self, now: Duration, account: &Account, dropped: u64, recorder: &Recorder) {
        if self.line.is_hidden() || (now < self.shown + EVERY && self.shown > Duration::ZERO) {
            return;
        }
        self.shown = now;
        let whole = |time: Duration| HumanDuration(Duration::from_secs(time.as_secs()));
        let of = self.asked.map_or(String::new(), |asked| format!(" of {:#}", whole(asked)));
        let size = std::fs::metadata(recorder.writing_to()).map_or(0, |data| data.len());
        self.line.set_message(format!(
            "recording {:#}{of} | {} rows | {} gaps over {GAP_MS} ms | {dropped} dropped | {:.1} ms a GPU | {}",
            whole(now),
            account.rows(),
            account.gaps(),
            account.call_ms(),
            HumanBytes(size),
        ));
        self.line.tick();
    }

    /// A line that stays, on standard error.
    pub(super) fn say(&self, text: &str) {
        self.line.suspend(|| eprintln!("{text}"));
    }

    pub(super) fn finish(&self) {
        self.line.finish_and_clear();
    }
}
