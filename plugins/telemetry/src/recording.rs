//! A recording as a replay plays it: times from its beginning, temperature and power, and how old they were.

use isotherm_core::input::InputError;
use isotherm_recording::{Recording, Signal, Track};

/// One recording: its devices by ascending GPU index.
#[derive(Debug)]
pub(crate) struct Played {
    /// The path as the scenario has it.
    pub(crate) file: String,
    /// From its time 0 to its last row (ns).
    pub(crate) length: u64,
    pub(crate) devices: Vec<Device>,
}

/// The rows of one GPU, as columns of the same length; NaN stands for what was not measured here and nowhere else.
#[derive(Debug)]
pub(crate) struct Device {
    /// Time since the recording's time 0, never decreasing (ns).
    pub(crate) times: Vec<u64>,
    /// Temperature of the die (degC).
    pub(crate) temperatures: Vec<f64>,
    /// Power (W).
    pub(crate) watts: Vec<f64>,
    /// How old the values were (ns); empty where the recording does not say.
    ages: Vec<i64>,
}

impl Played {
    /// Reads a recording of any format that `isotherm-recording` knows, with all its segments.
    ///
    /// # Errors
    /// [`InputError`] with the line where there is one; also for a temperature or power that is no number: a replay has no place
    /// to say that it left something out.
    pub(crate) fn open(file: &str) -> Result<Self, InputError> {
        let recording = Recording::open(file)?;
        recording.require(&[Signal::Temperature])?;
        recording.refuse_odd(&[Signal::Temperature, Signal::Power])?;
        let (origin, length) = (recording.origin(), recording.length());
        let devices = recording.tracks.iter().map(|track| Device::of(track, origin)).collect();
        Ok(Self { file: recording.file, length, devices })
    }
}

impl Device {
    fn of(track: &Track, origin: i64) -> Self {
        let column =
            |signal: Signal| track.column(signal).map_or_else(|| vec![f64::NAN; track.times.len()], <[f64]>::to_vec);
        let watts = if track.watts.is_empty() {
            column(Signal::Power).iter().map(|milliwatts| milliwatts / 1000.0).collect()
        } else {
            track.watts.clone()
        };
        // The origin is the earliest row; in the record of a run, whose clock begins at 0, nothing lies before it.
        let times = track.times.iter().map(|time| time.saturating_sub(origin).try_into().unwrap_or(0)).collect();
        Self { times, temperatures: column(Signal::Temperature), watts, ages: track.age_ns.clone() }
    }

    /// How old the values of a row were (ns). A source that was wrong about its clock may have said less than 0.
    pub(crate) fn age(&self, row: usize) -> u64 {
        self.ages.get(row).map_or(0, |age| (*age).try_into().unwrap_or(0))
    }
}
