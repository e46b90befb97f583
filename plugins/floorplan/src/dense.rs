//! Dense eigenvectors through `faer`, for networks too large for Jacobi rotations.

use faer::{Mat, Side};
use isotherm_core::thermal::{Modes, NetworkError, RcNetwork};

/// Diagonalises a network of up to some 2,000 nodes; [`Modes::of`] is slower above some 32 and identical on all platforms.
///
/// ```
/// use isotherm_core::thermal::{Modes, RcNetwork};
/// use isotherm_floorplan::modes_of;
/// let network = RcNetwork::new(&[12.0, 900.0], &[(0, 1, 60.0)], &[0.0, 22.0]).unwrap();
/// let (dense, jacobi) = (modes_of(&network).unwrap(), Modes::of(&network));
/// let steady = |modes: &Modes| modes.steady(&modes.drive(&[500.0, 0.0], 30.0), 0);
/// assert!((steady(&dense) - steady(&jacobi)).abs() < 1e-10);
/// ```
///
/// # Errors
/// [`NetworkError::Eigen`] if the solver does not converge, and what [`Modes::from_eigen`] answers.
pub fn modes_of(network: &RcNetwork) -> Result<Modes, NetworkError> {
    let n = network.nodes();
    let (rates, vectors) = eigen(&network.scaled_conductance(), n)?;
    Modes::from_eigen(network, rates, vectors)
}

/// Eigenvalues and, in the columns of the second (row after row), eigenvectors of a symmetric matrix.
///
/// # Errors
/// [`NetworkError::Eigen`] if the iteration does not converge, as for a matrix with entries that are not numbers.
pub fn eigen(matrix: &[f64], n: usize) -> Result<(Vec<f64>, Vec<f64>), NetworkError> {
    let dense = Mat::from_fn(n, n, |i, j| matrix[i * n + j]);
    let fault = |_| NetworkError::Eigen { nodes: n, found: "but the eigensolver did not converge".to_owned() };
    let solution = dense.self_adjoint_eigen(Side::Lower).map_err(fault)?;
    let values = (0..n).map(|i| solution.S()[i]).collect();
    let u = solution.U();
    let mut vectors = vec![0.0; n * n];
    for j in 0..n {
        for i in 0..n {
            vectors[i * n + j] = u[(i, j)];
        }
    }
    Ok((values, vectors))
}
