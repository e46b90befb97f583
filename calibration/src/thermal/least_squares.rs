//! Levenberg-Marquardt with a robust loss and bounds, on normal equations.
//!
//! Written out because the problems here are small (about 30 unknowns), mostly linear, and need the normal equations block by
//! block for their uncertainty, which no crate hands out.

/// A residual of so many standard deviations begins to count as an outlier.
const TOLERANCE: f64 = 2.0;

/// What the weight of a residual is divided by.
pub(super) fn robust_root(residual: f64) -> f64 {
    (1.0 + residual * residual / (TOLERANCE * TOLERANCE)).sqrt()
}

/// Normal equations of a linearised problem.
#[derive(Clone, Debug)]
pub(super) struct Normal {
    /// Number of unknowns.
    pub(super) n: usize,
    /// Row-major, symmetric; only the lower triangle is filled before [`Normal::mirror`].
    pub(super) hessian: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    pub(super) cost: f64,
}

impl Normal {
    pub(super) fn new(n: usize) -> Self {
        Self { n, hessian: vec![0.0; n * n], gradient: vec![0.0; n], cost: 0.0 }
    }

    /// Adds a residual with its derivatives: soft-L1, so that it counts by its square below [`TOLERANCE`] and by its size
    /// above.
    pub(super) fn add(&mut self, residual: f64, derivatives: &[(usize, f64)], weight: f64) {
        let root = robust_root(residual);
        self.cost += weight * 2.0 * TOLERANCE * TOLERANCE * (root - 1.0);
        self.add_weighted(residual, derivatives, weight / root);
    }

    /// Adds a residual that counts by its square, however large.
    pub(super) fn add_square(&mut self, residual: f64, derivatives: &[(usize, f64)]) {
        self.cost += residual * residual;
        self.add_weighted(residual, derivatives, 1.0);
    }

    fn add_weighted(&mut self, residual: f64, derivatives: &[(usize, f64)], weight: f64) {
        for &(i, a) in derivatives {
            self.gradient[i] += weight * a * residual;
            for &(j, b) in derivatives.iter().filter(|(j, _)| *j <= i) {
                self.hessian[i * self.n + j] += weight * a * b;
            }
        }
    }

    /// Fills the upper triangle.
    pub(super) fn mirror(&mut self) {
        for i in 0..self.n {
            for j in 0..i {
                self.hessian[j * self.n + i] = self.hessian[i * self.n + j];
            }
        }
    }
}

/// Solves `matrix x = right` for a symmetric positive definite matrix; `None` if it is not.
pub(super) fn solve(matrix: &[f64], right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    let mut lower = matrix.to_vec();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            let rest = lower[i * n + j] - dot;
            lower[i * n + j] = if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / lower[j * n + j]
            };
        }
    }
    let mut x = right.to_vec();
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| lower[i * n + k] * x[k]).sum();
        x[i] = (x[i] - dot) / lower[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| lower[k * n + i] * x[k]).sum();
        x[i] = (x[i] - dot) / lower[i * n + i];
    }
    Some(x)
}

/// A problem as the solver sees it.
pub(super) trait Problem {
    /// Lowest and highest value of each unknown; equal where it is not free.
    fn bounds(&self) -> &[(f64, f64)];
    /// The normal equations at `x`.
    fn linearise(&self, x: &[f64]) -> Normal;
    /// The cost alone.
    fn cost(&self, x: &[f64]) -> f64;
}

/// Improves `x` until a step gains less than a millionth of the cost, or 60 times.
pub(super) fn minimise(problem: &dyn Problem, x: &mut Vec<f64>) {
    let bounds = problem.bounds();
    let clamp = |x: &mut [f64]| x.iter_mut().zip(bounds).for_each(|(x, (low, high))| *x = x.clamp(*low, *high));
    clamp(x);
    let mut damping = 1e-3;
    for _ in 0..60 {
        let normal = problem.linearise(x);
        let mut gained = 0.0;
        while damping < 1e9 {
            let Some(step) = damped(&normal, x, bounds, damping) else {
                damping *= 10.0;
                continue;
            };
            let mut next: Vec<f64> = x.iter().zip(&step).map(|(x, step)| x + step).collect();
            clamp(&mut next);
            let cost = problem.cost(&next);
            if cost < normal.cost {
                gained = normal.cost - cost;
                *x = next;
                damping = (damping * 0.2).max(1e-9);
                break;
            }
            damping *= 5.0;
        }
        if gained < 1e-6 * normal.cost {
            return;
        }
    }
}

/// The step from `x`; unknowns that would leave their bounds stay.
fn damped(normal: &Normal, x: &[f64], bounds: &[(f64, f64)], damping: f64) -> Option<Vec<f64>> {
    let n = normal.n;
    let mut matrix = normal.hessian.clone();
    let mut right: Vec<f64> = normal.gradient.iter().map(|g| -g).collect();
    for i in 0..n {
        let (low, high) = bounds[i];
        let stays = low >= high || (x[i] <= low && right[i] < 0.0) || (x[i] >= high && right[i] > 0.0);
        if stays {
            (0..n).for_each(|j| {
                matrix[i * n + j] = 0.0;
                matrix[j * n + i] = 0.0;
            });
            matrix[i * n + i] = 1.0;
            right[i] = 0.0;
        } else {
            matrix[i * n + i] *= 1.0 + damping;
            matrix[i * n + i] += 1e-12;
        }
    }
    solve(&matrix, &right)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Decay {
        bounds: Vec<(f64, f64)>,
    }

    impl Problem for Decay {
        fn bounds(&self) -> &[(f64, f64)] {
            &self.bounds
        }
        fn linearise(&self, x: &[f64]) -> Normal {
            let mut normal = Normal::new(2);
            for k in 0..20 {
                let t = f64::from(k) * 0.1;
                let e = libm::exp(-x[1] * t);
                // One reading of twenty is wrong by far.
                let reading = if k == 7 { 9.0 } else { 3.0 * libm::exp(-1.5 * t) };
                normal.add((x[0] * e - reading) / 0.01, &[(0, e / 0.01), (1, -x[0] * t * e / 0.01)], 1.0);
            }
            normal.mirror();
            normal
        }
        fn cost(&self, x: &[f64]) -> f64 {
            self.linearise(x).cost
        }
    }

    #[test]
    fn an_outlier_does_not_carry_the_fit_away() {
        let mut x = vec![1.0, 0.5];
        minimise(&Decay { bounds: vec![(0.0, 10.0), (0.01, 10.0)] }, &mut x);
        assert!((x[0] - 3.0).abs() < 0.01 && (x[1] - 1.5).abs() < 0.02, "{x:?}");
        let mut x = vec![1.0, 0.5];
        minimise(&Decay { bounds: vec![(0.0, 2.0), (0.01, 10.0)] }, &mut x);
        assert_eq!(x[0], 2.0, "the bound holds");
    }
}
