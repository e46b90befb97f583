//! Which columns a recording has, and a reading as a row.

use std::fmt::Write;

use crate::header::Header;
use crate::reading::{Entry, Reading, Standing};
use crate::signal::Signal;

/// The signals whose age is worth a column `<signal>_age_ms`: what sensors refresh more slowly than one polls.
pub const AGED: [Signal; 7] = [
    Signal::Power,
    Signal::PowerMean,
    Signal::PowerInstant,
    Signal::Energy,
    Signal::MemoryPowerMean,
    Signal::Temperature,
    Signal::MemoryTemperature,
];

/// Every reader asks for these two.
const NEEDED: [Signal; 2] = [Signal::Power, Signal::Temperature];

/// The columns of a segment: signals in the order of [`Signal::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns(Vec<Signal>);

impl Columns {
    pub(super) fn of(header: &Header) -> Self {
        let given = header.signals();
        Self(Signal::ALL.into_iter().filter(|signal| NEEDED.contains(signal) || given.contains(signal)).collect())
    }

    /// Adds columns for values that have none.
    pub(super) fn widen(&mut self, readings: &[Reading]) {
        for signal in Signal::ALL {
            if !self.0.contains(&signal) && readings.iter().any(|reading| reading.value(signal).is_some()) {
                self.0.push(signal);
                self.0.sort_unstable();
            }
        }
    }

    fn aged(&self) -> impl Iterator<Item = Signal> + '_ {
        self.0.iter().copied().filter(|signal| AGED.contains(signal))
    }

    /// The line with the names.
    pub(super) fn names(&self) -> String {
        let signals = self.0.iter().map(|signal| signal.column().to_owned());
        let ages = self.aged().map(|signal| format!("{}_age_ms", signal.column()));
        let names = ["t_s", "gpu"].map(str::to_owned).into_iter().chain(signals);
        let names: Vec<String> = names.chain(["call_us".to_owned()]).chain(ages).chain(["status".to_owned()]).collect();
        format!("{}\n", names.join(","))
    }

    /// Appends a row. Times are exact to the nanosecond, ages and the length of the call to the microsecond.
    pub(super) fn append(&self, reading: &Reading, out: &mut String) {
        let (sign, since) = (if reading.begun < 0 { "-" } else { "" }, reading.begun.unsigned_abs());
        push(out, format_args!("{sign}{}.{:09},{}", since / 1_000_000_000, since % 1_000_000_000, reading.device));
        for signal in &self.0 {
            match reading.value(*signal) {
                Some(value) => push(out, format_args!(",{value}")),
                None => out.push(','),
            }
        }
        push(out, format_args!(",{}", micros(reading.ended.saturating_sub(reading.begun))));
        for signal in self.aged() {
            out.push(',');
            if let Entry::Value { changed, .. } = reading.get(signal) {
                push_millis(out, micros(reading.begun.saturating_sub(changed)));
            }
        }
        push(out, format_args!(",{}\n", status(reading.standing)));
    }
}

/// Writing to a text cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Nanoseconds to the nearest microsecond.
const fn micros(nanos: i64) -> i64 {
    (nanos.saturating_add(500)).div_euclid(1000)
}

/// Microseconds as milliseconds, without zeros at the end.
fn push_millis(out: &mut String, micros: i64) {
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    push(out, format_args!("{sign}{}", size / 1000));
    if size % 1000 > 0 {
        push(out, format_args!(".{:03}", size % 1000));
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// The word for a device's standing.
const fn status(standing: Standing) -> &'static str {
    match standing {
        Standing::Present => "ok",
        Standing::Lost => "lost",
        Standing::Reset => "reset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceFacts, SignalFacts};

    #[test]
    fn a_row_has_what_was_measured_and_nothing_else() {
        let mut device = DeviceFacts::default();
        device.signals.insert(Signal::SmClock, SignalFacts::default());
        let mut columns = Columns::of(&Header::new("test", 50.0, &[device]));
        assert_eq!(columns.names(), "t_s,gpu,power_mw,temp_c,sm_mhz,call_us,power_mw_age_ms,temp_c_age_ms,status\n");

        let begun = 1_795_378_419_053_400_001;
        let mut reading = Reading { device: 3, begun, ended: begun + 1_234_567, ..Reading::default() };
        reading.set(Signal::Temperature, Entry::Value { value: -4, changed: begun - 20_500_000 });
        let mut row = String::new();
        columns.append(&reading, &mut row);
        reading.standing = Standing::Lost;
        reading.set(Signal::Temperature, Entry::default());
        columns.append(&reading, &mut row);
        assert_eq!(row, "1795378419.053400001,3,,-4,,1235,,20.5,ok\n1795378419.053400001,3,,,,1235,,,lost\n");

        let before = columns.clone();
        columns.widen(std::slice::from_ref(&reading));
        assert_eq!(columns, before);
        reading.set(Signal::Energy, Entry::Value { value: 7, changed: begun });
        columns.widen(&[reading]);
        assert!(columns.names().starts_with("t_s,gpu,power_mw,energy_mj,temp_c,"));
    }

    #[test]
    fn ages_are_written_as_short_as_they_are() {
        for (micros, text) in [(0, "0"), (20_000, "20"), (20_500, "20.5"), (1, "0.001"), (-1_010, "-1.01")] {
            let mut out = "100".to_owned();
            push_millis(&mut out, micros);
            assert_eq!(out, format!("100{text}"));
        }
    }
}
