//! Leakage: power that grows with the temperature it causes.
//!
//! `P_leak = P0 e^(beta (T - T0))` at one or more nodes. Its tangent at a design temperature is part of the network: the slope
//! goes into the conductances (`G' = G - diag(slope)`) and the rest is a constant power, so the linear law keeps every closed form.
//! The exponential law adds the remainder, which is zero at the design temperature, convex, and small near it.

use thiserror::Error;

use super::cholesky;
use super::modes::Modes;
use super::network::{NetworkError, RcNetwork};

/// Leakage of one node: `watts` at `at`, growing by the factor e every `1 / per_kelvin`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leakage {
    /// The node it heats.
    pub node: usize,
    /// Power at the reference temperature (W).
    pub watts: f64,
    /// Reference temperature (degC).
    pub at: f64,
    /// Growth (1/K).
    pub per_kelvin: f64,
    /// Temperature (degC) at which the tangent is laid; best near the temperatures that matter.
    pub design: f64,
}

impl Leakage {
    /// Power at a temperature (W).
    #[must_use]
    #[inline]
    pub fn power(&self, temperature: f64) -> f64 {
        self.watts * libm::exp(self.per_kelvin * (temperature - self.at))
    }

    /// The tangent at the design temperature: power at 0 degC (W; below zero is right) and slope (W/K).
    #[must_use]
    pub fn tangent(&self) -> (f64, f64) {
        let power = self.power(self.design);
        let slope = self.per_kelvin * power;
        (power - slope * self.design, slope)
    }
}

/// Which law leakage follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeakageLaw {
    /// The tangent at the design temperature: every interval is exact. Within 1.1 % of the exponential over +-10 K at 0.015 / K.
    #[default]
    Linear,
    /// The exponential itself, integrated with an error control of [`LeakyModes::tolerance`].
    Exponential,
}

/// Leakage that cannot be, or that has no end.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LeakageError {
    /// The network without leakage is not physical. Found before a run starts.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A leakage that is not a finite, non-negative power with a finite, non-negative growth, or at no node. Found before a run.
    #[error(
        "leakage {index}: {what}; expected a node from 0 to {last}, watts and growth not negative, all numbers finite, as in \
         node 0, 60 W at 41 degC, 0.015 per kelvin, design temperature 70 degC"
    )]
    Source {
        /// Which entry of the list.
        index: usize,
        /// What is wrong with it.
        what: String,
        /// The highest node.
        last: usize,
    },
    /// Leakage grows faster with temperature than the network takes heat away. Found before a run starts.
    #[error(
        "thermal runaway at node {node}: at its design temperature of {design} degC leakage grows by {slope:.4} W for every kelvin, \
         more than the way to the ambient carries off, so no power is low enough for a steady temperature; \
         lower the leakage or its growth, or cool better"
    )]
    Unstable {
        /// The leaking node with the steepest leakage among those that cannot be balanced.
        node: usize,
        /// Its design temperature (degC).
        design: f64,
        /// Its slope there (W/K).
        slope: f64,
    },
    /// The temperature ran away within an interval. The device is lost; other devices can go on.
    #[error(
        "thermal runaway at node {node}: {temperature:.1} degC after {after_seconds} s of the interval and rising without end, \
         past the bound of {bound} degC; leakage feeds itself at this power: lower the power, or cool better"
    )]
    Runaway {
        /// The node.
        node: usize,
        /// Temperature reached (degC).
        temperature: f64,
        /// Time since the start of the interval (s).
        after_seconds: f64,
        /// The bound that stands for "without end" (degC).
        bound: f64,
    },
}

/// What moved in an interval with leakage (J): power in + `leaked` = `stored` + `removed`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeakFlow {
    /// Growth of the heat stored in the network.
    pub stored: f64,
    /// Heat given to the ambient.
    pub removed: f64,
    /// Electrical energy of the leakage.
    pub leaked: f64,
    /// Integral of the temperature of node 0 over the interval (degC s): of a die, what degree-seconds are made of. Exact for the
    /// linear law; for the exponential one within the tolerance (K) x steps x interval.
    pub first_node: f64,
    /// Steps the interval took: 1 for the linear law and, mostly, for intervals of milliseconds.
    pub steps: u32,
}

/// A leaking node inside [`LeakyModes`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) leakage: Leakage,
    /// Tangent at 0 degC (W) and slope (W/K).
    pub(super) base: f64,
    pub(super) slope: f64,
}

impl Source {
    /// What the tangent misses at a temperature (W); never negative, zero at the design temperature.
    #[inline]
    pub(super) fn remainder(&self, temperature: f64) -> f64 {
        self.leakage.power(temperature) - (self.base + self.slope * temperature)
    }

    /// The least and the greatest remainder between two temperatures: it is convex with its minimum, 0, at the design temperature.
    pub(super) fn remainder_range(&self, low: f64, high: f64) -> (f64, f64) {
        let (at_low, at_high) = (self.remainder(low).max(0.0), self.remainder(high).max(0.0));
        let inside = low <= self.leakage.design && self.leakage.design <= high;
        (if inside { 0.0 } else { at_low.min(at_high) }, at_low.max(at_high))
    }
}

/// A network with leakage, in its modes: the specification that any number of devices of one kind share.
///
/// A device's state and drive are those of [`LeakyModes::modes`], the network with the tangent in it; make drives with
/// [`LeakyModes::drive_into`], which adds the tangent's constant power, or add power to such a drive.
///
/// ```
/// use isotherm_core::thermal::{Leakage, LeakageLaw, LeakScratch, LeakyModes, RcNetwork};
/// let network = RcNetwork::new(&[12.0, 900.0], &[(0, 1, 60.0)], &[0.0, 22.0]).unwrap();
/// let leakage = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.015, design: 60.0 };
/// let leaky = LeakyModes::new(&network, &[leakage], LeakageLaw::Exponential).unwrap();
/// let mut scratch = LeakScratch::new(&leaky);
/// let mut state = leaky.modes().state(&[30.0, 30.0]);
/// let mut drive = vec![0.0; leaky.modes().modes()];
/// leaky.drive_into(&[500.0, 0.0], 30.0, &mut drive);
/// let flow = leaky.advance(&mut state, &drive, 30.0, 0.02, &mut scratch).unwrap();
/// assert_eq!(flow.steps, 1);
/// // 500 W for 20 ms, and what leaked: all of it is stored or removed.
/// assert!((10.0 + flow.leaked - flow.stored - flow.removed).abs() < 1e-9 * 10.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyModes {
    pub(super) modes: Modes,
    pub(super) sources: Vec<Source>,
    pub(super) law: LeakageLaw,
    pub(super) tolerance: f64,
    pub(super) bound: f64,
}

/// Temperature error (K) a step of the exponential law may have.
const TOLERANCE_K: f64 = 1e-3;

/// No device survives this temperature (degC): beyond it a transient counts as a runaway.
const RUNAWAY_DEGC: f64 = 1000.0;

impl LeakyModes {
    /// Puts the tangents into the network and diagonalises it. O(n^3), once per kind of device and cooling setting.
    ///
    /// ```
    /// use isotherm_core::thermal::{Leakage, LeakageLaw, LeakyModes, RcNetwork};
    /// let network = RcNetwork::new(&[450.0], &[], &[5.0]).unwrap();
    /// // 300 W at 80 degC growing by 2 % a kelvin are 6 W/K; 5 W/K leave.
    /// let hot = Leakage { node: 0, watts: 300.0, at: 80.0, per_kelvin: 0.02, design: 80.0 };
    /// let message = LeakyModes::new(&network, &[hot], LeakageLaw::Linear).unwrap_err().to_string();
    /// assert!(message.starts_with("thermal runaway at node 0: at its design temperature of 80 degC"), "{message}");
    /// ```
    ///
    /// # Errors
    /// [`LeakageError::Network`] if the network itself lets no heat out, [`LeakageError::Source`] for a bad entry,
    /// [`LeakageError::Unstable`] if leakage outgrows the cooling at the design temperatures.
    pub fn new(network: &RcNetwork, leakage: &[Leakage], law: LeakageLaw) -> Result<Self, LeakageError> {
        Self::with(network, leakage, law, |capacity, matrix, ambient| Ok(Modes::of_matrix(capacity, matrix, ambient)))
    }

    /// [`LeakyModes::new`] with another eigensolver for large networks: `solve` gets the scaled matrix (dense, row after row)
    /// and answers with rates (1/s) and, in columns, vectors as [`Modes::from_eigen`] takes them.
    ///
    /// # Errors
    /// Those of [`LeakyModes::new`] and of [`Modes::from_eigen`].
    pub fn with_solver(
        network: &RcNetwork,
        leakage: &[Leakage],
        law: LeakageLaw,
        solve: impl FnOnce(&[f64], usize) -> Result<(Vec<f64>, Vec<f64>), NetworkError>,
    ) -> Result<Self, LeakageError> {
        Self::with(network, leakage, law, |capacity, matrix, _| {
            let (rates, vectors) = solve(&super::network::scaled(matrix, capacity), capacity.len())?;
            Ok(Modes::from_eigen(network, rates, vectors)?)
        })
    }

    fn with(
        network: &RcNetwork,
        leakage: &[Leakage],
        law: LeakageLaw,
        diagonalise: impl FnOnce(&[f64], &[f64], &[f64]) -> Result<Modes, LeakageError>,
    ) -> Result<Self, LeakageError> {
        network.check_definite()?;
        let n = network.nodes();
        for (index, source) in leakage.iter().enumerate() {
            check(source, n).map_err(|what| LeakageError::Source { index, what, last: n - 1 })?;
        }
        let mut matrix = network.conductance().to_vec();
        let mut sources = Vec::new();
        for leakage in leakage.iter().filter(|leakage| leakage.watts > 0.0) {
            let (base, slope) = leakage.tangent();
            matrix[leakage.node * n + leakage.node] -= slope;
            sources.push(Source { leakage: *leakage, base, slope });
        }
        if let Err(row) = cholesky::factor(&matrix, n) {
            return Err(unstable(&sources, row));
        }
        let modes = diagonalise(network.capacity(), &matrix, network.ambient())?;
        Ok(Self { modes, sources, law, tolerance: TOLERANCE_K, bound: RUNAWAY_DEGC })
    }

    /// Sets the error (K) a step of the exponential law may have; 1e-3 otherwise.
    #[must_use]
    pub fn tolerance(mut self, kelvin: f64) -> Self {
        self.tolerance = kelvin;
        self
    }

    /// Sets the temperature (degC) past which a transient is a runaway; 1000 otherwise.
    #[must_use]
    pub fn runaway_bound(mut self, celsius: f64) -> Self {
        self.bound = celsius;
        self
    }

    /// The modes of the network with the tangents in it. States and drives are theirs.
    #[must_use]
    pub fn modes(&self) -> &Modes {
        &self.modes
    }

    /// The law in use.
    #[must_use]
    pub fn law(&self) -> LeakageLaw {
        self.law
    }

    /// The drive of an interval: `power` (W) per node without leakage, ambient (degC), and the tangents' constant part.
    pub fn drive_into(&self, power: &[f64], ambient: f64, drive: &mut [f64]) {
        self.modes.drive_into(power, ambient, drive);
        for source in &self.sources {
            self.modes.add_power(drive, source.leakage.node, source.base);
        }
    }

    /// Power of all leakage in a state (W).
    #[must_use]
    pub fn leakage_power(&self, state: &[f64]) -> f64 {
        self.sources
            .iter()
            .map(|source| {
                let temperature = self.modes.temperature(state, source.leakage.node);
                match self.law {
                    LeakageLaw::Linear => source.base + source.slope * temperature,
                    LeakageLaw::Exponential => source.leakage.power(temperature),
                }
            })
            .sum()
    }
}

fn check(leakage: &Leakage, nodes: usize) -> Result<(), String> {
    if leakage.node >= nodes {
        return Err(format!("node {} does not exist", leakage.node));
    }
    let numbers = [("watts", leakage.watts, true), ("per_kelvin", leakage.per_kelvin, true)];
    for (name, value, sign) in numbers.into_iter().chain([("at", leakage.at, false), ("design", leakage.design, false)])
    {
        if !value.is_finite() || (sign && value < 0.0) {
            return Err(format!("`{name}` is {value}"));
        }
    }
    let (base, slope) = leakage.tangent();
    if base.is_finite() && slope.is_finite() {
        Ok(())
    } else {
        Err("leakage at `design` is beyond all numbers".to_owned())
    }
}

/// The steepest leakage up to the row at which the factorisation failed; any row depends only on those before it.
fn unstable(sources: &[Source], row: usize) -> LeakageError {
    let mut worst: Option<&Source> = None;
    for source in sources {
        let inside = source.leakage.node <= row;
        if inside && worst.is_none_or(|worst| source.slope > worst.slope) {
            worst = Some(source);
        }
    }
    match worst {
        Some(Source { leakage, slope, .. }) => {
            LeakageError::Unstable { node: leakage.node, design: leakage.design, slope: *slope }
        }
        None => NetworkError::NotDefinite { node: row }.into(),
    }
}
