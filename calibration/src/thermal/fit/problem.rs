//! Network, ambients and starts of all recordings as one least-squares problem.

use super::super::ambient::{Drift, KNOT_STEP, START};
use super::super::layout::Layout;
use super::super::least_squares::{Normal, Problem, minimise, robust_root};
use crate::series::{Series, Standing};

/// Residuals of neighbours are not independent: so much time (s) counts as one reading.
const CORRELATION: f64 = 2.0;
/// Variance of a whole-degree sensor (K^2).
const ROUNDING: f64 = 1.0 / 12.0;
/// Variance of what four lumps cannot say of a package (K^2).
const MODEL: f64 = 0.25;
/// A parameter is expected within a factor e^2 of its default, however little the data say.
const PRIOR: f64 = 2.0;

/// Temperature of each sensor at each instant of a recording; none for a network that is not physical.
type Prediction = Option<Vec<Vec<f64>>>;

/// What is to be fitted.
pub(in crate::thermal) struct Task<'a> {
    pub(in crate::thermal) layout: Layout,
    pub(in crate::thermal) series: &'a [Series],
    drifts: Vec<Drift>,
    steps: Vec<Vec<f64>>,
    bounds: Vec<(f64, f64)>,
    /// Standard deviation of each recording's residuals (K).
    sigma: Vec<f64>,
    /// Time (s) that is left out, per recording.
    held_out: Vec<(f64, f64)>,
}

impl<'a> Task<'a> {
    /// `steady` says that the ambients do not drift.
    pub(super) fn new(layout: Layout, series: &'a [Series], steady: bool) -> Self {
        let drifts: Vec<Drift> =
            series.iter().map(|series| if steady { Drift::constant(series) } else { Drift::of(series) }).collect();
        let bound = |k: usize| {
            let (low, high) = layout.parameters[k].bounds;
            (layout.unknown(k, low), layout.unknown(k, high))
        };
        let mut bounds: Vec<(f64, f64)> = (0..layout.parameters.len()).map(bound).collect();
        for drift in &drifts {
            bounds.extend(drift.knots.iter().map(|_| (-100.0, 150.0)));
            bounds.push((-30.0, 30.0));
        }
        let steps = series.iter().map(|series| series.steps().collect()).collect();
        let sigma = vec![1.0; series.len()];
        Self { layout, series, drifts, steps, bounds, sigma, held_out: vec![(0.0, 0.0); series.len()] }
    }

    /// Leaves one stretch of each recording out.
    pub(super) fn hold_out(&mut self, stretches: Vec<(f64, f64)>) {
        self.held_out = stretches;
    }

    /// The defaults, and for each recording its lowest temperature less what idle heat makes of it.
    pub(super) fn start(&self) -> Vec<f64> {
        let defaults = self.layout.parameters.iter().enumerate();
        let mut x: Vec<f64> = defaults.map(|(k, parameter)| self.layout.unknown(k, parameter.default)).collect();
        for (series, drift) in self.series.iter().zip(&self.drifts) {
            let coldest = series.gpu_celsius.iter().copied().filter(|t| t.is_finite()).fold(f64::INFINITY, f64::min);
            x.extend(drift.knots.iter().map(|_| coldest - 4.0));
            x.push(0.0);
        }
        x
    }

    /// Holds a parameter at its default.
    pub(super) fn fix(&mut self, parameter: usize) {
        let value = self.layout.unknown(parameter, self.layout.parameters[parameter].default);
        self.bounds[parameter] = (value, value);
    }

    /// Whether an unknown can move in both directions.
    pub(in crate::thermal) fn is_free(&self, unknown: usize, x: &[f64]) -> bool {
        let (low, high) = self.bounds[unknown];
        x[unknown] > low && x[unknown] < high
    }

    /// The ambient's coefficients of one recording.
    pub(super) fn ambient<'x>(&self, x: &'x [f64], recording: usize) -> &'x [f64] {
        let from = self.offset(recording);
        &x[from..from + self.drifts[recording].len()]
    }

    fn offset(&self, recording: usize) -> usize {
        self.layout.parameters.len() + self.drifts[..recording].iter().map(Drift::len).sum::<usize>()
    }

    /// Sets each recording's variance: rounding, model, and what straight lines between knots miss of an ambient that
    /// wanders as this one was seen to (a Brownian bridge: a sixth of the knots' mean square step).
    pub(super) fn weigh(&mut self, x: &[f64]) {
        for recording in 0..self.series.len() {
            let ambient = self.ambient(x, recording);
            let knots = &ambient[..ambient.len() - 1];
            let square: f64 = knots.windows(2).map(|w| (w[1] - w[0]) * (w[1] - w[0])).sum();
            let wander = square / knots.len().saturating_sub(1).max(1) as f64 / 6.0;
            self.sigma[recording] = (ROUNDING + MODEL + wander).sqrt();
        }
    }

    /// Predicted temperature of each sensor at each instant of a recording.
    fn predict(&self, x: &[f64], recording: usize) -> Prediction {
        let model = self.layout.model(&self.layout.values(&x[..self.layout.parameters.len()]))?;
        let (series, steps) = (&self.series[recording], &self.steps[recording]);
        let response = model.response();
        let mut rise = model.rise(&response, series, steps);
        let shown = self.drifts[recording].shown(&response, steps, self.ambient(x, recording));
        for (rise, shown) in rise.iter_mut().zip(&shown) {
            rise.iter_mut().zip(shown).for_each(|(rise, shown)| *rise += shown);
        }
        Some(rise)
    }

    /// Whether an instant of a recording is fitted.
    fn is_fitted(&self, recording: usize, instant: usize) -> bool {
        let (series, (from, to)) = (&self.series[recording], self.held_out[recording]);
        let t = series.time[instant];
        series.standing[instant] == Standing::Continuous && !(from..to).contains(&t)
    }

    /// Calls `each` with every fitted reading: recording, sensor, instant, reading (degC), weight.
    fn readings(&self, mut each: impl FnMut(usize, usize, usize, f64, f64)) {
        for (recording, series) in self.series.iter().enumerate() {
            for sensor in 0..2 {
                for (instant, reading) in series.readings(sensor).iter().enumerate() {
                    if reading.is_finite() && self.is_fitted(recording, instant) {
                        let seconds = self.steps[recording].get(instant.saturating_sub(1)).copied().unwrap_or(0.1);
                        each(recording, sensor, instant, *reading, seconds.min(CORRELATION) / CORRELATION);
                    }
                }
            }
        }
    }

    fn add_priors(&self, x: &[f64], normal: &mut Normal) {
        for (k, parameter) in self.layout.parameters.iter().enumerate().filter(|(_, p)| p.logarithmic) {
            let far = (x[k] - self.layout.unknown(k, parameter.default)) / PRIOR;
            normal.add_square(far, &[(k, 1.0 / PRIOR)]);
        }
        for recording in 0..self.series.len() {
            let from = self.offset(recording);
            let knots = self.drifts[recording].knots.len();
            for k in from..from + knots - 1 {
                normal.add((x[k + 1] - x[k]) / KNOT_STEP, &[(k, -1.0 / KNOT_STEP), (k + 1, 1.0 / KNOT_STEP)], 1.0);
            }
            normal.add_square(x[from + knots] / START, &[(from + knots, 1.0 / START)]);
        }
    }

    /// Predictions with each parameter moved a little, by parameter and recording; none for those that are held.
    fn moved(&self, x: &[f64]) -> Vec<(f64, Vec<Prediction>)> {
        let each = (0..self.layout.parameters.len()).map(|k| {
            let (low, high) = self.bounds[k];
            let size = if self.layout.parameters[k].logarithmic { 1e-4 } else { 1e-3 * x[k].abs().max(0.01) };
            let step = if x[k] + size > high { -size } else { size };
            let mut moved = x.to_vec();
            moved[k] += step;
            let answer = |r: usize| if low < high { self.predict(&moved, r) } else { None };
            (step, (0..self.series.len()).map(answer).collect())
        });
        each.collect()
    }

    /// The normal equations, and the gradient of each stretch of `block` seconds alone.
    ///
    /// Derivatives by the network's parameters are differences; by the ambient they are exact, for the answer is linear in it.
    pub(in crate::thermal) fn linearise_in_blocks(&self, x: &[f64], block: f64) -> (Normal, Vec<Vec<f64>>) {
        let n = x.len();
        let mut normal = Normal::new(n);
        self.add_priors(x, &mut normal);
        let predicted: Vec<_> = (0..self.series.len()).map(|r| self.predict(x, r)).collect();
        let moved = self.moved(x);
        let model = self.layout.model(&self.layout.values(&x[..self.layout.parameters.len()]));
        let response = model.map(|model| model.response());
        let columns: Vec<_> = (0..self.series.len())
            .map(|r| response.as_ref().map(|response| self.drifts[r].columns(response, &self.steps[r])))
            .collect();
        let offsets: Vec<usize> = (0..self.series.len()).map(|r| self.offset(r)).collect();
        let mut blocks: Vec<Vec<f64>> = Vec::new();
        let mut row: Vec<(usize, f64)> = Vec::with_capacity(n);
        self.readings(|recording, sensor, instant, reading, weight| {
            let Some(predicted) = predicted[recording].as_ref().and_then(|p| p.get(sensor)) else { return };
            let sigma = self.sigma[recording];
            row.clear();
            for (k, (step, answers)) in moved.iter().enumerate() {
                if let Some(moved) = answers[recording].as_ref().and_then(|a| a.get(sensor)) {
                    row.push((k, (moved[instant] - predicted[instant]) / step / sigma));
                }
            }
            if let Some(columns) = &columns[recording] {
                let from = offsets[recording];
                row.extend(columns.iter().enumerate().map(|(k, c)| (from + k, c[sensor][instant] / sigma)));
            }
            let residual = (predicted[instant] - reading) / sigma;
            normal.add(residual, &row, weight);
            if block.is_finite() {
                // Both sensors of a stretch belong together.
                let index = self.block_index(recording, self.series[recording].time[instant], block);
                if blocks.len() <= index {
                    blocks.resize(index + 1, Vec::new());
                }
                let sum = &mut blocks[index];
                sum.resize(n, 0.0);
                let robust = weight / robust_root(residual);
                row.iter().for_each(|(k, d)| sum[*k] += robust * d * residual);
            }
        });
        normal.mirror();
        blocks.retain(|block| !block.is_empty());
        (normal, blocks)
    }

    fn block_index(&self, recording: usize, time: f64, seconds: f64) -> usize {
        let blocks = |time: f64| (time / seconds) as usize;
        let ends = self.series[..recording].iter().map(|series| series.time.last().copied().unwrap_or(0.0));
        ends.map(|end| 1 + blocks(end)).sum::<usize>() + blocks(time)
    }

    /// Refits the ambients to all readings, held-out ones too, with the network as it is.
    pub(super) fn refit_ambient(&mut self, x: &mut Vec<f64>) {
        let (bounds, held_out) = (self.bounds.clone(), self.held_out.clone());
        for (bound, x) in self.bounds.iter_mut().zip(&*x).take(self.layout.parameters.len()) {
            *bound = (*x, *x);
        }
        self.held_out.fill((0.0, 0.0));
        minimise(self, x);
        (self.bounds, self.held_out) = (bounds, held_out);
    }

    /// Sums of squares and counts of the residuals inside the held-out stretch: per recording, per sensor.
    pub(super) fn held_out_squares(&self, x: &[f64]) -> Vec<[(f64, usize); 2]> {
        let mut squares = vec![[(0.0, 0); 2]; self.series.len()];
        for (recording, series) in self.series.iter().enumerate() {
            let Some(predicted) = self.predict(x, recording) else { continue };
            let (from, to) = self.held_out[recording];
            for (sensor, predicted) in predicted.iter().enumerate() {
                for (instant, reading) in series.readings(sensor).iter().enumerate() {
                    let inside = (from..to).contains(&series.time[instant]);
                    if inside && reading.is_finite() && series.standing[instant] == Standing::Continuous {
                        let error = predicted[instant] - reading;
                        let (sum, count) = &mut squares[recording][sensor];
                        *sum += error * error;
                        *count += 1;
                    }
                }
            }
        }
        squares
    }
}

impl Problem for Task<'_> {
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    fn linearise(&self, x: &[f64]) -> Normal {
        self.linearise_in_blocks(x, f64::INFINITY).0
    }

    fn cost(&self, x: &[f64]) -> f64 {
        let mut normal = Normal::new(x.len());
        self.add_priors(x, &mut normal);
        let predicted: Vec<_> = (0..self.series.len()).map(|r| self.predict(x, r)).collect();
        if predicted.iter().any(Option::is_none) {
            return f64::INFINITY;
        }
        self.readings(|recording, sensor, instant, reading, weight| {
            if let Some(predicted) = predicted[recording].as_ref().and_then(|p| p.get(sensor)) {
                normal.add((predicted[instant] - reading) / self.sigma[recording], &[], weight);
            }
        });
        normal.cost
    }
}
