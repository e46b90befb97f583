//! One run's record: written as the run goes, read back to the last bit.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use isotherm_core::input::InputError;
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Watts};

use crate::fault::Fault;

const HEADER: &str = "t_s,gpu,temp_c,power_mw,age_ns";

/// Time of the run between two writes: what a kill loses at most.
const BETWEEN_WRITES: SimDuration = SimDuration::from_millis(1000);

/// Text at which is written earlier (bytes): thousands of GPUs, or polls every millisecond.
const MOST_PENDING: usize = 1 << 20;

/// A record that is being written.
pub(super) struct RecordFile {
    path: PathBuf,
    rows: Mutex<Rows>,
}

struct Rows {
    file: File,
    /// Whole rows that are not in the file yet.
    pending: String,
    written: SimTime,
}

impl RecordFile {
    /// Begins a record in the place of an earlier one.
    pub(super) fn create(path: &Path) -> Result<Self, Fault> {
        let begin = || {
            let mut file = File::create(path)?;
            file.write_all(format!("{HEADER}\n").as_bytes())?;
            Ok(file)
        };
        let file = begin().map_err(|error| Fault::unwritable(path, error))?;
        let rows = Rows { file, pending: String::new(), written: SimTime::ZERO };
        Ok(Self { path: path.to_owned(), rows: Mutex::new(rows) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds what a poll at `now` gave.
    fn add(&self, now: SimTime, samples: &[Sample]) -> std::io::Result<()> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for (gpu, sample) in samples.iter().enumerate() {
            row(&mut rows.pending, now, gpu, sample);
        }
        if now.saturating_since(rows.written) >= BETWEEN_WRITES || rows.pending.len() >= MOST_PENDING {
            rows.written = now;
            rows.write()?;
        }
        Ok(())
    }

    /// Writes what is not in the file yet.
    pub(super) fn flush(&self) -> std::io::Result<()> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).write()
    }
}

impl Rows {
    fn write(&mut self) -> std::io::Result<()> {
        self.file.write_all(self.pending.as_bytes())?;
        self.pending.clear();
        Ok(())
    }
}

/// A source that passes on what another one says, and writes it down.
pub(super) struct Watched {
    source: Box<dyn TelemetrySource>,
    file: Arc<RecordFile>,
}

impl Watched {
    pub(super) fn new(source: Box<dyn TelemetrySource>, file: Arc<RecordFile>) -> Self {
        Self { source, file }
    }
}

impl TelemetrySource for Watched {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        self.source.sample(now, truth, out)?;
        self.file.add(now, out).map_err(|error| {
            TelemetryError::Failed(format!("cannot write the record {}: {error}", self.file.path.display()))
        })
    }

    fn save(&self) -> Vec<u8> {
        self.source.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        self.source.load(state)
    }
}

fn row(text: &mut String, now: SimTime, gpu: usize, sample: &Sample) {
    let temperature = sample.temperature.map(|celsius| celsius.get().to_string()).unwrap_or_default();
    let power = sample.power.map(milliwatts).unwrap_or_default();
    // Signed: a source that is wrong about its clock is written down as it is.
    let age = i128::from(now.nanos()) - i128::from(sample.taken_at.nanos());
    let (seconds, nanos) = (now.nanos() / 1_000_000_000, now.nanos() % 1_000_000_000);
    // Writing into memory cannot fail.
    let _ = writeln!(text, "{seconds}.{nanos:09},{gpu},{temperature},{power},{age}");
}

/// Milliwatts as text that [`watts`] reads back as the very same power: not every product with 1000 does.
fn milliwatts(power: Watts) -> String {
    let short = (power.get() * 1000.0).to_string();
    if watts(&short) == Some(power.get()) {
        return short;
    }
    let scientific = format!("{:e}", power.get());
    match scientific.split_once('e').and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?))) {
        Some((digits, exponent)) => format!("{digits}e{}", exponent + 3),
        None => short,
    }
}

/// The decimal point is moved in the text, where nothing is rounded.
fn watts(milliwatts: &str) -> Option<f64> {
    let (digits, exponent) = milliwatts.split_once('e').unwrap_or((milliwatts, "0"));
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(3)?;
    // What is no finite number has no decimal point.
    format!("{digits}e{exponent}").parse().or_else(|_| milliwatts.parse()).ok()
}

/// Everything a run saw: instants of polls, and the samples of all GPUs at each.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) polls: Vec<SimTime>,
    /// `polls x gpus`.
    pub(super) samples: Vec<Sample>,
}

impl Seen {
    /// Reads a record. A poll that a kill has cut short at the end is left out.
    pub(super) fn read(path: &Path, gpus: usize) -> Result<Self, InputError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            InputError::new(&name, format!("cannot be read ({error})"), "expected the record of a live run")
        })?;
        Self::parse(&name, &text, gpus)
    }

    fn parse(name: &str, text: &str, gpus: usize) -> Result<Self, InputError> {
        let expected = || format!("expected the record of a live run on {gpus} GPUs, with the columns {HEADER}");
        let mut seen = Self::default();
        for (line, content) in (1..).zip(text.split_inclusive('\n')) {
            let fault = |found: &str| InputError::new(name, found.to_owned(), expected()).at_line(line);
            // What a kill has left of a row is no row.
            let Some(content) = content.strip_suffix('\n') else { break };
            if line == 1 {
                if content != HEADER {
                    return Err(fault("the header is another"));
                }
                continue;
            }
            let (now, gpu, sample) = parse_row(content).ok_or_else(|| fault("this is no row of a record"))?;
            let place = seen.samples.len() % gpus.max(1);
            if gpu != place || (place > 0 && seen.polls.last() != Some(&now)) {
                return Err(fault("a poll has not one row for every GPU"));
            }
            if place == 0 {
                if seen.polls.last().is_some_and(|last| *last >= now) {
                    return Err(fault("time does not go on"));
                }
                seen.polls.push(now);
            }
            seen.samples.push(sample);
        }
        if seen.samples.len() % gpus.max(1) > 0 {
            seen.polls.pop();
            seen.samples.truncate(seen.polls.len() * gpus);
        }
        if seen.polls.is_empty() {
            return Err(InputError::new(name, "there is no whole poll in it".to_owned(), expected()));
        }
        Ok(seen)
    }

    /// What was seen at exactly `now`.
    pub(super) fn at(&self, now: SimTime) -> Option<&[Sample]> {
        let gpus = self.samples.len() / self.polls.len().max(1);
        let poll = self.polls.binary_search(&now).ok()?;
        self.samples.get(poll * gpus..(poll + 1) * gpus)
    }
}

fn parse_row(content: &str) -> Option<(SimTime, usize, Sample)> {
    let cells: Vec<&str> = content.split(',').collect();
    let [seconds, gpu, temperature, power, age] = cells.as_slice() else { return None };
    let (seconds, nanos) = seconds.split_once('.').filter(|(_, nanos)| nanos.len() == 9)?;
    let now = seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos.parse().ok()?)?;
    let taken_at = u64::try_from(i128::from(now).checked_sub(age.parse().ok()?)?).ok()?;
    // Empty: not measured. Anything else has to be a number.
    let cell = |text: &str, value: &dyn Fn(&str) -> Option<f64>| {
        if text.is_empty() { Some(None) } else { value(text).map(Some) }
    };
    let temperature = cell(temperature, &|text| text.parse().ok())?.map(Celsius::new);
    let power = cell(power, &watts)?.map(Watts::new);
    let sample = Sample { taken_at: SimTime::from_nanos(taken_at), temperature, power };
    Some((SimTime::from_nanos(now), gpu.parse().ok()?, sample))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> impl Strategy<Value = Sample> {
        let value = || {
            proptest::option::of(prop_oneof![
                0.0..1e3,
                -1e-9..1e9,
                Just(80.445),
                any::<f64>().prop_filter("finite", |v| v.is_finite())
            ])
        };
        (any::<u64>(), value(), value()).prop_map(|(taken_at, temperature, power)| Sample {
            taken_at: SimTime::from_nanos(taken_at),
            temperature: temperature.map(Celsius::new),
            power: power.map(Watts::new),
        })
    }

    proptest! {
        #[test]
        fn every_sample_is_read_back_to_the_last_bit(now in any::<u64>(), samples in prop::collection::vec(sample(), 3)) {
            let mut text = format!("{HEADER}\n");
            let now = SimTime::from_nanos(now);
            samples.iter().enumerate().for_each(|(gpu, sample)| row(&mut text, now, gpu, sample));
            let seen = Seen::parse("r.csv", &text, 3).unwrap();
            let bits = |samples: &[Sample]| -> Vec<_> {
                let of = |s: &Sample| (s.taken_at, s.temperature.map(|t| t.get().to_bits()), s.power.map(|p| p.get().to_bits()));
                samples.iter().map(of).collect()
            };
            prop_assert_eq!(bits(seen.at(now).unwrap()), bits(&samples));
        }
    }

    #[test]
    fn milliwatts_of_hardware_stay_whole_numbers() {
        for milliwatts in [70_000_u32, 80_445, 80_446, 333_333, 699_999] {
            assert_eq!(super::milliwatts(Watts::new(f64::from(milliwatts) / 1000.0)), milliwatts.to_string());
        }
    }

    #[test]
    fn a_record_that_was_cut_plays_its_whole_polls() {
        let whole = format!(
            "{HEADER}\n0.000000000,0,40,1,0\n0.000000000,1,41,1,0\n0.100000000,0,42,,5\n0.100000000,1,,1,100000000\n"
        );
        let seen = Seen::parse("r.csv", &whole, 2).unwrap();
        assert_eq!(seen.polls, [SimTime::ZERO, SimTime::from_nanos(100_000_000)]);
        assert_eq!(seen.at(SimTime::from_nanos(100_000_000)).unwrap()[1].temperature, None);
        assert_eq!(seen.at(SimTime::from_nanos(99_999_999)), None);
        for cut in whole.len() - 40..whole.len() {
            assert_eq!(Seen::parse("r.csv", &whole[..cut], 2).unwrap().polls, [SimTime::ZERO], "{}", &whole[..cut]);
        }
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_line() {
        let refused = |text: &str| Seen::parse("r.csv", text, 2).unwrap_err().to_string();
        let rows = |rows: &str| refused(&format!("{HEADER}\n{rows}"));
        assert!(
            refused("t_s,temp_c\n0,41\n")
                .starts_with("r.csv:1: the header is another; expected the record of a live run on 2 GPUs")
        );
        for text in ["0.1,0,40,1,0\n", "0.000000000,0,4x,1,0\n", "0.000000000,0,40,1\n", "0.000000000,0,40,1,9\n"] {
            assert!(rows(text).starts_with("r.csv:2: this is no row of a record"), "{text}");
        }
        assert!(rows("0.000000000,1,40,1,0\n").starts_with("r.csv:2: a poll has not one row for every GPU"));
        assert!(rows("0.000000000,0,40,1,0\n0.000000001,1,40,1,0\n").starts_with("r.csv:3: a poll has not one row"));
        let back = "0.000000001,0,,,0\n0.000000001,1,,,0\n0.000000001,0,,,0\n0.000000001,1,,,0\n";
        assert!(rows(back).starts_with("r.csv:4: time does not go on"));
        assert!(rows("").starts_with("r.csv: there is no whole poll in it"));
    }
}
