//! A network as its links: what a network of 1e5 nodes can be held as.

use isotherm_core::thermal::{NetworkError, RcNetwork};

/// Capacities, links and ways to the ambient, not assembled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseNetwork {
    /// Heat capacity of each node (J/K).
    pub capacity: Vec<f64>,
    /// Conductances (node, node, W/K).
    pub links: Vec<(usize, usize, f64)>,
    /// Conductance of each node to the ambient (W/K).
    pub ambient: Vec<f64>,
}

impl SparseNetwork {
    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.capacity.len()
    }

    /// The network with its dense matrix: 8 n^2 bytes.
    ///
    /// # Errors
    /// Those of [`RcNetwork::new`].
    pub fn dense(&self) -> Result<RcNetwork, NetworkError> {
        RcNetwork::new(&self.capacity, &self.links, &self.ambient)
    }

    /// The lower triangle of the conductance matrix with `shift` times the capacities on its diagonal, as triplets.
    pub(crate) fn lower_triangle(&self, shift: f64) -> Vec<(usize, usize, f64)> {
        let mut diagonal: Vec<f64> = self.ambient.iter().zip(&self.capacity).map(|(g, c)| g + shift * c).collect();
        let mut entries = Vec::with_capacity(self.links.len() + diagonal.len());
        for &(a, b, g) in &self.links {
            diagonal[a] += g;
            diagonal[b] += g;
            entries.push((a.max(b), a.min(b), -g));
        }
        entries.extend(diagonal.into_iter().enumerate().map(|(i, d)| (i, i, d)));
        entries
    }

    /// The conductance matrix times a vector. Differences first: no cancellation of large diagonals.
    pub(crate) fn apply(&self, x: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = self.ambient.iter().zip(x).map(|(g, x)| g * x).collect();
        for &(a, b, g) in &self.links {
            let flow = g * (x[a] - x[b]);
            out[a] += flow;
            out[b] -= flow;
        }
        out
    }
}
