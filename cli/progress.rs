//! What a person sees while a comparison runs: a bar on a terminal, nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar over batches, on standard error, if that is a terminal and nobody asked for quiet.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar of `batches` batches.
    #[must_use]
    pub fn new(name: &str, batches: u64, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(batches);
        let form = "{msg} {bar:32} {human_pos}/{human_len} batches, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        Self { bar }
    }

    /// `batches` more are done.
    pub fn advance(&self, batches: u64) {
        self.bar.inc(batches);
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
