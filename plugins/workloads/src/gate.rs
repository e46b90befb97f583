//! The gate's matrix W: one row of `d_model` weights for each expert, drawn once a seed.

use isotherm_core::rng::{Domain, Stream};
use serde::{Deserialize, Serialize};

/// How the gate's weights are drawn: the option `gate`.
///
/// Both give every logit of x ~ N(0, I) the variance `sigma`^2; they differ in whether experts are correlated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Rows orthogonal, each of norm `sigma`: W W^T = `sigma`^2 I, so a token's logits are independent. Needs
    /// `experts <= d_model`.
    #[default]
    Orthogonal,
    /// Entries uniform in (-b, b) with b = `sigma` sqrt(3 / `d_model`). PyTorch's default for `nn.Linear`,
    /// b = 1 / sqrt(`d_model`), is the case `sigma` = 1 / sqrt(3). Rows differ in norm and overlap by some 1 / sqrt(`d_model`).
    Uniform,
}

/// Rows of W, `experts x d_model`, row after row, from stream (seed, workload, 0, "gate").
pub(crate) fn draw(gate: Gate, experts: usize, d_model: usize, sigma: f64, (seed, layer): (u64, u32)) -> Vec<f64> {
    let mut stream = Stream::open(seed, Domain::Workload, u64::from(layer), "gate");
    match gate {
        Gate::Uniform => {
            let bound = sigma * libm::sqrt(3.0 / d_model as f64);
            (0..experts * d_model).map(|_| bound * (2.0 * stream.uniform() - 1.0)).collect()
        }
        Gate::Orthogonal => orthogonal_rows(experts, d_model, sigma, &mut stream),
    }
}

/// Gram-Schmidt on Gaussian rows. Every row is swept twice: the second sweep removes what rounding left.
fn orthogonal_rows(experts: usize, d_model: usize, sigma: f64, stream: &mut Stream) -> Vec<f64> {
    let mut rows: Vec<f64> = (0..experts * d_model).map(|_| stream.normal()).collect();
    for at in 0..experts {
        let (done, rest) = rows.split_at_mut(at * d_model);
        let row = &mut rest[..d_model];
        for _ in 0..2 {
            for earlier in done.chunks_exact(d_model) {
                let overlap = dot(earlier, row);
                row.iter_mut().zip(earlier).for_each(|(x, y)| *x -= overlap * y);
            }
        }
        let norm = libm::sqrt(dot(row, row));
        row.iter_mut().for_each(|x| *x /= norm);
    }
    rows.iter_mut().for_each(|x| *x *= sigma);
    rows
}

/// Lower factor L of W W^T = L L^T, `experts x experts`, row after row; `None` when W W^T is not positive definite.
///
/// With it z = L g has the joint law of the logits of one token, from `experts` deviates in place of `d_model`.
pub(crate) fn cholesky_of_gram(rows: &[f64], experts: usize, d_model: usize) -> Option<Vec<f64>> {
    if experts > d_model {
        return None;
    }
    let mut lower = vec![0.0; experts * experts];
    for i in 0..experts {
        for j in 0..=i {
            let gram = dot(&rows[i * d_model..][..d_model], &rows[j * d_model..][..d_model]);
            let rest = gram - dot(&lower[i * experts..][..j], &lower[j * experts..][..j]);
            if i != j {
                lower[i * experts + j] = rest / lower[j * experts + j];
            } else if rest > 1e-12 * gram {
                lower[i * experts + i] = libm::sqrt(rest);
            } else {
                return None;
            }
        }
    }
    Some(lower)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_rows_have_the_gram_matrix_sigma_squared_identity() {
        for (experts, d_model) in [(1, 1), (8, 512), (64, 64), (64, 100)] {
            let sigma = 1.7;
            let rows = draw(Gate::Orthogonal, experts, d_model, sigma, (3, 0));
            for i in 0..experts {
                for j in 0..experts {
                    let expected = if i == j { sigma * sigma } else { 0.0 };
                    let found = dot(&rows[i * d_model..][..d_model], &rows[j * d_model..][..d_model]);
                    assert!((found - expected).abs() < 1e-6, "{experts}x{d_model} ({i}, {j}): {found}");
                }
            }
        }
    }

    #[test]
    fn uniform_entries_fill_their_range_and_have_the_variance_of_the_option() {
        let (experts, d_model, sigma) = (8, 512, 0.5);
        let rows = draw(Gate::Uniform, experts, d_model, sigma, (3, 0));
        let bound = sigma * (3.0 / d_model as f64).sqrt();
        let largest = rows.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        assert!(largest < bound && largest > 0.99 * bound);
        // Mean row norm squared is sigma^2; relative standard error sqrt(0.8 / 4096).
        let mean_square = dot(&rows, &rows) / experts as f64;
        assert!((mean_square / (sigma * sigma) - 1.0).abs() < 5.0 * (0.8_f64 / 4096.0).sqrt(), "{mean_square}");
    }

    #[test]
    fn the_factor_times_its_transpose_is_the_gram_matrix() {
        let (experts, d_model) = (8, 20);
        let rows = draw(Gate::Uniform, experts, d_model, 1.0, (9, 0));
        let lower = cholesky_of_gram(&rows, experts, d_model).expect("positive definite");
        for i in 0..experts {
            for j in 0..experts {
                let gram = dot(&rows[i * d_model..][..d_model], &rows[j * d_model..][..d_model]);
                let product = dot(&lower[i * experts..][..experts], &lower[j * experts..][..experts]);
                assert!((gram - product).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn more_experts_than_dimensions_have_no_factor() {
        assert_eq!(cholesky_of_gram(&draw(Gate::Uniform, 4, 2, 1.0, (1, 0)), 4, 2), None);
    }

    #[test]
    fn seeds_draw_different_gates() {
        assert_ne!(draw(Gate::Uniform, 2, 8, 1.0, (1, 0)), draw(Gate::Uniform, 2, 8, 1.0, (2, 0)));
    }
}
