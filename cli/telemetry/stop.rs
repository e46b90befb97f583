//! Ending what would go on for ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::exit;

/// Longest sleep between two looks at the flag.
const LOOK: Duration = Duration::from_millis(50);

/// A flag that Ctrl-C, a request to end and a lost terminal set. A second one ends the program at once.
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The flag of this process.
    #[must_use]
    pub fn on_signals() -> Self {
        static STOP: OnceLock<Stop> = OnceLock::new();
        let stop = STOP.get_or_init(|| {
            let stop = Self(Arc::default());
            let flag = Arc::clone(&stop.0);
            // Without a handler the program ends at once; files are still readable up to the last second.
            let _ = ctrlc::set_handler(move || {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(exit::INTERRUPTED.get()));
                }
            });
            stop
        });
        stop.clone()
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps until `instant`, or until the flag is set; says whether it is not.
    #[must_use]
    pub fn sleep_until(&self, instant: Instant) -> bool {
        while !self.is_set() {
            let left = instant.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK));
        }
        false
    }
}
