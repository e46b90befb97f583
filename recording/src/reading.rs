//! One reading of one GPU.

use serde::{Deserialize, Serialize};

use crate::signal::Signal;

/// Why there is no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nobody asked, or the source has no such thing.
    #[default]
    NotAsked,
    /// The device or its driver does not give it.
    Unsupported,
    /// The device gives it to privileged users only.
    NoPermission,
    /// The device does not answer any more.
    Lost,
    /// The answer was no value: a blank, or another type than promised.
    Invalid,
    /// The call failed in another way; the driver's code.
    Failed(i32),
}

/// A value with the instant at which it was first seen to be what it is, or the reason why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A measured value, in the unit of its signal.
    Value {
        /// The value.
        value: i64,
        /// When it changed to this (ns, Unix time): at most one poll late; the first poll where it has not changed since.
        changed: i64,
    },
    /// No value.
    Missing(Missing),
}

impl Default for Entry {
    fn default() -> Self {
        Self::Missing(Missing::NotAsked)
    }
}

impl Entry {
    /// The value, where there is one.
    #[must_use]
    pub const fn value(self) -> Option<i64> {
        match self {
            Self::Value { value, .. } => Some(value),
            Self::Missing(_) => None,
        }
    }
}

/// Whether a device answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    #[default]
    Present,
    /// It fell off the bus or was taken away; its entries are [`Missing::Lost`].
    Lost,
    /// Its counters began anew since the last reading: the driver was loaded again.
    Reset,
}

/// All signals of one GPU at one poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Index of the device, as its driver counts.
    pub device: u32,
    /// Before the first call (ns, Unix time).
    pub begun: i64,
    /// After the last call (ns, Unix time).
    pub ended: i64,
    /// Whether the device answers.
    pub standing: Standing,
    /// One entry a signal, in the order of [`Signal::ALL`].
    pub entries: [Entry; Signal::COUNT],
}

impl Reading {
    /// The entry of a signal.
    #[must_use]
    pub fn get(&self, signal: Signal) -> Entry {
        self.entries[signal.index()]
    }

    /// The value of a signal, where there is one.
    ///
    /// ```
    /// use isotherm_recording::{Entry, Reading, Signal};
    /// let mut reading = Reading::default();
    /// reading.set(Signal::Temperature, Entry::Value { value: 41, changed: 0 });
    /// assert_eq!(reading.value(Signal::Temperature), Some(41));
    /// assert_eq!(reading.value(Signal::Power), None, "nothing is filled in");
    /// ```
    #[must_use]
    pub fn value(&self, signal: Signal) -> Option<i64> {
        self.get(signal).value()
    }

    /// Sets the entry of a signal.
    pub fn set(&mut self, signal: Signal, entry: Entry) {
        self.entries[signal.index()] = entry;
    }

    /// Keeps the instant of change of every value that is the same as in `before`, the reading of the same device one poll earlier.
    pub fn age_from(&mut self, before: &Self) {
        for (entry, old) in self.entries.iter_mut().zip(&before.entries) {
            if let (Entry::Value { value, changed }, Entry::Value { value: last, changed: since }) = (entry, old)
                && *value == *last
            {
                *changed = *since;
            }
        }
    }
}
