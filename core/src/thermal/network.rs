//! The description of an RC network: capacities, conductances, the way to the ambient.

use thiserror::Error;

use super::cholesky;

/// How far a matrix from a file may be from symmetric, and its diagonal from the sum of its row (relative).
pub const MATRIX_TOLERANCE: f64 = 1e-9;

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
    /// A matrix of the wrong size.
    #[error("a conductance matrix of {nodes} nodes has {nodes} x {nodes} entries, found {found}")]
    MatrixSize {
        /// Number of nodes.
        nodes: usize,
        /// Number of entries found.
        found: usize,
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
    /// A conductance matrix that is not symmetric.
    #[error(
        "the conductance matrix is not symmetric: row {row}, column {column} has {value} W/K, its mirror image {mirror}; \
         heat flows both ways through the same conductance, so write the same number in both places"
    )]
    Asymmetric {
        /// Row of the entry.
        row: usize,
        /// Column of the entry.
        column: usize,
        /// The entry (W/K).
        value: f64,
        /// The entry of row `column`, column `row` (W/K).
        mirror: f64,
    },
    /// A diagonal that is not the sum of a node's conductances: energy would not balance.
    #[error(
        "node {node}: the diagonal of the conductance matrix is {diagonal} W/K, but the node's links and its way to the \
         ambient sum to {expected} W/K; the diagonal must be that sum, or the network would make or lose heat"
    )]
    Diagonal {
        /// Which node.
        node: usize,
        /// The entry found (W/K).
        diagonal: f64,
        /// Sum of the node's links and its conductance to the ambient (W/K).
        expected: f64,
    },
    /// A node whose heat has no way to the ambient.
    #[error(
        "node {node}: no way to the ambient through any link, so its temperature would rise without end; link its part of \
         the network ({size} of {nodes} nodes) to the rest, or give one of its nodes a conductance to the ambient above 0 W/K"
    )]
    Disconnected {
        /// The lowest node of the part that is cut off.
        node: usize,
        /// Number of nodes in that part.
        size: usize,
        /// Number of nodes of the network.
        nodes: usize,
    },
    /// A conductance matrix that is not positive definite.
    #[error(
        "the conductance matrix is not positive definite: its Cholesky factorisation fails at node {node}; every conductance \
         must be positive and within about 15 decades of the others"
    )]
    NotDefinite {
        /// The row whose pivot is not positive.
        node: usize,
    },
    /// Eigenvalues or eigenvectors of the wrong number, negative or not numbers.
    #[error(
        "an eigensolution of {nodes} nodes needs {nodes} non-negative rates (1/s) and {nodes} x {nodes} vector entries, {found}"
    )]
    Eigen {
        /// Number of nodes of the network.
        nodes: usize,
        /// What was found instead.
        found: String,
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
    /// Entries may differ from their mirror image, and diagonals from the sum of their row, by [`MATRIX_TOLERANCE`] relative
    /// to the diagonal: printed digits.
    ///
    /// # Errors
    /// [`NetworkError`] names the first entry that is not physical.
    pub fn from_matrices(capacity: Vec<f64>, conductance: Vec<f64>, ambient: Vec<f64>) -> Result<Self, NetworkError> {
        let n = capacity.len();
        if conductance.len() != n * n {
            return Err(NetworkError::MatrixSize { nodes: n, found: conductance.len() });
        }
        let mut links = Vec::new();
        for a in 0..n {
            for b in a + 1..n {
                let (value, mirror) = (conductance[a * n + b], conductance[b * n + a]);
                let scale = conductance[a * n + a].abs().min(conductance[b * n + b].abs());
                if (value - mirror).abs() > MATRIX_TOLERANCE * scale {
                    return Err(NetworkError::Asymmetric { row: a, column: b, value, mirror });
                }
                if value != 0.0 {
                    links.push((a, b, -value));
                }
            }
        }
        let assembled = Self::new(&capacity, &links, &ambient)?;
        for node in 0..n {
            let (diagonal, expected) = (conductance[node * n + node], assembled.conductance[node * n + node]);
            let differ = (diagonal - expected).abs();
            if !(differ.is_finite() && differ <= MATRIX_TOLERANCE * expected.abs()) {
                return Err(NetworkError::Diagonal { node, diagonal, expected });
            }
        }
        Ok(Self { capacity, conductance, ambient })
    }

    /// Checks that every node's heat finds a way to the ambient and that the conductance matrix is positive definite: then
    /// every constant power has a finite steady state.
    ///
    /// Not part of the construction, because a network without any way out is a lawful thing to study: it heats up evenly and
    /// for ever, and [`super::Modes`] solves it too.
    ///
    /// ```
    /// use isotherm_core::thermal::RcNetwork;
    /// let insulated = RcNetwork::new(&[12.0, 1500.0], &[(0, 1, 60.0)], &[0.0, 0.0]).unwrap();
    /// let message = insulated.check_definite().unwrap_err().to_string();
    /// assert!(message.starts_with("node 0: no way to the ambient"), "{message}");
    /// ```
    ///
    /// # Errors
    /// [`NetworkError::Disconnected`] or [`NetworkError::NotDefinite`].
    pub fn check_definite(&self) -> Result<(), NetworkError> {
        let n = self.nodes();
        let mut seen: Vec<bool> = self.ambient.iter().map(|g| *g > 0.0).collect();
        self.spread(&mut seen, (0..n).filter(|node| self.ambient[*node] > 0.0).collect());
        if let Some(node) = seen.iter().position(|reached| !reached) {
            let mut part = vec![false; n];
            part[node] = true;
            self.spread(&mut part, vec![node]);
            return Err(NetworkError::Disconnected { node, size: part.iter().filter(|x| **x).count(), nodes: n });
        }
        cholesky::factor(&self.conductance, n).map(drop).map_err(|node| NetworkError::NotDefinite { node })
    }

    /// Marks every node that links lead to from the marked ones.
    fn spread(&self, marked: &mut [bool], mut open: Vec<usize>) {
        let n = self.nodes();
        while let Some(node) = open.pop() {
            for (other, marked) in marked.iter_mut().enumerate() {
                if !*marked && self.conductance[node * n + other] != 0.0 {
                    *marked = true;
                    open.push(other);
                }
            }
        }
    }

    /// `C^(-1/2) G C^(-1/2)`, dense, row after row: its eigenvalues are the decay rates (1/s) and its eigenvectors what
    /// [`super::Modes::from_eigen`] takes.
    #[must_use]
    pub fn scaled_conductance(&self) -> Vec<f64> {
        scaled(&self.conductance, &self.capacity)
    }

    /// Heat capacities (J/K).
    #[must_use]
    pub fn capacity(&self) -> &[f64] {
        &self.capacity
    }

    /// The conductance matrix (W/K), dense, row after row; the diagonal contains the way to the ambient.
    #[must_use]
    pub fn conductance(&self) -> &[f64] {
        &self.conductance
    }

    /// Conductances to the ambient (W/K).
    #[must_use]
    pub fn ambient(&self) -> &[f64] {
        &self.ambient
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.capacity.len()
    }
}

/// `C^(-1/2) M C^(-1/2)`.
pub(super) fn scaled(matrix: &[f64], capacity: &[f64]) -> Vec<f64> {
    let n = capacity.len();
    let root: Vec<f64> = capacity.iter().map(|c| c.sqrt()).collect();
    (0..n * n).map(|k| matrix[k] / (root[k / n] * root[k % n])).collect()
}

fn check_conductance(a: usize, b: usize, value: f64) -> Result<(), NetworkError> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(NetworkError::Conductance { a, b, value }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrices(conductance: [f64; 4], ambient: [f64; 2]) -> Result<RcNetwork, NetworkError> {
        RcNetwork::from_matrices(vec![10.0, 20.0], conductance.to_vec(), ambient.to_vec())
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let message = |result: Result<RcNetwork, NetworkError>| result.unwrap_err().to_string();
        assert!(message(RcNetwork::new(&[f64::NAN], &[], &[1.0])).contains("heat capacity must be a positive number"));
        assert!(message(RcNetwork::new(&[-3.0], &[], &[1.0])).contains("found -3"));
        assert!(message(RcNetwork::new(&[1.0], &[], &[-1.0])).contains("non-negative number of W/K"));
        assert!(message(matrices([5.0, -5.0, -4.0, 6.0], [0.0, 1.0])).contains("not symmetric: row 0, column 1"));
        assert!(message(matrices([5.0, 5.0, 5.0, 6.0], [0.0, 1.0])).contains("found -5"));
        assert!(
            message(matrices([4.0, -5.0, -5.0, 6.0], [0.0, 1.0])).contains("diagonal of the conductance matrix is 4")
        );
        assert!(message(matrices([f64::NAN, -5.0, -5.0, 6.0], [0.0, 1.0])).contains("diagonal"));
        assert!(
            message(RcNetwork::from_matrices(vec![1.0, 1.0], vec![1.0], vec![1.0, 1.0]))
                .contains("has 2 x 2 entries, found 1")
        );
        assert!(matrices([5.0, -5.0, -5.0, 6.0], [0.0, 1.0]).is_ok());
    }

    #[test]
    fn a_part_without_a_way_out_is_named_with_its_size() {
        let network = RcNetwork::new(&[1.0; 4], &[(0, 2, 3.0), (1, 3, 2.0)], &[0.0, 0.0, 7.0, 0.0]).unwrap();
        assert_eq!(network.check_definite(), Err(NetworkError::Disconnected { node: 1, size: 2, nodes: 4 }));
        let whole =
            RcNetwork::new(&[1.0; 4], &[(0, 2, 3.0), (1, 3, 2.0), (3, 0, 1e-3)], &[0.0, 0.0, 7.0, 0.0]).unwrap();
        assert_eq!(whole.check_definite(), Ok(()));
    }

    #[test]
    fn conductances_too_far_apart_are_not_definite_in_double_precision() {
        let network = RcNetwork::new(&[1.0; 2], &[(0, 1, 1e9)], &[0.0, 1e-9]).unwrap();
        assert_eq!(network.check_definite(), Err(NetworkError::NotDefinite { node: 1 }));
    }
}
