//! What a recording can say of itself: rows, gaps, losses, the cost of a poll. Nothing here grows with time.

use isotherm_recording::{DeviceFacts, Entry, Missing, Reading, Signal, Standing};
use serde::Serialize;

use super::energy::{EnergyCheck, Verdict};

/// A gap is counted if it is longer than this (ms): two and a half refreshes of an H200.
pub const GAP_MS: f64 = 250.0;

/// Everything that is counted while devices are polled.
#[derive(Clone, Debug)]
pub struct Account {
    devices: Vec<Running>,
    polls: u64,
    rows: u64,
    failed: u64,
}

#[derive(Clone, Debug)]
struct Running {
    device: u32,
    standing: Standing,
    /// Whether anything was read at the last poll, at least in part.
    heard: Option<i64>,
    energy: EnergyCheck,
    account: DeviceAccount,
    call_ns: u128,
    calls: u64,
}

/// What was counted of one device.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeviceAccount {
    /// Its index.
    pub device: u32,
    /// Polls at which it gave at least one value.
    pub rows: u64,
    /// Polls at which it was lost.
    pub lost_rows: u64,
    /// Longest time between two polls that gave values (ms).
    pub largest_gap_ms: f64,
    /// How many of them were longer than 250 ms.
    pub gaps: u64,
    /// How often it was lost.
    pub losses: u32,
    /// How often its counters began anew.
    pub resets: u32,
    /// Entries without a value that have one at other times: failed calls.
    pub failed_entries: u64,
    /// Mean time of all calls of a poll (ms).
    pub call_ms: f64,
    /// Longest time of all calls of a poll (ms).
    pub longest_call_ms: f64,
    /// Energy by the counter against integrated power.
    pub energy: Verdict,
}

/// Something that happened to a device, for whoever looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It does not answer any more.
    Lost(u32),
    /// It answers again.
    Found(u32),
    /// Its counters began anew.
    Reset(u32),
}

impl std::fmt::Display for Happening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(device) => write!(f, "GPU {device} is lost: it does not answer any more; the others go on"),
            Self::Found(device) => write!(f, "GPU {device} answers again"),
            Self::Reset(device) => write!(f, "GPU {device}: its counters began anew, the driver was loaded again"),
        }
    }
}

impl Account {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(devices: &[DeviceFacts]) -> Self {
        let running = |facts: &DeviceFacts| Running {
            device: facts.index,
            standing: Standing::Present,
            heard: None,
            energy: EnergyCheck::default(),
            account: DeviceAccount { device: facts.index, ..DeviceAccount::default() },
            call_ns: 0,
            calls: 0,
        };
        Self { devices: devices.iter().map(running).collect(), polls: 0, rows: 0, failed: 0 }
    }

    /// Counts a poll; tells through `tell` what happened to devices.
    pub fn add(&mut self, readings: &[Reading], mut tell: impl FnMut(Happening)) {
        self.polls += 1;
        self.rows += readings.len() as u64;
        for (running, reading) in self.devices.iter_mut().zip(readings) {
            running.add(reading, &mut tell);
        }
    }

    /// Counts a poll at which the source as a whole gave nothing.
    pub fn add_failure(&mut self) {
        self.failed += 1;
    }

    /// Rows so far: one a poll and device.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Polls that gave readings.
    #[must_use]
    pub const fn polls(&self) -> u64 {
        self.polls
    }

    /// Polls at which the source as a whole gave nothing.
    #[must_use]
    pub const fn failed_polls(&self) -> u64 {
        self.failed
    }

    /// Gaps of more than 250 ms so far, of all devices.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.devices.iter().map(|running| running.account.gaps).sum()
    }

    /// Mean time of a poll of one device so far (ms).
    #[must_use]
    pub fn call_ms(&self) -> f64 {
        let (nanos, calls) =
            self.devices.iter().fold((0, 0), |(nanos, calls), each| (nanos + each.call_ns, calls + each.calls));
        mean_ms(nanos, calls)
    }

    /// What was counted, device by device.
    #[must_use]
    pub fn devices(&self) -> Vec<DeviceAccount> {
        let of = |running: &Running| DeviceAccount {
            energy: running.energy.verdict(),
            call_ms: mean_ms(running.call_ns, running.calls),
            ..running.account.clone()
        };
        self.devices.iter().map(of).collect()
    }
}

fn mean_ms(nanos: u128, calls: u64) -> f64 {
    if calls == 0 { 0.0 } else { nanos as f64 / calls as f64 / 1e6 }
}

impl Running {
    fn add(&mut self, reading: &Reading, tell: &mut impl FnMut(Happening)) {
        self.stand(reading.standing, tell);
        self.energy.add(reading);
        let call = reading.ended.saturating_sub(reading.begun).max(0);
        self.call_ns += call as u128;
        self.calls += 1;
        self.account.longest_call_ms = self.account.longest_call_ms.max(call as f64 / 1e6);
        if reading.standing == Standing::Lost {
            self.account.lost_rows += 1;
            return;
        }
        let failed = |entry: &Entry| matches!(entry, Entry::Missing(Missing::Failed(_) | Missing::Invalid));
        self.account.failed_entries += reading.entries.iter().filter(|entry| failed(entry)).count() as u64;
        if Signal::ALL.into_iter().all(|signal| reading.value(signal).is_none()) {
            return;
        }
        self.account.rows += 1;
        if let Some(before) = self.heard.replace(reading.begun) {
            let gap = reading.begun.saturating_sub(before) as f64 / 1e6;
            self.account.largest_gap_ms = self.account.largest_gap_ms.max(gap);
            self.account.gaps += u64::from(gap > GAP_MS);
        }
    }

    fn stand(&mut self, standing: Standing, tell: &mut impl FnMut(Happening)) {
        let before = std::mem::replace(&mut self.standing, standing);
        match (before, standing) {
            (Standing::Lost, Standing::Lost) => {}
            (_, Standing::Lost) => {
                self.account.losses += 1;
                tell(Happening::Lost(self.device));
            }
            (Standing::Lost, _) => tell(Happening::Found(self.device)),
            _ => {}
        }
        if standing == Standing::Reset {
            self.account.resets += 1;
            tell(Happening::Reset(self.device));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(milli: i64, standing: Standing) -> Reading {
        let now = milli * 1_000_000;
        let mut reading = Reading { begun: now, ended: now + 2_000_000, standing, ..Reading::default() };
        if standing != Standing::Lost {
            reading.set(Signal::Temperature, Entry::Value { value: 40, changed: now });
        }
        reading
    }

    #[test]
    fn gaps_are_between_polls_that_gave_values() {
        let mut account = Account::new(&[DeviceFacts::default()]);
        let mut told = Vec::new();
        for milli in [0, 50, 100, 351, 400] {
            account.add(&[reading(milli, Standing::Present)], |what| told.push(what));
        }
        let lost = [450, 500, 550, 600].map(|milli| reading(milli, Standing::Lost));
        lost.iter().for_each(|reading| account.add(std::slice::from_ref(reading), |what| told.push(what)));
        account.add(&[reading(1000, Standing::Reset)], |what| told.push(what));
        let device = &account.devices()[0];
        assert_eq!((device.rows, device.lost_rows, device.losses, device.resets), (6, 4, 1, 1));
        assert_eq!((device.gaps, device.largest_gap_ms), (2, 600.0));
        assert!((device.call_ms - 2.0).abs() < 1e-9);
        assert_eq!(told, [Happening::Lost(0), Happening::Found(0), Happening::Reset(0)]);
    }

    #[test]
    fn a_poll_without_any_value_is_no_row() {
        let mut account = Account::new(&[DeviceFacts::default()]);
        let mut empty = Reading::default();
        empty.set(Signal::Temperature, Entry::Missing(Missing::Failed(999)));
        account.add(&[empty], |_| {});
        assert_eq!(account.devices()[0].rows, 0);
        assert_eq!(account.devices()[0].failed_entries, 1);
    }
}
