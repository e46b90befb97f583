//! Advancing a state over an interval, and the closed integrals of the same solution.

use super::crossing::ExponentialSum;
use super::decay::{Decay, LANES};
use super::modes::Modes;
use crate::simd::dispatch;

/// Heat that moved in one settled interval (J).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatFlow {
    /// Growth of the heat stored in the network.
    pub stored: f64,
    /// Heat given to the ambient.
    pub removed: f64,
}

/// Four modes at the start of an interval; past the last mode zeros, which decay to zero.
pub(super) struct Quad {
    at: usize,
    len: usize,
    pub(super) y: [f64; LANES],
    /// u - rate y: the slope of each mode at the start.
    pub(super) slope: [f64; LANES],
    pub(super) decay: Decay,
}

impl Quad {
    #[inline(always)]
    pub(super) fn load(rate: &[f64], state: &[f64], drive: &[f64], at: usize, seconds: f64) -> Self {
        let (rate, len) = quad(rate, at);
        let (y, _) = quad(state, at);
        let (u, _) = quad(drive, at);
        let (mut x, mut slope) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            x[lane] = rate[lane] * seconds;
            slope[lane] = u[lane] - rate[lane] * y[lane];
        }
        Self { at, len, y, slope, decay: Decay::at(&x) }
    }

    /// What each mode moves by.
    #[inline(always)]
    pub(super) fn change(&self, seconds: f64) -> [f64; LANES] {
        std::array::from_fn(|lane| seconds * self.decay.phi1[lane] * self.slope[lane])
    }

    /// The integral of each mode over the interval.
    #[inline(always)]
    pub(super) fn integral(&self, seconds: f64) -> [f64; LANES] {
        std::array::from_fn(|lane| seconds * (self.y[lane] + seconds * self.decay.phi2[lane] * self.slope[lane]))
    }

    #[inline(always)]
    pub(super) fn store(&self, change: &[f64; LANES], state: &mut [f64]) {
        if self.len == LANES {
            for lane in 0..LANES {
                state[self.at + lane] = self.y[lane] + change[lane];
            }
        } else {
            for lane in 0..self.len {
                state[self.at + lane] = self.y[lane] + change[lane];
            }
        }
    }
}

/// Four entries from `at` on, zeros past the end, and how many there are.
#[inline(always)]
pub(super) fn quad(list: &[f64], at: usize) -> ([f64; LANES], usize) {
    let rest = &list[at..];
    if let Some(full) = rest.first_chunk::<LANES>() {
        return (*full, LANES);
    }
    // Not a copy of variable length, which would be a call.
    (std::array::from_fn(|lane| rest.get(lane).copied().unwrap_or(0.0)), rest.len())
}

impl Modes {
    /// Advances `state` by `seconds` under a constant `drive`, exactly. One step or many give the same state to 1e-9 (INV-8).
    pub fn settle(&self, state: &mut [f64], drive: &[f64], seconds: f64) {
        dispatch(
            #[inline(always)]
            || {
                for at in (0..self.n).step_by(LANES) {
                    let quad = Quad::load(&self.rate, state, drive, at, seconds);
                    quad.store(&quad.change(seconds), state);
                }
            },
        );
    }

    /// Advances `state` like [`Modes::settle`] and returns where the heat went, by the closed integrals of the same
    /// solution. `ambient` (degC) is the one in `drive`.
    pub fn settle_with_heat(&self, state: &mut [f64], drive: &[f64], ambient: f64, seconds: f64) -> HeatFlow {
        let (stored, integral) = dispatch(
            #[inline(always)]
            || {
                let (mut stored, mut integral) = ([0.0; LANES], [0.0; LANES]);
                for at in (0..self.n).step_by(LANES) {
                    let block = Quad::load(&self.rate, state, drive, at, seconds);
                    let (change, area) = (block.change(seconds), block.integral(seconds));
                    let (to_ambient, _) = quad(&self.ambient_of_mode, at);
                    let (to_store, _) = quad(&self.stored_of_mode, at);
                    for lane in 0..LANES {
                        stored[lane] += to_store[lane] * change[lane];
                        integral[lane] += to_ambient[lane] * area[lane];
                    }
                    block.store(&change, state);
                }
                (stored, integral)
            },
        );
        HeatFlow {
            stored: stored.iter().sum(),
            removed: integral.iter().sum::<f64>() - self.ambient_total * ambient * seconds,
        }
    }

    /// The integral of every mode over the next `seconds` under a constant `drive`, into a buffer.
    ///
    /// Temperatures are linear in the modes, so every reading of a state works on it too: [`Modes::temperature`] of it is the
    /// integral of that node's temperature (K s), and [`Modes::removed_from`] the heat a group of nodes gave to the ambient.
    pub fn integrate_into(&self, state: &[f64], drive: &[f64], seconds: f64, out: &mut [f64]) {
        for at in (0..self.n).step_by(LANES) {
            let block = Quad::load(&self.rate, state, drive, at, seconds);
            let area = block.integral(seconds);
            for (out, area) in out[at..].iter_mut().zip(area) {
                *out = area;
            }
        }
    }

    /// The integral of one node's temperature over the next `seconds` under a constant `drive` (K s), in closed form.
    ///
    /// Divided by `seconds` it is the mean temperature; times a slope (W/K) it is the energy of a linear leakage.
    ///
    /// ```
    /// use isotherm_core::thermal::{Modes, RcNetwork};
    /// let modes = Modes::of(&RcNetwork::new(&[450.0], &[], &[5.0]).unwrap());
    /// let (state, drive) = (modes.state(&[25.0]), modes.drive(&[250.0], 25.0));
    /// // 25 + 50 (1 - e^(-t/90)) integrated over one time constant: 90 (25 + 50 / e).
    /// let expected = 90.0 * (25.0 + 50.0 * (-1.0_f64).exp());
    /// assert!((modes.temperature_integral(&state, &drive, 0, 90.0) - expected).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn temperature_integral(&self, state: &[f64], drive: &[f64], node: usize, seconds: f64) -> f64 {
        let row = self.row(node);
        let mut sum = 0.0;
        for at in (0..self.n).step_by(LANES) {
            let area = Quad::load(&self.rate, state, drive, at, seconds).integral(seconds);
            let (weight, _) = quad(row, at);
            for lane in 0..LANES {
                sum += weight[lane] * area[lane];
            }
        }
        sum
    }

    /// Heat that a group of nodes gave to the ambient (J), from the integrals of [`Modes::integrate_into`].
    #[must_use]
    pub fn removed_from(&self, nodes: &[usize], integrals: &[f64], ambient: f64, seconds: f64) -> f64 {
        nodes
            .iter()
            .map(|&node| self.ambient_conductance(node) * (self.temperature(integrals, node) - ambient * seconds))
            .sum()
    }

    /// The first time (s) in `0..=horizon` at which `node` reaches `threshold` (degC) under a constant `drive`, from below if
    /// `rising`, from above otherwise; `None` if it does not. It cannot miss one: intervals are
    /// discarded only by bounds that hold for all their instants. The time returned is the upper end of the last bracket, so that
    /// the state then is at the threshold or past it, to rounding.
    #[must_use]
    pub fn first_crossing(
        &self,
        state: &[f64],
        drive: &[f64],
        node: usize,
        threshold: f64,
        rising: bool,
        horizon: f64,
    ) -> Option<f64> {
        let sign = if rising { 1.0 } else { -1.0 };
        self.excess(state, drive, node, threshold, sign).first_nonnegative(horizon)
    }

    /// `sign` times the node's temperature above `threshold`, as a function of time.
    pub(super) fn excess(
        &self,
        state: &[f64],
        drive: &[f64],
        node: usize,
        threshold: f64,
        sign: f64,
    ) -> ExponentialSum {
        let mut excess = ExponentialSum::constant(-sign * threshold);
        let row = self.row(node);
        for i in 0..self.n {
            let weight = sign * row[i];
            if self.rate[i] > 0.0 {
                let steady = drive[i] / self.rate[i];
                excess.add_constant(weight * steady);
                excess.add_decay(weight * (state[i] - steady), self.rate[i]);
            } else {
                excess.add_constant(weight * state[i]);
                excess.add_slope(weight * drive[i]);
            }
        }
        excess
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thermal::{NetworkError, RcNetwork, ReducedModel};

    fn network() -> RcNetwork {
        RcNetwork::new(&[5.0, 30.0, 240.0, 900.0], &[(0, 2, 30.0), (1, 2, 20.0), (2, 3, 90.0)], &[0.0, 0.1, 0.5, 12.0])
            .unwrap()
    }

    #[test]
    fn the_integrals_of_groups_sum_to_the_heat_removed() {
        let modes = Modes::of(&network());
        let mut state = modes.state(&[70.0, 60.0, 55.0, 50.0]);
        let drive = modes.drive(&[300.0, 80.0, 0.0, 0.0], 30.0);
        let mut integrals = vec![0.0; 4];
        for seconds in [1e-4, 0.02, 3.0, 2000.0] {
            modes.integrate_into(&state, &drive, seconds, &mut integrals);
            let one = modes.temperature_integral(&state, &drive, 1, seconds);
            assert!((one - modes.temperature(&integrals, 1)).abs() < 1e-12 * one);
            let groups = modes.removed_from(&[0, 1], &integrals, 30.0, seconds)
                + modes.removed_from(&[2, 3], &integrals, 30.0, seconds);
            let heat = modes.settle_with_heat(&mut state, &drive, 30.0, seconds);
            assert!((groups - heat.removed).abs() < 1e-11 * heat.removed, "{groups} and {heat:?}");
            assert!((heat.stored + heat.removed - 380.0 * seconds).abs() < 1e-11 * heat.removed.max(380.0 * seconds));
        }
    }

    #[test]
    fn a_network_without_a_way_out_warms_evenly_for_ever() {
        let insulated = RcNetwork::new(&[10.0, 30.0], &[(0, 1, 5.0)], &[0.0, 0.0]).unwrap();
        let modes = Modes::of(&insulated);
        let (mut state, drive) = (modes.state(&[20.0, 20.0]), modes.drive(&[40.0, 0.0], 20.0));
        let crossing = modes.first_crossing(&state, &drive, 1, 120.0, true, f64::INFINITY).unwrap();
        let heat = modes.settle_with_heat(&mut state, &drive, 20.0, crossing);
        assert!((modes.temperature(&state, 1) - 120.0).abs() < 1e-9);
        assert!((heat.stored - 40.0 * crossing).abs() < 1e-9 * heat.stored && heat.removed == 0.0, "{heat:?}");
    }

    #[test]
    fn a_change_of_cooling_keeps_temperatures_and_heat() {
        let slow = Modes::of(&network());
        let links = [(0, 2, 30.0), (1, 2, 20.0), (2, 3, 90.0)];
        let fast = Modes::of(&RcNetwork::new(&[5.0, 30.0, 240.0, 900.0], &links, &[0.0, 0.1, 0.5, 40.0]).unwrap());
        let state = slow.state(&[70.0, 60.0, 55.0, 50.0]);
        let same = fast.state_from(&slow, &state);
        for (node, expected) in [70.0, 60.0, 55.0, 50.0].into_iter().enumerate() {
            assert!((fast.temperature(&same, node) - expected).abs() < 1e-11);
        }
        let stored = |modes: &Modes, state: &[f64]| crate::thermal::modes::dot(&modes.stored_of_mode, state);
        assert!((stored(&fast, &same) / stored(&slow, &state) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn eigensolutions_that_cannot_be_are_refused() {
        let network = RcNetwork::new(&[1.0], &[], &[1.0]).unwrap();
        for (rates, vectors) in [(vec![], vec![1.0]), (vec![-1.0], vec![1.0]), (vec![1.0], vec![f64::NAN])] {
            assert!(matches!(Modes::from_eigen(&network, rates, vectors), Err(NetworkError::Eigen { nodes: 1, .. })));
        }
        assert!(Modes::from_reduced(ReducedModel::default()).is_err());
    }
}
