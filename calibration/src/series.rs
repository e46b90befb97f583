//! One GPU of a recording as a thermal model wants it: power between instants, temperatures at them.

mod alias;
mod memory;
mod stream;

pub use stream::upstream;

use crate::recording::{Phase, Recording, Track};

/// A recorded GPU, cut at the instants at which its energy counter moved.
///
/// Interval `k` lies between instants `k` and `k + 1`; there is one interval less than instants. NaN in a temperature stands
/// for an instant without a reading and occurs nowhere else.
#[derive(Clone, Debug)]
pub struct Series {
    /// The file it is from.
    pub file: String,
    /// Index of the GPU.
    pub gpu: u32,
    /// Instants since the first row of the file (s).
    pub time: Vec<f64>,
    /// Power before the first instant (W): the recording is taken to start near that power's steady state.
    pub initial_power: f64,
    /// Mean power in each interval (W).
    pub power: Vec<f64>,
    /// Power of the GPUs upstream in the same air or coolant in each interval (W); empty until [`upstream`] is told who that is.
    pub upstream: Vec<f64>,
    /// The same before the first instant (W).
    pub initial_upstream: f64,
    /// Measured power of the memory in each interval (W), where the recording has it.
    pub memory_power: Option<Vec<f64>>,
    /// Share of each interval in which memory was used (0 to 1).
    pub memory_use: Vec<f64>,
    /// Whether `memory_use` was recorded; if not, it is guessed from the power.
    pub memory_use_is_measured: bool,
    /// Temperature of the GPU (degC) at each instant.
    pub gpu_celsius: Vec<f64>,
    /// Temperature of the memory (degC) at each instant; empty where the recording has none.
    pub hbm_celsius: Vec<f64>,
    /// What may be said about each instant.
    pub standing: Vec<Standing>,
    /// Energy by the counter and by the mean power (J) over the same time, where both were recorded.
    pub energies: Option<(f64, f64)>,
    /// Mean clock (MHz) and number of rows under the software power cap, where there were such rows.
    pub clock_at_cap: Option<(f64, usize)>,
    /// What was mended or is missing, as sentences.
    pub notes: Vec<String>,
}

/// What an instant's temperature can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A load that is steady or changes slowly against the sensors.
    Continuous,
    /// A load that goes on and off near the sensors' 100 ms: drives the model, is not fitted, is reported apart.
    Aliased,
    /// Right after a gap in the recording or a reset of its counter: nobody knows the power that led there.
    Unknown,
}

/// Rows closer than this (s) are one instant: the counter moves every 100 ms.
const FINEST: f64 = 0.08;
/// Rows further apart than this (s) are a gap.
const GAP: f64 = 2.0;
/// Time after a gap whose temperatures are not compared (s): the die and the memory forget it within that.
const SETTLING: f64 = 5.0;
/// No GPU draws this much (W); a counter that says so was reset.
const ABSURD: f64 = 5000.0;
/// The bit of `reasons` that says the software power cap holds the clock.
const SOFTWARE_POWER_CAP: u64 = 4;

impl Series {
    /// One series for each GPU of the recording.
    ///
    /// # Errors
    /// A sentence for each GPU that cannot be used: too short, without power, without temperatures.
    pub fn all(recording: &Recording) -> (Vec<Self>, Vec<String>) {
        let mut faults = Vec::new();
        let series = recording.tracks.iter().enumerate().filter_map(|(place, track)| {
            Self::of(recording, place, track)
                .map_err(|fault| faults.push(format!("{}: GPU {}: {fault}", recording.file, track.gpu)))
                .ok()
        });
        (series.collect(), faults)
    }

    fn of(recording: &Recording, place: usize, track: &Track) -> Result<Self, String> {
        let rows = track.time.len();
        if !track.gpu_celsius.iter().any(|t| t.is_finite()) {
            return Err("there is no reading of `temp_c`; a thermal model has nothing to be compared with".to_owned());
        }
        let mut notes = Vec::new();
        let counter =
            track.energy.iter().filter(|e| e.is_finite()).count() > 1 && track.energy.windows(2).any(|w| w[1] > w[0]);
        let cut = if counter { Cut::by_counter(track, &mut notes) } else { Cut::by_power(track, &mut notes) };
        let span = cut.rows.last().map_or(0.0, |last| track.time[*last]) - track.time[0];
        if cut.rows.len() < 20 || span < 10.0 {
            return Err(format!(
                "{rows} rows over {span:.1} s are too few for a thermal model; record at least 10 s, better 5 minutes"
            ));
        }
        if cut.power.iter().any(|power| !power.is_finite()) {
            return Err("there is no reading of power or energy".to_owned());
        }
        let time: Vec<f64> = cut.rows.iter().map(|row| track.time[*row]).collect();
        let at = |column: &[f64]| -> Vec<f64> {
            if column.iter().any(|value| value.is_finite()) {
                cut.rows.iter().map(|row| column[*row]).collect()
            } else {
                Vec::new()
            }
        };
        let mut standing = alias::standing(&time, &cut.power, &recording.phases_of(place), counter);
        for window in track.time.windows(2).filter(|w| w[1] - w[0] > GAP) {
            notes.push(format!(
                "no rows between {:.1} s and {:.1} s; the mean power of the counter is used",
                window[0], window[1]
            ));
            mark(&mut standing, &time, window[0], window[1] + SETTLING);
        }
        for &(from, to) in &cut.unknown {
            mark(&mut standing, &time, from, to + SETTLING);
        }
        let initial_power = track.power.iter().copied().find(|p| p.is_finite()).unwrap_or(cut.power[0]);
        let memory_use = memory::mean_use(track, &cut.rows);
        let memory_use_is_measured = memory_use.is_some();
        if !memory_use_is_measured {
            notes.push("no `util_mem`: the use of the memory is guessed from the power".to_owned());
        }
        let memory_power = memory::deconvolved(track, &cut.rows, &time, &cut.power);
        let hbm_celsius = at(&track.hbm_celsius);
        if hbm_celsius.is_empty() {
            notes.push("no `mem_temp_c`: only the GPU's temperature is compared".to_owned());
        }
        Ok(Self {
            file: recording.file.clone(),
            gpu: track.gpu,
            initial_power,
            upstream: Vec::new(),
            initial_upstream: 0.0,
            memory_use: memory_use.unwrap_or_else(|| memory::guessed_use(&cut.power)),
            memory_use_is_measured,
            memory_power,
            gpu_celsius: at(&track.gpu_celsius),
            hbm_celsius,
            standing,
            energies: if counter { energies(track, &cut) } else { None },
            clock_at_cap: clock_at_cap(track),
            time,
            power: cut.power,
            notes,
        })
    }

    /// Length of the intervals (s).
    pub(crate) fn steps(&self) -> impl Iterator<Item = f64> + '_ {
        self.time.windows(2).map(|w| w[1] - w[0])
    }

    /// Length of the series (s).
    #[must_use]
    pub fn span(&self) -> f64 {
        self.time.last().copied().unwrap_or(0.0) - self.time.first().copied().unwrap_or(0.0)
    }

    /// `file` or `file, GPU n`, as tables call it.
    #[must_use]
    pub fn label(&self) -> String {
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file);
        let name = name.trim_end_matches(".gz").trim_end_matches(".csv").trim_end_matches(".parquet");
        format!("{name} GPU {}", self.gpu)
    }
}

impl Recording {
    /// Start, end and duty of each phase of the GPU at `place` in the file.
    fn phases_of(&self, place: usize) -> Vec<(f64, f64, f64)> {
        let duty = |phase: &Phase| phase.duty.get(place).or(phase.duty.last()).copied().unwrap_or(1.0);
        self.phases.iter().map(|phase| (phase.t0, phase.t1, duty(phase))).collect()
    }
}

fn mark(standing: &mut [Standing], time: &[f64], from: f64, to: f64) {
    for (standing, _) in standing.iter_mut().zip(time).filter(|(_, t)| (from..=to).contains(*t)) {
        *standing = Standing::Unknown;
    }
}

/// Where a track is cut, and the power between the cuts.
struct Cut {
    rows: Vec<usize>,
    power: Vec<f64>,
    /// Stretches whose power is not known (s).
    unknown: Vec<(f64, f64)>,
}

impl Cut {
    /// At the updates of the energy counter: its differences are exact whatever the poll's jitter.
    fn by_counter(track: &Track, notes: &mut Vec<String>) -> Self {
        let mut cut = Self { rows: vec![0], power: Vec::new(), unknown: Vec::new() };
        let fallback = |from: usize, to: usize| {
            let known = track.power.get(from..=to).unwrap_or_default().iter().copied().filter(|p| p.is_finite());
            let known: Vec<f64> = known.collect();
            known.iter().sum::<f64>() / known.len() as f64
        };
        let (mut last_row, mut last_energy, mut ticks) = (0, f64::NAN, 0);
        for row in 0..track.time.len() {
            let energy = track.energy[row];
            if !energy.is_finite()
                || energy == last_energy
                || (row > 0 && track.time[row] - track.time[last_row] < FINEST)
            {
                if last_energy.is_nan() && energy.is_finite() {
                    last_energy = energy;
                }
                continue;
            }
            let seconds = track.time[row] - track.time[last_row];
            if row > 0 {
                let power = (energy - last_energy) / seconds;
                // The first update ends an interval that began before the recording.
                let begun_before = ticks == 0;
                let power = if begun_before || !(0.0..ABSURD).contains(&power) {
                    let at = track.time[row];
                    if !begun_before {
                        notes.push(format!("the energy counter was reset at {at:.1} s; the mean power is used there"));
                        cut.unknown.push((track.time[last_row], at));
                    }
                    let before = cut.power.last().copied().unwrap_or(f64::NAN);
                    let mean = fallback(last_row, row);
                    if mean.is_finite() { mean } else { before }
                } else {
                    power
                };
                cut.power.push(power);
                cut.rows.push(row);
                ticks += 1;
            }
            (last_row, last_energy) = (row, energy);
        }
        // Without a mean power the interval before the first update takes the power after it.
        if let [first, second, ..] = cut.power.as_mut_slice()
            && !first.is_finite()
        {
            *first = *second;
        }
        cut
    }

    /// Without a counter: the mean of the last second, moved back by half of it.
    fn by_power(track: &Track, notes: &mut Vec<String>) -> Self {
        notes.push("no energy counter: the mean power of the last second is used, which blurs every step".to_owned());
        let mut cut = Self { rows: Vec::new(), power: Vec::new(), unknown: Vec::new() };
        for row in 0..track.time.len() {
            let far = cut.rows.last().is_none_or(|last| track.time[row] - track.time[*last] >= 0.0999);
            if far {
                cut.rows.push(row);
            }
        }
        let mut ahead = 0;
        for rows in cut.rows.windows(2) {
            let middle = 0.5 * (track.time[rows[0]] + track.time[rows[1]]);
            while ahead + 1 < track.time.len() && track.time[ahead] < middle + 0.5 {
                ahead += 1;
            }
            let known = track.power.get(..=ahead).unwrap_or_default().iter().rev().copied().find(|p| p.is_finite());
            cut.power.push(known.unwrap_or(f64::NAN));
        }
        cut
    }
}

/// Energy by the counter and by the 1 s mean, over the stretches where both are known.
fn energies(track: &Track, cut: &Cut) -> Option<(f64, f64)> {
    if track.power.iter().all(|power| !power.is_finite()) {
        return None;
    }
    let (mut counter, mut mean) = (0.0, 0.0);
    for (rows, power) in cut.rows.windows(2).zip(&cut.power).skip(1) {
        let from = track.time[rows[0]];
        if track.time[rows[1]] - from > GAP || cut.unknown.iter().any(|(a, b)| (*a..=*b).contains(&from)) {
            continue;
        }
        let known = track.power[rows[0]..=rows[1]].iter().copied().filter(|p| p.is_finite());
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), p| (sum + p, count + 1.0));
        if count > 0.0 {
            counter += power * (track.time[rows[1]] - from);
            mean += sum / count * (track.time[rows[1]] - from);
        }
    }
    (counter > 0.0).then_some((counter, mean))
}

fn clock_at_cap(track: &Track) -> Option<(f64, usize)> {
    let capped = track.reasons.iter().zip(&track.sm_mhz).filter(|(reasons, mhz)| {
        reasons.is_finite() && mhz.is_finite() && (**reasons as u64) & SOFTWARE_POWER_CAP != 0
    });
    let (sum, count) = capped.fold((0.0, 0), |(sum, count), (_, mhz)| (sum + mhz, count + 1));
    (count > 0).then(|| (sum / count as f64, count))
}
