//! A network in its modes: each decays alone, so any interval is solved in one step.

use super::crossing::ExponentialSum;
use super::network::RcNetwork;
use super::symmetric::eigen;

/// A diagonalised network.
///
/// With `y = V' C^(1/2) T` the equation becomes `dy_i/dt = -rate_i y_i + drive_i`, where `V` holds the eigenvectors of
/// `C^(-1/2) G C^(-1/2)`. A state is the vector `y`; a drive is the constant input of an interval.
///
/// ```
/// use isotherm_core::thermal::{Modes, RcNetwork};
/// let network = RcNetwork::new(&[450.0], &[], &[5.0]).unwrap();
/// let modes = Modes::of(&network);
/// let mut state = modes.state(&[25.0]);
/// let drive = modes.drive(&[250.0], 25.0);
/// // One time constant of RC = 450/5 = 90 s covers 1 - 1/e of the 50 K to the steady state.
/// modes.settle(&mut state, &drive, 90.0);
/// let expected = 25.0 + 50.0 * (1.0 - (-1.0_f64).exp());
/// assert!((modes.temperature(&state, 0) - expected).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    n: usize,
    rate: Vec<f64>,
    /// y = to_modes T, row per mode.
    to_modes: Vec<f64>,
    /// T = to_nodes y, row per node.
    to_nodes: Vec<f64>,
    /// What a watt into node j adds to drive i, row per mode.
    input: Vec<f64>,
    ambient: Vec<f64>,
    /// Conductance to the ambient seen by each mode: sum over nodes of g_j to_nodes_ji.
    ambient_of_mode: Vec<f64>,
    ambient_total: f64,
    /// Heat stored per unit of each mode.
    stored_of_mode: Vec<f64>,
}

/// Heat that moved in one settled interval (J).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatFlow {
    /// Growth of the heat stored in the network.
    pub stored: f64,
    /// Heat given to the ambient.
    pub removed: f64,
}

impl Modes {
    /// Diagonalises a network. O(n^3), once per network.
    #[must_use]
    pub fn of(network: &RcNetwork) -> Self {
        let n = network.nodes();
        let root: Vec<f64> = network.capacity.iter().map(|c| c.sqrt()).collect();
        let scaled = (0..n * n).map(|k| network.conductance[k] / (root[k / n] * root[k % n])).collect();
        let (rate, vectors) = eigen(scaled, n);
        // A conductance matrix is positive semidefinite: a negative rate is rounding of a zero.
        let rate: Vec<f64> = rate.into_iter().map(|r| r.max(0.0)).collect();
        let by_mode = |f: &dyn Fn(usize, usize) -> f64| -> Vec<f64> { (0..n * n).map(|k| f(k / n, k % n)).collect() };
        let to_modes = by_mode(&|i, j| vectors[j * n + i] * root[j]);
        let input = by_mode(&|i, j| vectors[j * n + i] / root[j]);
        let to_nodes = by_mode(&|j, i| vectors[j * n + i] / root[j]);
        let per_mode = |weight: &[f64]| (0..n).map(|i| (0..n).map(|j| weight[j] * to_nodes[j * n + i]).sum()).collect();
        Self {
            n,
            rate,
            ambient_of_mode: per_mode(&network.ambient),
            stored_of_mode: per_mode(&network.capacity),
            ambient_total: network.ambient.iter().sum(),
            ambient: network.ambient.clone(),
            to_modes,
            to_nodes,
            input,
        }
    }

    /// Number of nodes, and of modes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.n
    }

    /// Time constants of the modes (s); infinite for a mode that keeps its heat.
    pub fn time_constants(&self) -> impl Iterator<Item = f64> + '_ {
        self.rate.iter().map(|rate| 1.0 / rate)
    }

    /// The state whose node temperatures are `temperatures` (degC), one per node.
    #[must_use]
    pub fn state(&self, temperatures: &[f64]) -> Vec<f64> {
        (0..self.n).map(|i| dot(&self.to_modes[i * self.n..][..self.n], temperatures)).collect()
    }

    /// The constant input of an interval: `power` (W) per node, ambient temperature (degC).
    #[must_use]
    pub fn drive(&self, power: &[f64], ambient: f64) -> Vec<f64> {
        let mut drive = vec![0.0; self.n];
        self.drive_into(power, ambient, &mut drive);
        drive
    }

    /// [`Modes::drive`] into a buffer.
    pub fn drive_into(&self, power: &[f64], ambient: f64, drive: &mut [f64]) {
        for (i, out) in drive.iter_mut().enumerate() {
            let row = &self.input[i * self.n..][..self.n];
            *out = row.iter().zip(power).zip(&self.ambient).map(|((x, p), g)| x * (p + g * ambient)).sum();
        }
    }

    /// Advances `state` by `seconds` under a constant `drive`, exactly. One step or many give the same state to 1e-9 (INV-8).
    pub fn settle(&self, state: &mut [f64], drive: &[f64], seconds: f64) {
        for ((y, u), rate) in state.iter_mut().zip(drive).zip(&self.rate) {
            let x = rate * seconds;
            *y = *y * libm::exp(-x) + u * seconds * mean_decay(x);
        }
    }

    /// Advances `state` like [`Modes::settle`] and returns where the heat went, by the closed integrals of the same
    /// solution. `ambient` (degC) is the one in `drive`.
    pub fn settle_with_heat(&self, state: &mut [f64], drive: &[f64], ambient: f64, seconds: f64) -> HeatFlow {
        let (mut stored, mut integral) = (0.0, 0.0);
        for i in 0..self.n {
            let (y, u, x) = (state[i], drive[i], self.rate[i] * seconds);
            let phi = mean_decay(x);
            let after = y * libm::exp(-x) + u * seconds * phi;
            integral += self.ambient_of_mode[i] * (y * seconds * phi + u * seconds * seconds * mean_ramp(x, phi));
            stored += self.stored_of_mode[i] * (after - y);
            state[i] = after;
        }
        HeatFlow { stored, removed: integral - self.ambient_total * ambient * seconds }
    }

    /// Temperature of one node (degC).
    #[must_use]
    pub fn temperature(&self, state: &[f64], node: usize) -> f64 {
        dot(&self.to_nodes[node * self.n..][..self.n], state)
    }

    /// Steady temperature of one node under a constant `drive` (degC); infinite if heat has no way out.
    #[must_use]
    pub fn steady(&self, drive: &[f64], node: usize) -> f64 {
        let row = &self.to_nodes[node * self.n..][..self.n];
        row.iter().zip(drive).zip(&self.rate).map(|((x, u), rate)| x * u / rate).sum()
    }

    /// The first time (s) in `0..=horizon` at which `node` reaches `threshold` (degC) under a constant `drive`, from below if
    /// `rising`, from above otherwise; `None` if it does not. It cannot miss one: intervals are
    /// discarded only by bounds that hold for all their instants.
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
        let mut excess = ExponentialSum::constant(-sign * threshold);
        for i in 0..self.n {
            let weight = sign * self.to_nodes[node * self.n + i];
            if self.rate[i] > 0.0 {
                let steady = drive[i] / self.rate[i];
                excess.add_constant(weight * steady);
                excess.add_decay(weight * (state[i] - steady), self.rate[i]);
            } else {
                excess.add_constant(weight * state[i]);
                excess.add_slope(weight * drive[i]);
            }
        }
        excess.first_nonnegative(horizon)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// (1 - e^-x) / x: the mean of e^-s over 0..x.
fn mean_decay(x: f64) -> f64 {
    if x < 1e-9 { 1.0 - 0.5 * x } else { -libm::expm1(-x) / x }
}

/// (1 - mean_decay(x)) / x: the mean of s/x (1 - e^-(x-s)) weights; a series where the difference would cancel.
fn mean_ramp(x: f64, mean_decay: f64) -> f64 {
    if x > 0.5 {
        return (1.0 - mean_decay) / x;
    }
    // sum over k of (-x)^k / (k + 2)!: the term of k = 16 is below 1e-20 at x = 0.5.
    let mut sum = 0.0;
    for k in (0..16).rev() {
        sum = 1.0 / f64::from(k + 2) * (1.0 - x * sum);
    }
    sum
}
