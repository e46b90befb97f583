//! How far a profile's temperatures are from a recording's.

use isotherm_core::hardware::DeviceProfile;
use serde::Serialize;

use super::ambient::{Drift, KNOT_STEP, START};
use super::least_squares::{Normal, solve};
use super::model::Model;
use super::response::{Input, Response};
use crate::series::{Series, Standing};

/// The ambient alone is fitted on the first so many seconds.
pub const FIRST_SECONDS: f64 = 10.0;
/// So much time (s) counts as one reading against the drift's own probability.
const CORRELATION: f64 = 2.0;

/// A profile against one GPU of a recording.
#[derive(Clone, Debug, Serialize)]
pub struct TrackCheck {
    /// The recording.
    pub file: String,
    /// Index of the GPU.
    pub gpu: u32,
    /// Length (s).
    pub seconds: f64,
    /// With one ambient for the whole recording, fitted on its first 10 s.
    pub ambient_alone: Errors,
    /// With the slow drift of the ambient refitted, knots at least 60 s apart, and the start.
    pub with_drift: Errors,
    /// Whether the memory's heat is from a measurement or from the profile's law.
    pub memory_power_is_measured: bool,
    /// Energy by the counter and by the mean power.
    pub energy: Option<EnergyCheck>,
    /// Clock under the software power cap.
    pub clock_at_cap: Option<ClockCheck>,
    /// What was mended or is missing.
    pub notes: Vec<String>,
    /// For the plot.
    #[serde(skip)]
    pub curves: Curves,
}

/// Errors of a prediction, loads that alias with the sensors apart.
#[derive(Clone, Debug, Serialize)]
pub struct Errors {
    /// The ambient at its knots: (time (s), temperature (degC)).
    pub ambient: Vec<(f64, f64)>,
    /// GPU temperature.
    pub gpu: Sensor,
    /// Memory temperature, where it was recorded and the profile has it.
    pub hbm: Option<Sensor>,
}

/// Errors at one sensor.
#[derive(Clone, Debug, Serialize)]
pub struct Sensor {
    /// Under continuous loads.
    pub continuous: Option<Size>,
    /// Under loads that go on and off near the sensors' 100 ms.
    pub aliased: Option<Size>,
}

/// Size of an error, model less measurement (K).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Size {
    /// Root mean square.
    pub rmse: f64,
    /// 95 % of the readings are closer.
    pub p95: f64,
    /// Largest.
    pub max: f64,
    /// Mean.
    pub bias: f64,
    /// Number of readings.
    pub readings: usize,
}

/// Energy of a recording, two ways.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EnergyCheck {
    /// By the energy counter (J).
    pub counter_j: f64,
    /// By the mean power of the last second (J).
    pub mean_power_j: f64,
    /// Mean power against counter (percent).
    pub error_percent: f64,
}

/// Clock while the software power cap held it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClockCheck {
    /// Mean clock of the rows with that reason (MHz).
    pub measured_mhz: f64,
    /// Number of rows.
    pub rows: usize,
    /// What the power law of a profile predicts (MHz), where it has one.
    pub predicted_mhz: Option<f64>,
}

/// What a plot shows: temperatures with the drift refitted.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Instants (s).
    pub time: Vec<f64>,
    /// Power in the interval after each instant (W).
    pub power: Vec<f64>,
    /// GPU: measured and model (degC).
    pub gpu: (Vec<f64>, Vec<f64>),
    /// Memory: measured and model (degC); empty without a sensor.
    pub hbm: (Vec<f64>, Vec<f64>),
    /// Whether the load aliases at each instant.
    pub aliased: Vec<bool>,
}

/// Compares a profile with a series. `stream_w_per_k` says how much heat upstream warms the air by one kelvin (W/K), for a series that knows who
/// stands [`upstream`](crate::series::upstream).
///
/// # Errors
/// A sentence: the profile's network is not physical.
pub fn track(profile: &DeviceProfile, series: &Series, stream_w_per_k: Option<f64>) -> Result<TrackCheck, String> {
    let model = Model { stream_w_per_k, ..Model::of(profile)? };
    let steps: Vec<f64> = series.steps().collect();
    let response = model.response();
    let rise = model.rise(&response, series, &steps);

    let alone = alone(series, &response, &steps, &rise);
    let drift = Drift::of(series);
    let drifting = drifting(series, &drift, &response, &steps, &rise);
    let ambient = drift.knots.iter().copied().zip(drifting.1).collect();

    let mut notes = series.notes.clone();
    if model.sensors.len() < 2 && !series.hbm_celsius.is_empty() {
        notes.push("the profile has no node `hbm`: the memory's temperature is not compared".to_owned());
    }
    let at = |k: usize| drifting.0.get(k).cloned().unwrap_or_default();
    let with_hbm = model.sensors.len() > 1 && !series.hbm_celsius.is_empty();
    Ok(TrackCheck {
        file: series.file.clone(),
        gpu: series.gpu,
        seconds: series.span(),
        ambient_alone: errors(series, &alone.0, vec![(series.time[0], alone.1)]),
        with_drift: errors(series, &drifting.0, ambient),
        memory_power_is_measured: series.memory_power.is_some(),
        energy: series.energies.map(|(counter_j, mean_power_j)| EnergyCheck {
            counter_j,
            mean_power_j,
            error_percent: 100.0 * (mean_power_j / counter_j - 1.0),
        }),
        clock_at_cap: series.clock_at_cap.map(|(measured_mhz, rows)| ClockCheck {
            measured_mhz,
            rows,
            predicted_mhz: None,
        }),
        notes,
        curves: Curves {
            time: series.time.clone(),
            power: series.power.clone(),
            gpu: (series.gpu_celsius.clone(), at(0)),
            hbm: if with_hbm { (series.hbm_celsius.clone(), at(1)) } else { Default::default() },
            aliased: series.standing.iter().map(|standing| *standing != Standing::Continuous).collect(),
        },
    })
}

/// One ambient from the first seconds: temperatures of each sensor, and the ambient. From a steady state, an ambient moves
/// every node by itself, so it is a mean of differences.
fn alone(series: &Series, response: &Response, steps: &[f64], rise: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
    let until = series.time[0] + FIRST_SECONDS;
    let (mut sum, mut count) = (0.0, 0.0);
    for (sensor, rise) in rise.iter().enumerate() {
        for ((reading, rise), t) in series.readings(sensor).iter().zip(rise).zip(&series.time) {
            if reading.is_finite() && *t < until {
                sum += reading - rise;
                count += 1.0;
            }
        }
    }
    // A recording whose sensors are silent at first: all of it, then.
    if count == 0.0 {
        let known = series.gpu_celsius.iter().zip(&rise[0]).filter(|(reading, _)| reading.is_finite());
        (sum, count) = known.fold((0.0, 0.0), |(sum, count), (reading, rise)| (sum + reading - rise, count + 1.0));
    }
    let ambient = sum / f64::max(count, 1.0);
    let unit = response.to(steps, &[Input::Ambient(&vec![1.0; steps.len()], 1.0)]).swap_remove(0);
    let shown = rise.iter().zip(unit).map(|(rise, unit)| rise.iter().zip(unit).map(|(r, u)| r + ambient * u).collect());
    (shown.collect(), ambient)
}

/// The slow drift refitted: temperatures of each sensor, and the drift's knots.
fn drifting(
    series: &Series,
    drift: &Drift,
    response: &Response,
    steps: &[f64],
    rise: &[Vec<f64>],
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let columns = drift.columns(response, steps);
    let n = drift.len();
    let knots = n - 1;
    let first = series.gpu_celsius.iter().copied().find(|t| t.is_finite()).unwrap_or(0.0) - rise[0][0];
    let mut x = vec![first; n];
    x[knots] = 0.0;
    // Linear but for the robust weights: they settle in a few rounds.
    for _ in 0..8 {
        let mut normal = Normal::new(n);
        for k in 0..knots - 1 {
            normal.add((x[k + 1] - x[k]) / KNOT_STEP, &[(k, -1.0 / KNOT_STEP), (k + 1, 1.0 / KNOT_STEP)], 1.0);
        }
        normal.add_square(x[knots] / START, &[(knots, 1.0 / START)]);
        for (sensor, rise) in rise.iter().enumerate() {
            for (k, reading) in series.readings(sensor).iter().enumerate() {
                if reading.is_finite() && series.standing[k] == Standing::Continuous {
                    let shown: f64 = columns.iter().zip(&x).map(|(column, x)| column[sensor][k] * x).sum();
                    let row: Vec<(usize, f64)> = (0..n).map(|i| (i, columns[i][sensor][k])).collect();
                    let seconds = steps.get(k.saturating_sub(1)).copied().unwrap_or(0.1);
                    normal.add(rise[k] + shown - reading, &row, seconds.min(CORRELATION) / CORRELATION);
                }
            }
        }
        normal.mirror();
        (0..n).for_each(|i| normal.hessian[i * n + i] += 1e-9);
        let Some(step) = solve(&normal.hessian, &normal.gradient) else { break };
        x.iter_mut().zip(&step).for_each(|(x, step)| *x -= step);
    }
    let mut shown: Vec<Vec<f64>> = rise.to_vec();
    for (column, x) in columns.iter().zip(&x) {
        for (shown, column) in shown.iter_mut().zip(column) {
            shown.iter_mut().zip(column).for_each(|(shown, column)| *shown += x * column);
        }
    }
    x.truncate(knots);
    (shown, x)
}

fn errors(series: &Series, shown: &[Vec<f64>], ambient: Vec<(f64, f64)>) -> Errors {
    let sensor = |place: usize| {
        let of = |standing: Standing| {
            let model = shown.get(place)?;
            let readings = series.readings(place).iter().zip(model).zip(&series.standing);
            Size::of(
                readings
                    .filter(|((reading, _), s)| reading.is_finite() && **s == standing)
                    .map(|((reading, model), _)| model - reading)
                    .collect(),
            )
        };
        Sensor { continuous: of(Standing::Continuous), aliased: of(Standing::Aliased) }
    };
    let hbm = Some(sensor(1)).filter(|hbm| hbm.continuous.is_some() || hbm.aliased.is_some());
    Errors { ambient, gpu: sensor(0), hbm }
}

impl Size {
    fn of(mut errors: Vec<f64>) -> Option<Self> {
        let readings = errors.len();
        if readings == 0 {
            return None;
        }
        let n = readings as f64;
        let bias = errors.iter().sum::<f64>() / n;
        let rmse = (errors.iter().map(|e| e * e).sum::<f64>() / n).sqrt();
        errors.iter_mut().for_each(|e| *e = e.abs());
        errors.sort_by(f64::total_cmp);
        let p95 = errors[((0.95 * n).ceil() as usize).clamp(1, readings) - 1];
        Some(Self { rmse, p95, max: errors[readings - 1], bias, readings })
    }
}
