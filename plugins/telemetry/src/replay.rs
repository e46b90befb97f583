//! `kind = "replay"`: a recording of real GPUs played back.

use std::fmt;
use std::sync::{Arc, OnceLock};

use isotherm_core::input::InputError;
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Watts};
use serde::{Deserialize, Serialize};

use crate::option::{check_period, fault};
use crate::recording::{Device, Played};

/// Recorded temperatures and powers played back: a router's decisions on what real GPUs once showed.
///
/// Exists because no sensor model is as odd as a sensor. Each (file, GPU index) pair is one recorded device, files in the
/// order given and indices ascending; GPU `i` of the scenario plays device `i` modulo their number. Time 0 of a file is
/// its first row (of the record of a run, the run's own time 0), and at simulated time `now` the recording stands at `start + speed * now`. A sample is the latest row
/// at or before that instant, nothing interpolated, and `taken_at` is that row's time mapped back into simulated time:
/// never later than `now`, and never before time 0 (a row from before `start` counts as taken at 0). Before a
/// device's first row all is absent, and so is the value of an empty cell.
///
/// A column `age_ns` says how old the values were when a run saw them; `taken_at` is then that much before the row. Polled at the
/// instants of its rows such a record gives the samples of the run again, bit for bit.
///
/// The files are read when the first source is built, and shared by all sources of this spec. Runs are marked "replayed
/// temperature", and the model's GPUs take these temperatures as theirs. All formats of `isotherm-recording` are played: our own,
/// logs of `nvidia-smi`, exports of DCGM and Prometheus; of a rotated recording the first segment is named and all are played.
///
/// ```
/// use isotherm_core::telemetry::{Sample, TelemetrySpec, Truth};
/// use isotherm_core::time::SimTime;
/// use isotherm_core::units::Celsius;
/// use isotherm_telemetry::ReplaySpec;
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("two-rows.csv");
/// std::fs::write(&path, "t_s,temp_c\n100.0,41\n100.5,43\n").unwrap();
/// let mut source = ReplaySpec::of([path.to_str().unwrap()]).build(1, 7)?;
///
/// let mut samples = [Sample::default()];
/// source.sample(SimTime::from_nanos(900_000_000), &[Truth::default()], &mut samples)?;
/// assert_eq!(samples[0].temperature, Some(Celsius::new(43.0)));
/// assert_eq!(samples[0].taken_at, SimTime::from_nanos(500_000_000), "the recording has ended, and its last row ages");
/// assert_eq!(samples[0].power, None, "the recording has no such column");
/// # Ok::<(), isotherm_core::telemetry::TelemetryError>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaySpec {
    /// Recordings to play; relative paths are relative to the working folder. Not to be changed under what was read.
    files: Vec<String>,
    /// Time between two polls.
    #[serde(default = "default_period")]
    pub period: SimDuration,
    /// How far into each file simulated time 0 lies.
    #[serde(default)]
    pub start: SimDuration,
    /// What happens after the last row of a file.
    #[serde(default)]
    pub at_end: AtEnd,
    /// Recorded seconds per simulated second.
    #[serde(default = "default_speed")]
    pub speed: f64,
    /// What the files hold, or why they cannot be used; read once.
    #[serde(skip)]
    parsed: Parsed,
}

/// What a replay does after the last row of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AtEnd {
    /// The last row stays, keeps the time it was taken at and grows old: nothing is invented.
    #[default]
    Hold,
    /// The file starts again, its first row in the place of its last.
    Loop,
}

const fn default_period() -> SimDuration {
    SimDuration::from_millis(100)
}

const fn default_speed() -> f64 {
    1.0
}

/// Shared by all sources of one spec; a clone of the spec shares what has been read so far.
#[derive(Clone, Default)]
struct Parsed(OnceLock<Result<Arc<[Played]>, InputError>>);

impl fmt::Debug for Parsed {
    /// Not the rows: a recording has tens of thousands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.get().is_some() { "read" } else { "not read yet" })
    }
}

impl ReplaySpec {
    /// These files from their beginning at their own speed, polled every 100 ms, the last row held.
    #[must_use]
    pub fn of<T: Into<String>>(files: impl IntoIterator<Item = T>) -> Self {
        Self {
            files: files.into_iter().map(Into::into).collect(),
            period: default_period(),
            start: SimDuration::ZERO,
            at_end: AtEnd::default(),
            speed: default_speed(),
            parsed: Parsed::default(),
        }
    }

    /// The recordings to play.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    fn recordings(&self) -> Result<Arc<[Played]>, InputError> {
        let read = || self.files.iter().map(|file| Played::open(file)).collect();
        self.parsed.0.get_or_init(read).clone()
    }

    fn check(&self, recordings: &[Played]) -> Result<(), TelemetryError> {
        for recording in recordings {
            let length = SimDuration::from_nanos(recording.length);
            if self.start > length {
                return Err(fault(
                    "start",
                    format!("{} is past the end of {}; expected at most {length}", self.start, recording.file),
                ));
            }
            if self.at_end == AtEnd::Loop && length.is_zero() {
                return Err(fault(
                    "at_end",
                    format!(
                        "{} has rows of one instant only, which cannot be looped; expected \"hold\"",
                        recording.file
                    ),
                ));
            }
        }
        Ok(())
    }
}

#[typetag::serde(name = "replay")]
impl TelemetrySpec for ReplaySpec {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn build(&self, gpus: usize, _: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        check_period(self.period)?;
        if !(self.speed > 0.0 && self.speed.is_finite()) {
            return Err(fault(
                "speed",
                format!("{} is not allowed; expected a finite factor above 0, for example 1.0", self.speed),
            ));
        }
        if self.files.is_empty() {
            return Err(fault(
                "files",
                "names no recording; expected at least one, for example [\"data/h200/single-1.csv.gz\"]",
            ));
        }
        let recordings = self.recordings()?;
        self.check(&recordings)?;
        let devices = (recordings.iter().enumerate())
            .flat_map(|(file, recording)| (0..recording.devices.len()).map(move |device| (file, device)));
        let plays = devices.collect::<Vec<_>>().into_iter().cycle().take(gpus).collect();
        Ok(Box::new(Replay { recordings, plays, start: self.start, at_end: self.at_end, speed: self.speed }))
    }

    fn prescribes_temperature(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<&'static str> {
        Some("replayed temperature")
    }
}

/// The source: it has no memory, for the time says all.
#[derive(Debug)]
struct Replay {
    recordings: Arc<[Played]>,
    /// File and device in it that each GPU plays.
    plays: Vec<(usize, usize)>,
    start: SimDuration,
    at_end: AtEnd,
    speed: f64,
}

impl Replay {
    /// Where every file stands at `now`, as if it had no end (ns).
    fn position(&self, now: SimTime) -> u64 {
        // A float is exact to 104 days only. Cut off, so that no row comes early; saturates in 584 years.
        let played = if self.speed == 1.0 { now.nanos() } else { (now.nanos() as f64 * self.speed) as u64 };
        self.start.nanos().saturating_add(played)
    }

    /// The instant at which the files stand at `position`, brought between 0 and `now`.
    fn instant(&self, position: u64, now: SimTime) -> SimTime {
        let since_start = position.saturating_sub(self.start.nanos());
        let nanos = if self.speed == 1.0 { since_start } else { (since_start as f64 / self.speed).round() as u64 };
        SimTime::from_nanos(nanos).min(now)
    }
}

/// The latest row of `device` at or before `position`: its index, and where it lies in a file of `length` without end (ns).
fn latest(device: &Device, position: u64, length: u64, at_end: AtEnd) -> Option<(usize, u64)> {
    let (passed, within) = match at_end {
        AtEnd::Hold => (0, position),
        AtEnd::Loop => (position / length * length, position % length),
    };
    let rows = device.times.partition_point(|time| *time <= within);
    if let Some(row) = rows.checked_sub(1) {
        return Some((row, passed + device.times[row]));
    }
    // Before its first row of this pass a device still shows its last row of the pass before.
    let row = device.times.len().checked_sub(1)?;
    Some((row, passed.checked_sub(length)? + device.times[row]))
}

impl TelemetrySource for Replay {
    fn sample(&mut self, now: SimTime, _: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        let position = self.position(now);
        for (sample, &(file, device)) in out.iter_mut().zip(&self.plays) {
            let recording = &self.recordings[file];
            let device = &recording.devices[device];
            *sample = match latest(device, position, recording.length, self.at_end) {
                None => Sample::default(),
                Some((row, at)) => Sample {
                    taken_at: self.instant(at.saturating_sub(device.age(row)), now),
                    temperature: present(device.temperatures[row]).map(Celsius::new),
                    power: present(device.watts[row]).map(Watts::new),
                },
            };
        }
        Ok(())
    }
}

/// A cell that was not empty.
fn present(cell: f64) -> Option<f64> {
    (!cell.is_nan()).then_some(cell)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const H200: [&str; 2] = [
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/data/h200/single-1.csv.gz"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/data/h200/holds-3.csv.gz"),
    ];

    fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
        let path: PathBuf = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn at(source: &mut dyn TelemetrySource, gpus: usize, seconds: f64) -> Vec<Sample> {
        let mut out = vec![Sample::default(); gpus];
        let now = SimTime::ZERO + SimDuration::from_seconds(seconds).unwrap();
        source.sample(now, &vec![Truth::default(); gpus], &mut out).unwrap();
        out
    }

    fn temperatures(samples: &[Sample]) -> Vec<Option<f64>> {
        samples.iter().map(|sample| sample.temperature.map(Celsius::get)).collect()
    }

    #[test]
    fn our_recordings_play() {
        let mut source = ReplaySpec::of(H200).build(3, 1).unwrap();
        let first = at(source.as_mut(), 3, 0.0);
        assert_eq!(temperatures(&first), [Some(37.0), Some(41.0), Some(37.0)]);
        assert_eq!(first[1].power, Some(Watts::new(80.445)));
        // The second row of the second file was taken 32.6 ms after its first.
        assert_eq!(at(source.as_mut(), 3, 0.040)[1].taken_at, SimTime::from_nanos(32_600_000));
        let end = at(source.as_mut(), 3, 1e6);
        assert_eq!(temperatures(&end), [Some(42.0), Some(46.0), Some(42.0)]);
        assert_eq!(end[1].taken_at, SimTime::from_nanos(393_501_900_000));
    }

    #[test]
    fn gpus_of_the_scenario_take_the_recorded_devices_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            file(&folder, "a.csv", "t_s,gpu,temp_c\n0,5,15\n0,2,12\n1,2,13\n"),
            file(&folder, "b.csv", "t_s,temp_c\n9,20\n"),
        ];
        let mut source = ReplaySpec::of(files).build(5, 1).unwrap();
        let expected = [12.0, 15.0, 20.0, 12.0, 15.0].map(Some);
        assert_eq!(temperatures(&at(source.as_mut(), 5, 0.5)), expected);
    }

    #[test]
    fn start_and_speed_map_the_recording_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "a.csv", "t_s,temp_c\n0,40\n1,41\n2,42\n3,43\n");
        let spec = ReplaySpec { start: SimDuration::from_millis(1500), speed: 2.0, ..ReplaySpec::of([path]) };
        let mut source = spec.build(1, 1).unwrap();
        let mut read = |seconds| {
            let sample = at(source.as_mut(), 1, seconds)[0];
            (sample.temperature.unwrap().get(), sample.taken_at.seconds())
        };
        assert_eq!(read(0.0), (41.0, 0.0));
        assert_eq!(read(0.249), (41.0, 0.0));
        assert_eq!(read(0.25), (42.0, 0.25));
        assert_eq!(read(9.0), (43.0, 0.75));
    }

    #[test]
    fn a_loop_starts_again_and_a_late_device_shows_its_last_row_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "a.csv", "t_s,gpu,temp_c\n0,0,40\n1,1,50\n2,0,41\n3,1,\n4,0,42\n");
        let spec = ReplaySpec { at_end: AtEnd::Loop, ..ReplaySpec::of([path]) };
        let mut source = spec.build(2, 1).unwrap();
        assert_eq!(temperatures(&at(source.as_mut(), 2, 0.5)), [Some(40.0), None]);
        assert_eq!(temperatures(&at(source.as_mut(), 2, 3.5)), [Some(41.0), None]);
        assert_eq!(temperatures(&at(source.as_mut(), 2, 4.0)), [Some(40.0), None]);
        assert_eq!(at(source.as_mut(), 2, 4.5)[1].taken_at, SimTime::from_nanos(3_000_000_000));
        assert_eq!(temperatures(&at(source.as_mut(), 2, 5.0)), [Some(40.0), Some(50.0)]);
        assert_eq!(at(source.as_mut(), 2, 42.5)[0].taken_at, SimTime::from_nanos(42_000_000_000));
    }

    #[test]
    fn a_sample_is_not_from_the_future_where_the_clock_is_finer_than_a_float() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "a.csv", "t_s,temp_c\n0,40\n1152921504.606846976,41\n");
        let now = SimTime::from_nanos((1 << 60) - 1);
        let mut out = [Sample::default()];
        ReplaySpec::of([path]).build(1, 1).unwrap().sample(now, &[Truth::default()], &mut out).unwrap();
        assert!(out[0].taken_at <= now);
    }

    #[test]
    fn logs_of_other_tools_play() {
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recording/tests/data");
        let files = ["smi-units.csv", "prometheus-range.json", "dcgm-long.csv"].map(|name| format!("{samples}/{name}"));
        let mut source = ReplaySpec::of(files).build(6, 1).unwrap();
        let first = at(source.as_mut(), 6, 0.4);
        assert_eq!(temperatures(&first), [41.0, 64.0, 41.0, f64::NAN, 41.0, 64.0].map(present));
        assert_eq!(first[1].power, Some(Watts::new(689.12)));
        let second = at(source.as_mut(), 6, 0.502);
        assert_eq!(temperatures(&second)[..2], [Some(41.0), Some(65.0)]);
        assert_eq!((second[1].power, second[1].taken_at), (None, SimTime::from_nanos(502_000_000)));
    }

    #[test]
    fn all_segments_of_a_recording_play_when_the_first_is_named() {
        use isotherm_recording::{Entry, Header, Reading, Recorder, RecorderOptions, Signal};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.parquet");
        let rotate_every = Some(std::time::Duration::from_secs(1));
        let options = RecorderOptions { rotate_every, ..RecorderOptions::default() };
        let mut recorder = Recorder::create(&path, Header::new("test", 500.0, &[]), options).unwrap();
        for k in 0..5 {
            let begun = 1_795_378_419_000_000_000 + k * 500_000_000;
            let mut reading = Reading { begun, ended: begun, ..Reading::default() };
            reading.set(Signal::Temperature, Entry::Value { value: 40 + k, changed: begun });
            recorder.write(&[reading]).unwrap();
        }
        assert_eq!(recorder.finish().unwrap().len(), 3);
        let mut source = ReplaySpec::of([path.to_str().unwrap()]).build(1, 1).unwrap();
        let played: Vec<_> = (0..5).map(|k| temperatures(&at(source.as_mut(), 1, 0.5 * f64::from(k)))[0]).collect();
        assert_eq!(played, [40.0, 41.0, 42.0, 43.0, 44.0].map(Some));
    }

    #[test]
    fn the_files_are_read_once_and_shared() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "a.csv", "t_s,temp_c\n0,40\n");
        let spec = ReplaySpec::of([path.clone()]);
        assert!(format!("{spec:?}").contains("not read yet"));
        spec.build(1, 1).unwrap();
        fs::remove_file(path).unwrap();
        assert!(spec.build(1, 2).is_ok());
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "a.csv", "t_s,temp_c\n7,40\n");
        let base = ReplaySpec::of([path.clone()]);
        let refused = |spec: ReplaySpec| spec.build(1, 1).err().unwrap().to_string().replace(&path, "a.csv");
        let cases = [
            (ReplaySpec { files: vec![], ..base.clone() }, "`files`: names no recording; expected at least one, for "),
            (ReplaySpec { speed: 0.0, ..base.clone() }, "`speed`: 0 is not allowed; expected a finite factor above 0"),
            (ReplaySpec { speed: f64::NAN, ..base.clone() }, "`speed`: NaN is not allowed; expected a finite factor"),
            (
                ReplaySpec { start: SimDuration::from_millis(1), ..base.clone() },
                "`start`: 1 ms is past the end of a.csv; expected at most 0 s",
            ),
            (
                ReplaySpec { at_end: AtEnd::Loop, ..base.clone() },
                "`at_end`: a.csv has rows of one instant only, which cannot be looped; expected \"hold\"",
            ),
            (ReplaySpec::of(["no/such.csv"]), "no/such.csv: there is no such file; expected a recording as CSV"),
        ];
        for (spec, expected) in cases {
            let message = refused(spec);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn the_table_is_written_back_with_its_defaults() {
        let text = "files = [\"a.csv\"]";
        let written = toml::to_string(&toml::from_str::<ReplaySpec>(text).unwrap()).unwrap();
        let defaults = "period = \"100 ms\"\nstart = \"0 s\"\nat_end = \"hold\"\nspeed = 1.0\n";
        assert_eq!(written, format!("{text}\n{defaults}"));
    }
}
