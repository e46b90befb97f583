//! The ambient of a recording: a number, or a slow drift between knots.

use super::response::Input;
use super::response::Response;
use crate::series::Series;

/// Knots of the drift are at least this far apart (s): it must not take over what the package does.
pub(super) const KNOT_SPACING: f64 = 60.0;
/// Drift from knot to knot that surprises nobody (K).
pub(super) const KNOT_STEP: f64 = 3.0;
/// Distance of the start from its steady state that surprises nobody (K).
pub(super) const START: f64 = 2.0;

/// The functions of time whose sum is the ambient and the start of one recording.
pub(super) struct Drift {
    /// Knots (s).
    pub(super) knots: Vec<f64>,
    /// Per knot its hat function in each interval.
    hats: Vec<Vec<f64>>,
    first: Vec<f64>,
}

impl Drift {
    pub(super) fn of(series: &Series) -> Self {
        let pieces = (series.span() / KNOT_SPACING).floor();
        let from = series.time[0];
        if pieces < 1.0 {
            return Self::constant(series);
        }
        let spacing = series.span() / pieces;
        let knots: Vec<f64> = (0..=pieces as usize).map(|k| from + spacing * k as f64).collect();
        let hat = |knot: f64, t: f64| (1.0 - (t - knot).abs() / spacing).max(0.0);
        let middle = |w: &[f64]| 0.5 * (w[0] + w[1]);
        let hats = knots.iter().map(|knot| series.time.windows(2).map(|w| hat(*knot, middle(w))).collect()).collect();
        let first = knots.iter().map(|knot| hat(*knot, from)).collect();
        Self { knots, hats, first }
    }

    /// One number for the whole recording.
    pub(super) fn constant(series: &Series) -> Self {
        Self { knots: vec![series.time[0]], hats: vec![vec![1.0; series.power.len()]], first: vec![1.0] }
    }

    /// What each sensor shows for one kelvin of each knot, and last for one kelvin at the start.
    pub(super) fn columns(&self, response: &Response, steps: &[f64]) -> Vec<Vec<Vec<f64>>> {
        let mut inputs: Vec<Input<'_>> =
            self.hats.iter().zip(&self.first).map(|(hat, first)| Input::Ambient(hat, *first)).collect();
        inputs.push(Input::Start);
        response.to(steps, &inputs)
    }

    /// What each sensor shows for this ambient: `coefficients` are the knots (degC), then the start (K).
    pub(super) fn shown(&self, response: &Response, steps: &[f64], coefficients: &[f64]) -> Vec<Vec<f64>> {
        let mut total = vec![0.0; steps.len()];
        let mut before = 0.0;
        for ((hat, first), c) in self.hats.iter().zip(&self.first).zip(coefficients) {
            total.iter_mut().zip(hat).for_each(|(sum, hat)| *sum += c * hat);
            before += c * first;
        }
        let mut answers = response.to(steps, &[Input::Ambient(&total, before), Input::Start]);
        let start = coefficients.get(self.hats.len()).copied().unwrap_or(0.0);
        let (from_start, mut shown) = (answers.pop().unwrap_or_default(), answers.pop().unwrap_or_default());
        for (out, extra) in shown.iter_mut().zip(&from_start) {
            out.iter_mut().zip(extra).for_each(|(out, extra)| *out += start * extra);
        }
        shown
    }

    /// Number of coefficients: knots, and the start.
    pub(super) fn len(&self) -> usize {
        self.knots.len() + 1
    }
}
