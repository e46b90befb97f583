//! The loop: poll, write, count, wait for the next deadline.

use std::time::{Duration, Instant};

use isotherm_core::time::SimDuration;
use isotherm_recording::{DeviceFacts, Meter};

use super::progress::Progress;
use super::writer::Writer;
use crate::telemetry::{Account, Pace, Stop, processor_time};

/// A recording under way, and what was counted of it.
pub(super) struct Polling {
    pub(super) account: Account,
    pub(super) pace: Pace,
    /// How long it was meant to take.
    asked: Option<Duration>,
    /// From the first deadline to the end.
    pub(super) took: Duration,
    /// Processor time of the whole process in that time.
    pub(super) processor: Option<Duration>,
    rate: f64,
}

impl Polling {
    pub(super) fn new(devices: &[DeviceFacts], rate: f64, asked: Option<SimDuration>) -> Self {
        Self {
            account: Account::new(devices),
            pace: Pace::new(Duration::from_secs_f64(1.0 / rate)),
            asked: asked.map(|time| Duration::from_nanos(time.nanos())),
            took: Duration::ZERO,
            processor: None,
            rate,
        }
    }

    /// Polls until the time is over, `stop` is set, or nothing can be written any more. A source that does not answer is an event, and asked
    /// again at the next deadline.
    pub(super) fn go(&mut self, meter: &mut dyn Meter, writer: &mut Writer, stop: &Stop) {
        let (started, before) = (Instant::now(), processor_time());
        let mut progress = Progress::new(self.asked);
        let mut silent = false;
        let mut due = Duration::ZERO;
        while self.asked.is_none_or(|asked| due < asked) && stop.sleep_until(started + due) {
            if !self.poll(meter, writer, &progress, &mut silent) {
                break;
            }
            due = self.pace.following(started.elapsed());
            progress.show(started.elapsed(), &self.account, self.pace.dropped(), writer);
        }
        // The time after the last poll belongs to the recording.
        let whole = self.asked.filter(|asked| due >= *asked);
        if let Some(asked) = whole {
            let _ = stop.sleep_until(started + asked);
        }
        progress.finish();
        self.took = started.elapsed();
        self.processor = before.and_then(|before| processor_time()?.checked_sub(before));
    }

    /// One poll; says whether writing goes on.
    fn poll(&mut self, meter: &mut dyn Meter, writer: &mut Writer, progress: &Progress, silent: &mut bool) -> bool {
        let mut readings = writer.buffer();
        if let Err(error) = meter.read(&mut readings) {
            self.account.add_failure();
            if !std::mem::replace(silent, true) {
                progress.say(&format!("{error}; going on, and asking again"));
            }
            return true;
        }
        if std::mem::replace(silent, false) {
            progress.say(&format!("{} answers again", meter.source()));
        }
        self.account.add(&readings, |happening| progress.say(&happening.to_string()));
        writer.write(readings)
    }

    /// Deadlines so far, kept or not.
    pub(super) fn due(&self) -> u64 {
        self.account.polls() + self.account.failed_polls() + self.pace.dropped()
    }

    /// Polls a second that were asked for.
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }
}
