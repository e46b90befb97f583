//! The loop: poll, write, count, wait for the next deadline.

use std::time::{Duration, Instant};

use isotherm_core::time::SimDuration;
use isotherm_recording::{DeviceFacts, Meter, Reading, Recorder};

use super::progress::Progress;
use crate::fault::Fault;
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
    /// Deadlines that a recording of this length has.
    pub(super) due: u64,
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
            due: 0,
            rate,
        }
    }

    /// Polls until the time is over or `stop` is set.
    ///
    /// # Errors
    /// Readings that cannot be written. A source that does not answer is an event, and asked again at the next deadline.
    pub(super) fn go(&mut self, meter: &mut dyn Meter, recorder: &mut Recorder, stop: &Stop) -> Result<(), Fault> {
        let (started, before) = (Instant::now(), processor_time());
        let mut progress = Progress::new(self.asked);
        let mut readings = Vec::new();
        let mut silent = false;
        let mut due = Duration::ZERO;
        let outcome = loop {
            if self.asked.is_some_and(|asked| due >= asked) || !stop.sleep_until(started + due) {
                break Ok(());
            }
            if let Err(error) = self.poll(meter, &mut readings, recorder, &progress, &mut silent) {
                break Err(error);
            }
            due = self.pace.following(started.elapsed());
            progress.show(started.elapsed(), &self.account, self.pace.dropped(), recorder);
        };
        progress.finish();
        // The last interval belongs to the recording, unless it was interrupted.
        self.took =
            self.asked.filter(|_| !stop.is_set()).map_or(started.elapsed(), |asked| asked.max(started.elapsed()));
        self.processor = before.and_then(|before| processor_time()?.checked_sub(before));
        self.due = self.account.polls() + self.account.failed_polls() + self.pace.dropped();
        outcome
    }

    fn poll(
        &mut self,
        meter: &mut dyn Meter,
        readings: &mut Vec<Reading>,
        recorder: &mut Recorder,
        progress: &Progress,
        silent: &mut bool,
    ) -> Result<(), Fault> {
        if let Err(error) = meter.read(readings) {
            self.account.add_failure();
            if !std::mem::replace(silent, true) {
                progress.say(&format!("{error}; going on, and asking again"));
            }
            return Ok(());
        }
        if std::mem::replace(silent, false) {
            progress.say(&format!("{} answers again", meter.source()));
        }
        self.account.add(readings, |happening| progress.say(&happening.to_string()));
        recorder.write(readings).map_err(super::fault)
    }

    /// Polls a second that were asked for.
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }
}
