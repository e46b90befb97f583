//! The description of an RC network: capacities, conductances, the way to the ambient.

use thiserror::Error;

/// A linear thermal network of any size, as its matrices.
///
/// Nodes are lumps of one temperature. Row and column `i` belong to node `i` everywhere.
///
/// ```
/// use isotherm_core::thermal::RcNetwork;
/// // A die (12 J/K) on a heat sink (1500 J/K): 60 W/K between them, 22 W/K from the sink to the air.
/// let network = RcNetwork::new(&[12.0, 1500.0], &[(0, 1, 60.0)], &[0.0, 22.0]).unwrap();
/// assert_eq!(network.nodes(), 2);
/// assert!(RcNetwork::new(&[12.0, -1.0], &[], &[0.0, 0.0]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RcNetwork {
    pub(super) capacity: Vec<f64>,
    /// Dense symmetric matrix, diagonal included; the diagonal contains the conductance to the ambient.
    pub(super) conductance: Vec<f64>,
    pub(super) ambient: Vec<f64>,
}

/// What is wrong with a network's description. Found before a run starts.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum NetworkError {
    /// A network without nodes.
    #[error("a thermal network needs at least one node")]
    Empty,
    /// Lists of different length.
    #[error("{capacities} capacities but {ambient} conductances to the ambient")]
    Lengths {
        /// Number of capacities.
        capacities: usize,
        /// Number of ambient conductances.
        ambient: usize,
    },
    /// A capacity that is not a positive number.
    #[error("node {node}: heat capacity must be a positive number of J/K, found {value}")]
    Capacity {
        /// Which node.
        node: usize,
        /// The value found (J/K).
        value: f64,
    },
    /// A conductance that is negative or not a number.
    #[error("nodes {a} and {b}: conductance must be a non-negative number of W/K, found {value}")]
    Conductance {
        /// One end.
        a: usize,
        /// The other end; equal to `a` for the way to the ambient.
        b: usize,
        /// The value found (W/K).
        value: f64,
    },
    /// A link to a node that does not exist, or from a node to itself.
    #[error("a link joins nodes {a} and {b}, but nodes are 0 to {last} and differ")]
    Link {
        /// One end.
        a: usize,
        /// The other end.
        b: usize,
        /// The highest node.
        last: usize,
    },
}

impl RcNetwork {
    /// Assembles the matrices from `capacity` (J/K) per node, `links` (node, node, W/K) and `ambient` (W/K) per node.
    ///
    /// Links between the same two nodes add up.
    ///
    /// # Errors
    /// [`NetworkError`] names the first entry that is not physical.
    pub fn new(capacity: &[f64], links: &[(usize, usize, f64)], ambient: &[f64]) -> Result<Self, NetworkError> {
        let n = capacity.len();
        if n == 0 {
            return Err(NetworkError::Empty);
        }
        if ambient.len() != n {
            return Err(NetworkError::Lengths { capacities: n, ambient: ambient.len() });
        }
        if let Some(node) = capacity.iter().position(|c| !(c.is_finite() && *c > 0.0)) {
            return Err(NetworkError::Capacity { node, value: capacity[node] });
        }
        let mut conductance = vec![0.0; n * n];
        for (node, &value) in ambient.iter().enumerate() {
            check_conductance(node, node, value)?;
            conductance[node * n + node] = value;
        }
        for &(a, b, value) in links {
            if a >= n || b >= n || a == b {
                return Err(NetworkError::Link { a, b, last: n - 1 });
            }
            check_conductance(a, b, value)?;
            conductance[a * n + a] += value;
            conductance[b * n + b] += value;
            conductance[a * n + b] -= value;
            conductance[b * n + a] -= value;
        }
        Ok(Self { capacity: capacity.to_vec(), conductance, ambient: ambient.to_vec() })
    }

    /// Takes matrices as another tool wrote them: `conductance` is dense, symmetric, row after row, and its diagonal
    /// already contains `ambient`.
    ///
    /// # Errors
    /// [`NetworkError`] names the first entry that is not physical.
    pub fn from_matrices(capacity: Vec<f64>, conductance: Vec<f64>, ambient: Vec<f64>) -> Result<Self, NetworkError> {
        let n = capacity.len();
        let mut links = Vec::new();
        for a in 0..n {
            for b in a + 1..n {
                match conductance.get(a * n + b) {
                    Some(&value) if value != 0.0 => links.push((a, b, -value)),
                    _ => {}
                }
            }
        }
        Self::new(&capacity, &links, &ambient)?;
        if conductance.len() != n * n {
            return Err(NetworkError::Lengths { capacities: n, ambient: conductance.len() });
        }
        Ok(Self { capacity, conductance, ambient })
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.capacity.len()
    }
}

fn check_conductance(a: usize, b: usize, value: f64) -> Result<(), NetworkError> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(NetworkError::Conductance { a, b, value }) }
}
