//! Dense eigenvectors through `faer`, for networks too large for Jacobi rotations.

use faer::{Mat, Side};
use isotherm_core::thermal::{Leakage, LeakageError, LeakageLaw, LeakyModes, Modes, NetworkError, RcNetwork};

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

/// [`LeakyModes::new`] for a network of up to some 2,000 nodes.
///
/// # Errors
/// Those of [`LeakyModes::new`] and of [`modes_of`].
pub fn leaky_modes_of(network: &RcNetwork, leakage: &[Leakage], law: LeakageLaw) -> Result<LeakyModes, LeakageError> {
    LeakyModes::with_solver(network, leakage, law, eigen)
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

#[cfg(test)]
mod tests {
    use isotherm_core::thermal::LeakScratch;

    use super::*;

    #[test]
    fn leakage_does_not_depend_on_the_eigensolver() {
        let links: Vec<_> = (1..40).map(|k| (k - 1, k, 20.0 + k as f64)).collect();
        let ambient: Vec<f64> = (0..40).map(|k| if k == 39 { 15.0 } else { 0.1 }).collect();
        let network = RcNetwork::new(&[3.0; 40], &links, &ambient).unwrap();
        let leakage = [Leakage { node: 0, watts: 20.0, at: 41.0, per_kelvin: 0.015, design: 60.0 }];
        let temperature = |leaky: LeakyModes| {
            let mut state = leaky.modes().state(&[30.0; 40]);
            let mut drive = vec![0.0; 40];
            leaky.drive_into(&[50.0], 30.0, &mut drive);
            leaky.advance(&mut state, &drive, 30.0, 5.0, &mut LeakScratch::new(&leaky)).unwrap();
            leaky.modes().temperature(&state, 0)
        };
        for law in [LeakageLaw::Linear, LeakageLaw::Exponential] {
            let dense = temperature(leaky_modes_of(&network, &leakage, law).unwrap());
            let jacobi = temperature(LeakyModes::new(&network, &leakage, law).unwrap());
            assert!((dense - jacobi).abs() < 1e-9, "{dense} and {jacobi}");
        }
    }
}
