//! Cholesky factors of a small dense matrix: the test that a network is physical, and that leakage is bounded.

/// Factors `matrix` (dense, symmetric, row after row; the lower triangle is read) as L L'.
///
/// # Errors
/// The first row whose pivot is not clearly positive: the leading part up to it is not positive definite.
pub(super) fn factor(matrix: &[f64], n: usize) -> Result<Vec<f64>, usize> {
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let (row_i, row_j) = (&lower[i * n..][..j], &lower[j * n..][..j]);
            let rest = matrix[i * n + j] - row_i.iter().zip(row_j).map(|(a, b)| a * b).sum::<f64>();
            if i == j {
                // A pivot below the rounding of the sum that made it is zero for all we know; NaN fails as well.
                if !(rest.is_finite() && rest > n as f64 * f64::EPSILON * matrix[i * n + i].abs()) {
                    return Err(i);
                }
                lower[i * n + i] = rest.sqrt();
            } else {
                lower[i * n + j] = rest / lower[j * n + j];
            }
        }
    }
    Ok(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_times_its_transpose_is_the_matrix() {
        let lower = factor(&[4.0, 2.0, 2.0, 3.0], 2).unwrap();
        assert_eq!(lower[0], 2.0);
        assert_eq!(lower[2], 1.0);
        assert!((lower[3] - 2.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn the_failing_row_is_named() {
        assert_eq!(factor(&[1.0, 0.0, 0.0, -1.0], 2), Err(1));
        assert_eq!(factor(&[1.0, -1.0, -1.0, 1.0], 2), Err(1), "singular counts as failing");
        assert_eq!(factor(&[f64::NAN], 1), Err(0));
    }
}
