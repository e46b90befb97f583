//! What a process that works on a sweep does when it is asked to end.
//!
//! | signal | from | then |
//! |---|---|---|
//! | USR1 | a scheduler, some time before the limit | points in hand come to their end, the job is put back into the queue, exit 75 |
//! | TERM | a preemption, `scancel`, an administrator | the same, but whoever sent it decides whether the job comes back |
//! | INT | Ctrl-C | points in hand are left, exit 130; a second one ends the program at once |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit;

/// The flags that signals set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    requeue: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
}

/// What was asked for, the most urgent of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing.
    Nothing,
    /// To end soon and be started again.
    Requeue,
    /// To end soon.
    End,
    /// To stop.
    Interrupt,
}

impl Signals {
    /// Lets signals set flags from now on. Where that cannot be done they end the program, and what was finished is kept all the same.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
        use signal_hook::flag;
        let signals = Self::default();
        let code = i32::from(exit::INTERRUPTED.get());
        // In this order: the second Ctrl-C finds the flag that the first has set.
        let _ = flag::register_conditional_shutdown(SIGINT, code, Arc::clone(&signals.interrupt));
        for (signal, set) in [(SIGINT, &signals.interrupt), (SIGTERM, &signals.end), (SIGUSR1, &signals.requeue)] {
            let _ = flag::register(signal, Arc::clone(set));
        }
        signals
    }

    /// Lets Ctrl-C set a flag from now on.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        let signals = Self::default();
        let interrupt = Arc::clone(&signals.interrupt);
        let _ = ctrlc::set_handler(move || {
            if interrupt.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(exit::INTERRUPTED.get()));
            }
        });
        signals
    }

    /// Those of a program that listens by itself, to Ctrl-C alone.
    pub(crate) fn of(interrupt: Arc<AtomicBool>) -> Self {
        Self { interrupt, ..Self::default() }
    }

    /// The flag of Ctrl-C.
    pub(super) fn interrupted(&self) -> &AtomicBool {
        &self.interrupt
    }

    /// What was asked for up to now.
    pub(crate) fn asked(&self) -> Asked {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if is_set(&self.interrupt) {
            Asked::Interrupt
        } else if is_set(&self.requeue) {
            // The limit may come before the points in hand are done, with a request to end.
            Asked::Requeue
        } else if is_set(&self.end) {
            Asked::End
        } else {
            Asked::Nothing
        }
    }
}
