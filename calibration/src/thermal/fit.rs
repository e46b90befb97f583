//! Finds the thermal network of a profile from recordings.

mod held_out;
mod memory;
mod problem;
mod profile;

use isotherm_core::hardware::DeviceProfile;
use serde::Serialize;

use super::check::{self, TrackCheck};
use super::layout::Layout;
use super::least_squares::minimise;
use super::uncertainty;
use crate::series::{Series, Standing};

pub(super) use self::problem::Task;

pub use self::memory::{DEFAULT as DEFAULT_MEMORY_POWER, fit as fit_memory_power};

/// A parameter whose standard error is above this share of it is not believed.
pub const REFUSED_ABOVE: f64 = 0.5;

/// What a fit found.
#[derive(Clone, Debug, Serialize)]
pub struct Fit {
    /// The profile: the one the fit started from with its thermal part replaced, or a new one.
    pub profile: DeviceProfile,
    /// Every parameter, fitted or refused.
    pub parameters: Vec<Fitted>,
    /// Time constants of the network, rising (s).
    pub time_constants: Vec<f64>,
    /// Errors on segments that were left out of the fit, by number of nodes.
    pub orders: Vec<Order>,
    /// How well the profile describes the recordings it was fitted to.
    pub checks: Vec<TrackCheck>,
    /// Decisions the reader should know of.
    pub notes: Vec<String>,
}

/// One parameter of the network.
#[derive(Clone, Debug, Serialize)]
pub struct Fitted {
    /// Path of its key in the profile.
    pub key: String,
    /// Its value.
    pub value: f64,
    /// Unit.
    pub unit: &'static str,
    /// Half width of its 95 % interval, in its unit; absent where it was refused.
    pub plus_minus: Option<f64>,
}

/// How well networks of one number of nodes predict what they were not fitted to.
#[derive(Clone, Debug, Serialize)]
pub struct Order {
    /// Number of nodes.
    pub nodes: usize,
    /// Root mean square error of the held-out segments, GPU and memory together, ambient carried over (K): decides.
    pub held_out_rmse: f64,
    /// The same for each recording and sensor.
    pub by_recording: Vec<HeldOut>,
    /// Whether the profile has this order.
    pub chosen: bool,
}

/// Root mean square errors of the held-out segments of one recording (K); absent where there is no such sensor.
///
/// The network is fitted without the segment. The ambient is an input that nobody measured: it is refitted over the whole
/// recording, or, harder, carried over the segment as a straight line from its neighbours.
#[derive(Clone, Debug, Serialize)]
pub struct HeldOut {
    /// File and GPU.
    pub recording: String,
    /// Of the GPU's temperature.
    pub gpu_rmse: Option<f64>,
    /// Of the memory's temperature.
    pub hbm_rmse: Option<f64>,
    /// Of the GPU's temperature with the ambient carried over the segment.
    pub gpu_rmse_ambient_carried: Option<f64>,
    /// Of the memory's temperature with the ambient carried over the segment.
    pub hbm_rmse_ambient_carried: Option<f64>,
}

/// Options of a fit.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// Where to start, and where the parts of the profile that are not thermal come from.
    pub from: Option<&'a DeviceProfile>,
    /// Use this number of nodes instead of the one that predicts held-out segments best.
    pub nodes: Option<usize>,
    /// Parameters, by the path of their key, that stay as they are in `from`: known better from elsewhere.
    pub hold: &'a [String],
    /// Ambients do not drift: what warms slowly under load is the heatsink. A drift fits any recording better and predicts the next one worse, where the
    /// GPU's own heat is what warms its air.
    pub steady_ambient: bool,
}

/// Fits one network to all `series`; each has its own ambient and, unless told otherwise, slow drift.
///
/// `proceed` is asked between steps and may end the fit early.
///
/// # Errors
/// A sentence: nothing to fit, only aliased loads, loads that do not excite the network, or `proceed` said no.
pub fn fit(series: &[Series], options: &Options<'_>, proceed: &dyn Fn() -> bool) -> Result<Fit, String> {
    let mut notes = Vec::new();
    refuse_what_cannot_work(series, &mut notes)?;
    let has_hbm = series.iter().any(|series| !series.hbm_celsius.is_empty());
    let memory = has_hbm.then(|| memory::law(series, options.from, &mut notes));
    let has_readings = series.iter().any(|series| series.memory_power.is_some());
    let law = memory.as_ref().map(|law| (law, has_readings));
    let sources = if has_hbm { 2 } else { 1 };
    let (orders, start) = match options.nodes {
        Some(nodes) => (Vec::new(), nodes.clamp(sources, sources + 2)),
        None => {
            let orders = held_out::orders(series, law, options.from, sources, options.steady_ambient, proceed)?;
            let nodes = orders.iter().find(|order| order.chosen).map_or(sources + 1, |order| order.nodes);
            (orders, nodes)
        }
    };
    let layout = Layout::new(start, law, options.from, series.iter().any(|series| !series.upstream.is_empty()));
    let (task, unknowns, refused) = settle(layout, series, options, &mut notes, proceed)?;
    let uncertainty = uncertainty::half_widths(&task, &unknowns);
    let values = task.layout.values(&unknowns);
    let parameters = task.layout.parameters.iter().enumerate().map(|(k, parameter)| {
        let known = uncertainty.get(k).copied().filter(|_| !refused.contains(&k));
        // No width at all: the parameter lies at its bound, and the data said nothing about it.
        let known = known.filter(|half| *half > 0.0);
        let plus_minus = known.map(|half| if parameter.logarithmic { values[k] * libm::expm1(half) } else { half });
        Fitted { key: parameter.key.clone(), value: values[k], unit: parameter.unit, plus_minus }
    });
    let parameters: Vec<Fitted> = parameters.collect();
    let model = task.layout.model(&values).ok_or("the network found is not physical")?;
    let time_constants = model.response().time_constants();
    let profile = profile::assemble(&task, &model, &unknowns, &parameters, options.from, &notes);
    let checks =
        series.iter().map(|series| check::track(&profile, series, model.stream_w_per_k)).collect::<Result<_, _>>()?;
    Ok(Fit { profile, parameters, time_constants, orders, checks, notes })
}

/// The fit of a layout in which everything the data cannot tell stays at its default.
type Settled<'a> = (Task<'a>, Vec<f64>, Vec<usize>);

fn settle<'a>(
    layout: Layout,
    series: &'a [Series],
    options: &Options<'_>,
    notes: &mut Vec<String>,
    proceed: &dyn Fn() -> bool,
) -> Result<Settled<'a>, String> {
    let mut task = Task::new(layout, series, options.steady_ambient);
    let mut unknowns = task.start();
    let mut refused: Vec<usize> = Vec::new();
    for key in options.hold {
        let Some(k) = task.layout.parameters.iter().position(|parameter| parameter.key == *key) else {
            let keys: Vec<&str> = task.layout.parameters.iter().map(|parameter| parameter.key.as_str()).collect();
            return Err(format!("cannot hold `{key}`: the parameters are {}", keys.join(", ")));
        };
        task.fix(k);
        refused.push(k);
    }
    loop {
        solve(&mut task, &mut unknowns, proceed)?;
        let errors = uncertainty::standard_errors(&task, &unknowns);
        let relative = |k: usize| {
            let size = if task.layout.parameters[k].logarithmic { 1.0 } else { unknowns[k].abs().max(1e-9) };
            errors.get(k).map_or(0.0, |error| error / size)
        };
        let worst = (0..task.layout.parameters.len())
            .filter(|k| !refused.contains(k))
            .max_by(|a, b| relative(*a).total_cmp(&relative(*b)));
        match worst {
            Some(k) if relative(k) > REFUSED_ABOVE => {
                let parameter = &task.layout.parameters[k];
                notes.push(format!(
                    "`{}` is refused: its standard error is {:.0} % of it; it stays at {} {}",
                    parameter.key,
                    100.0 * relative(k).min(99.0),
                    parameter.default,
                    parameter.unit
                ));
                task.fix(k);
                unknowns[k] = task.layout.unknown(k, task.layout.parameters[k].default);
                refused.push(k);
            }
            _ => return Ok((task, unknowns, refused)),
        }
    }
}

/// Two rounds: the second weighs each recording by how much its ambient was seen to move in the first.
fn solve(task: &mut Task<'_>, unknowns: &mut Vec<f64>, proceed: &dyn Fn() -> bool) -> Result<(), String> {
    for _ in 0..2 {
        if !proceed() {
            return Err("interrupted; nothing is written".to_owned());
        }
        minimise(task, unknowns);
        task.weigh(unknowns);
    }
    Ok(())
}

fn refuse_what_cannot_work(series: &[Series], notes: &mut Vec<String>) -> Result<(), String> {
    if series.is_empty() {
        return Err("there is no recording that can be used".to_owned());
    }
    for series in series {
        let usable = series.standing.iter().filter(|standing| **standing == Standing::Continuous).count();
        let share = usable as f64 / series.standing.len().max(1) as f64;
        let aliased = series.standing.iter().filter(|standing| **standing == Standing::Aliased).count();
        if aliased > 0 {
            notes.push(format!(
                "{}: {:.0} s of loads that alias with the sensors drive the model but are not fitted",
                series.label(),
                series.span() * aliased as f64 / series.standing.len().max(1) as f64
            ));
        }
        if share * series.span() < 10.0 {
            return Err(format!(
                "{}: only {:.1} s are neither aliased nor after a gap; record loads of periods below 20 ms or above 1 s",
                series.label(),
                share * series.span()
            ));
        }
    }
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for power in series.iter().flat_map(|series| &series.power) {
        (low, high) = (low.min(*power), high.max(*power));
    }
    if high - low < 50.0 {
        return Err(format!(
            "the power moves only from {low:.0} W to {high:.0} W; without a load there is no thermal answer to fit: record \
             15 s idle, 75 s full load, 45 s idle, 30 s copy, 15 s idle"
        ));
    }
    Ok(())
}
