//! A network in its modes: each decays alone, so any interval is solved in one step.

use super::network::{NetworkError, RcNetwork, scaled};
use super::symmetric::eigen;

/// A diagonalised network.
///
/// With `y = V' C^(1/2) T` the equation becomes `dy_i/dt = -rate_i y_i + drive_i`, where `V` holds the eigenvectors of
/// `C^(-1/2) G C^(-1/2)`. A state is the vector `y`; a drive is the constant input of an interval. One `Modes` serves any number
/// of devices of the same kind: a device is its state and its drive, two slices of [`Modes::modes`] numbers that the caller keeps
/// where it likes, and nothing here allocates per event.
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
    /// Number of modes.
    pub(super) n: usize,
    /// Number of nodes that heat enters at and temperatures are read at; fewer than modes or more in a reduced model.
    pub(super) nodes: usize,
    pub(super) rate: Vec<f64>,
    /// y = to_modes T, row per mode.
    to_modes: Vec<f64>,
    /// T = to_nodes y, row per node; the same row is what a watt into the node adds to the drive.
    to_nodes: Vec<f64>,
    /// What a degree of the ambient adds to the drive.
    ambient_drive: Vec<f64>,
    /// Conductance of each node to the ambient (W/K).
    ambient: Vec<f64>,
    /// Conductance to the ambient seen by each mode: sum over nodes of g_j to_nodes_ji.
    pub(super) ambient_of_mode: Vec<f64>,
    pub(super) ambient_total: f64,
    /// Heat stored per unit of each mode; also the state of 1 degC everywhere.
    pub(super) stored_of_mode: Vec<f64>,
}

/// A network reduced to few modes, as a reduction found it; see [`Modes::from_reduced`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReducedModel {
    /// Decay rates (1/s), one per mode.
    pub rates: Vec<f64>,
    /// Temperature of each port from the modes, row per port; the same row is what a watt into the port adds to the drive.
    pub to_ports: Vec<f64>,
    /// A state from port temperatures, row per mode; a uniform temperature must give `stored_of_mode` times it.
    pub to_modes: Vec<f64>,
    /// What a degree of the ambient adds to the drive, which is also the conductance to the ambient each mode sees.
    pub ambient_of_mode: Vec<f64>,
    /// Sum of all conductances to the ambient (W/K).
    pub ambient_total: f64,
    /// Heat stored per unit of each mode.
    pub stored_of_mode: Vec<f64>,
}

impl Modes {
    /// Diagonalises a network by Jacobi rotations: the same bytes on every platform. O(n^3), once per network.
    #[must_use]
    pub fn of(network: &RcNetwork) -> Self {
        Self::of_matrix(&network.capacity, &network.conductance, &network.ambient)
    }

    /// Like [`Modes::of`], for any symmetric positive semidefinite `matrix` in the place of the conductances.
    pub(super) fn of_matrix(capacity: &[f64], matrix: &[f64], ambient: &[f64]) -> Self {
        let (rates, vectors) = eigen(scaled(matrix, capacity), capacity.len());
        Self::assemble(capacity, ambient, rates, &vectors)
    }

    /// Takes an eigensolution that another solver found, for networks too large for [`Modes::of`]: `rates` (1/s) and, in the
    /// columns of `vectors` (dense, row after row), the orthonormal eigenvectors of [`RcNetwork::scaled_conductance`].
    ///
    /// ```
    /// use isotherm_core::thermal::{Modes, RcNetwork};
    /// let network = RcNetwork::new(&[4.0], &[], &[2.0]).unwrap();
    /// assert_eq!(Modes::from_eigen(&network, vec![0.5], vec![1.0]).unwrap(), Modes::of(&network));
    /// ```
    ///
    /// # Errors
    /// [`NetworkError::Eigen`] for a wrong number of entries, or rates that are negative beyond rounding or not numbers.
    pub fn from_eigen(network: &RcNetwork, rates: Vec<f64>, vectors: Vec<f64>) -> Result<Self, NetworkError> {
        let nodes = network.nodes();
        let fault = |found: String| NetworkError::Eigen { nodes, found };
        if rates.len() != nodes || vectors.len() != nodes * nodes {
            return Err(fault(format!("found {} and {}", rates.len(), vectors.len())));
        }
        let fastest = rates.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        if let Some(rate) = rates.iter().find(|r| !(r.is_finite() && **r >= -1e-9 * fastest)) {
            return Err(fault(format!("found a rate of {rate}")));
        }
        if vectors.iter().any(|x| !x.is_finite()) {
            return Err(fault("found an entry that is not a number".to_owned()));
        }
        Ok(Self::assemble(&network.capacity, &network.ambient, rates, &vectors))
    }

    /// Takes a reduced model: its ports take the place of nodes everywhere, and the number of modes is its own.
    ///
    /// # Errors
    /// [`NetworkError::Eigen`] when the lists do not fit each other or hold something that is not a number.
    pub fn from_reduced(model: ReducedModel) -> Result<Self, NetworkError> {
        let n = model.rates.len();
        let nodes = model.to_ports.len().checked_div(n).unwrap_or(0);
        let lists = [&model.to_ports, &model.to_modes, &model.ambient_of_mode, &model.stored_of_mode];
        let sizes = [nodes * n, nodes * n, n, n];
        if nodes == 0 || lists.iter().zip(sizes).any(|(list, size)| list.len() != size) {
            return Err(NetworkError::Eigen { nodes: n, found: format!("found lists of {:?}", lists.map(Vec::len)) });
        }
        let mut all = lists.into_iter().flatten().chain(&model.rates).chain([&model.ambient_total]).copied();
        let finite = all.all(f64::is_finite);
        drop(all);
        if !finite || model.rates.iter().any(|rate| *rate < 0.0) {
            return Err(NetworkError::Eigen { nodes: n, found: "found a negative rate or a NaN".to_owned() });
        }
        Ok(Self {
            n,
            nodes,
            rate: model.rates,
            to_modes: model.to_modes,
            to_nodes: model.to_ports,
            ambient_drive: model.ambient_of_mode.clone(),
            ambient: vec![0.0; nodes],
            ambient_of_mode: model.ambient_of_mode,
            ambient_total: model.ambient_total,
            stored_of_mode: model.stored_of_mode,
        })
    }

    fn assemble(capacity: &[f64], ambient: &[f64], rates: Vec<f64>, vectors: &[f64]) -> Self {
        let n = capacity.len();
        let root: Vec<f64> = capacity.iter().map(|c| c.sqrt()).collect();
        let to_modes = (0..n * n).map(|k| vectors[k % n * n + k / n] * root[k % n]).collect();
        let to_nodes: Vec<f64> = (0..n * n).map(|k| vectors[k] / root[k / n]).collect();
        let rounding = n as f64 * f64::EPSILON * rates.iter().fold(0.0, |a: f64, b| a.max(*b));
        let per_mode = |weight: &[f64]| -> Vec<f64> {
            (0..n).map(|i| (0..n).map(|j| weight[j] * to_nodes[j * n + i]).sum()).collect()
        };
        Self {
            n,
            nodes: n,
            // A conductance matrix is positive semidefinite: a rate below the rounding of the fastest is a zero, that of a part
            // which keeps its heat.
            rate: rates.into_iter().map(|r| if r > rounding { r } else { 0.0 }).collect(),
            ambient_drive: per_mode(ambient),
            ambient_of_mode: per_mode(ambient),
            stored_of_mode: per_mode(capacity),
            ambient_total: ambient.iter().sum(),
            ambient: ambient.to_vec(),
            to_modes,
            to_nodes,
        }
    }

    /// Number of nodes: places where heat enters and temperatures are read.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Number of modes, the length of a state and of a drive. Equal to [`Modes::nodes`] except in a reduced model.
    #[must_use]
    pub fn modes(&self) -> usize {
        self.n
    }

    /// Time constants of the modes (s); infinite for a mode that keeps its heat.
    pub fn time_constants(&self) -> impl Iterator<Item = f64> + '_ {
        self.rate.iter().map(|rate| 1.0 / rate)
    }

    /// The state whose node temperatures are `temperatures` (degC), one per node.
    #[must_use]
    pub fn state(&self, temperatures: &[f64]) -> Vec<f64> {
        (0..self.n).map(|i| dot(&self.to_modes[i * self.nodes..][..self.nodes], temperatures)).collect()
    }

    /// The state of this network whose node temperatures are those of `state` in `other`: a change of fan or flow changes the
    /// conductances, so the same temperatures have new coordinates. O(n^2), no heat appears or is lost as long as the
    /// capacities are the same.
    ///
    /// ```
    /// use isotherm_core::thermal::{Modes, RcNetwork};
    /// let fan = |sink_to_air| Modes::of(&RcNetwork::new(&[12.0, 900.0], &[(0, 1, 60.0)], &[0.0, sink_to_air]).unwrap());
    /// let (slow, fast) = (fan(9.0), fan(22.0));
    /// let state = slow.state(&[71.0, 58.0]);
    /// let same = fast.state_from(&slow, &state);
    /// assert!((fast.temperature(&same, 0) - 71.0).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn state_from(&self, other: &Self, state: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        self.state_from_into(other, state, &mut out);
        out
    }

    /// [`Modes::state_from`] into a buffer of [`Modes::modes`] numbers.
    pub fn state_from_into(&self, other: &Self, state: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for node in 0..self.nodes.min(other.nodes) {
            let temperature = other.temperature(state, node);
            for (i, y) in out.iter_mut().enumerate() {
                *y += self.to_modes[i * self.nodes + node] * temperature;
            }
        }
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
        for (out, x) in drive.iter_mut().zip(&self.ambient_drive) {
            *out = x * ambient;
        }
        for (node, watts) in power.iter().enumerate().filter(|(_, watts)| **watts != 0.0) {
            self.add_power(drive, node, *watts);
        }
    }

    /// Adds `watts` into one node to a drive: O(n), where [`Modes::drive_into`] is O(n^2).
    ///
    /// Many updates round a little each; build the drive anew where that matters.
    ///
    /// ```
    /// use isotherm_core::thermal::{Modes, RcNetwork};
    /// let modes = Modes::of(&RcNetwork::new(&[12.0, 900.0], &[(0, 1, 60.0)], &[0.0, 20.0]).unwrap());
    /// let mut drive = modes.drive(&[300.0, 0.0], 25.0);
    /// modes.add_power(&mut drive, 0, 50.0);
    /// assert!((modes.steady(&drive, 1) - (25.0 + 350.0 / 20.0)).abs() < 1e-11);
    /// ```
    #[inline]
    pub fn add_power(&self, drive: &mut [f64], node: usize, watts: f64) {
        for (out, x) in drive.iter_mut().zip(self.row(node)) {
            *out += x * watts;
        }
    }

    /// Adds `kelvin` to the ambient temperature in a drive: O(n), for an inlet that another device preheats.
    #[inline]
    pub fn add_ambient(&self, drive: &mut [f64], kelvin: f64) {
        for (out, x) in drive.iter_mut().zip(&self.ambient_drive) {
            *out += x * kelvin;
        }
    }

    /// Temperature of one node (degC).
    #[must_use]
    #[inline]
    pub fn temperature(&self, state: &[f64], node: usize) -> f64 {
        dot(self.row(node), state)
    }

    /// Steady temperature of one node under a constant `drive` (degC); infinite if heat has no way out.
    #[must_use]
    pub fn steady(&self, drive: &[f64], node: usize) -> f64 {
        self.row(node).iter().zip(drive).zip(&self.rate).map(|((x, u), rate)| x * u / rate).sum()
    }

    /// Temperature of a node per unit of each mode.
    #[inline]
    pub(super) fn row(&self, node: usize) -> &[f64] {
        &self.to_nodes[node * self.n..][..self.n]
    }

    /// Conductance of one node to the ambient (W/K); 0 in a reduced model, which knows only the sum.
    #[must_use]
    pub fn ambient_conductance(&self, node: usize) -> f64 {
        self.ambient[node]
    }
}

#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
