//! Least squares of few parameters: Levenberg-Marquardt with bounds and a loss that outliers cannot dominate.

/// What is minimised: the sum of `soft(residual)` over residuals, in parameters kept within bounds.
pub(super) struct Problem<'a> {
    /// Lowest and highest value of each parameter.
    pub bounds: &'a [[f64; 2]],
    /// Residual from which on the loss grows like |r| and no longer like r^2.
    pub soft: f64,
    /// Rounds at most.
    pub rounds: u32,
}

/// Parameters that fit, and how well each is known.
pub(super) struct Solution {
    /// The parameters.
    pub at: Vec<f64>,
    /// Standard error of each; infinite where the data says nothing or a bound holds it.
    pub error: Vec<f64>,
}

impl Problem<'_> {
    /// Minimises from `start`. `residuals` must always return the same number of values.
    pub(super) fn solve(&self, start: &[f64], residuals: impl Fn(&[f64]) -> Vec<f64>) -> Solution {
        let mut at: Vec<f64> = start.iter().zip(self.bounds).map(|(x, b)| x.clamp(b[0], b[1])).collect();
        let mut now = residuals(&at);
        let mut damping = 1e-3;
        for _ in 0..self.rounds {
            let (normal, slope) = self.normal_equations(&at, &now, &residuals);
            let mut better = None;
            while damping < 1e8 {
                let step = damped_step(&normal, &slope, damping);
                let next: Vec<f64> =
                    at.iter().zip(&step).zip(self.bounds).map(|((x, s), b)| (x - s).clamp(b[0], b[1])).collect();
                let there = residuals(&next);
                if self.loss(&there) < self.loss(&now) {
                    damping = (damping / 5.0).max(1e-9);
                    better = Some((next, there));
                    break;
                }
                damping *= 4.0;
            }
            let Some((next, there)) = better else { break };
            let settled = self.loss(&now) - self.loss(&there) < 1e-5 * self.loss(&now);
            (at, now) = (next, there);
            if settled {
                break;
            }
        }
        let error = self.errors(&at, &now, &residuals);
        Solution { at, error }
    }

    /// Loss of `soft_l1`: 2 s^2 (sqrt(1 + (r/s)^2) - 1).
    fn loss(&self, residuals: &[f64]) -> f64 {
        let each = |r: &f64| 2.0 * self.soft * self.soft * (libm::sqrt(1.0 + r * r / (self.soft * self.soft)) - 1.0);
        residuals.iter().map(each).sum()
    }

    /// J^T W J and J^T W r with a forward difference for J and the weight of the loss for W.
    fn normal_equations(
        &self,
        at: &[f64],
        now: &[f64],
        residuals: &impl Fn(&[f64]) -> Vec<f64>,
    ) -> (Vec<Vec<f64>>, Vec<f64>) {
        const DIFFERENCE: f64 = 1e-4;
        let columns: Vec<Vec<f64>> = (0..at.len())
            .map(|k| {
                let mut moved = at.to_vec();
                let step = if at[k] + DIFFERENCE > self.bounds[k][1] { -DIFFERENCE } else { DIFFERENCE };
                moved[k] += step;
                residuals(&moved).iter().zip(now).map(|(there, here)| (there - here) / step).collect()
            })
            .collect();
        let weights: Vec<f64> = now.iter().map(|r| 1.0 / libm::sqrt(1.0 + r * r / (self.soft * self.soft))).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).zip(&weights).map(|((a, b), w)| a * b * w).sum::<f64>();
        let normal = columns.iter().map(|a| columns.iter().map(|b| dot(a, b)).collect()).collect();
        let slope = columns.iter().map(|a| dot(a, now)).collect();
        (normal, slope)
    }

    fn errors(&self, at: &[f64], now: &[f64], residuals: &impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let (normal, _) = self.normal_equations(at, now, residuals);
        let free: Vec<usize> = (0..at.len())
            .filter(|k| at[*k] > self.bounds[*k][0] && at[*k] < self.bounds[*k][1] && normal[*k][*k] > 0.0)
            .collect();
        let matrix: Vec<Vec<f64>> = free.iter().map(|i| free.iter().map(|j| normal[*i][*j]).collect()).collect();
        let spread = now.iter().map(|r| (r * r).min(self.soft * self.soft)).sum::<f64>();
        let variance = spread / (now.len().saturating_sub(free.len()).max(1)) as f64;
        let mut error = vec![f64::INFINITY; at.len()];
        for (place, parameter) in free.iter().enumerate() {
            let mut unit = vec![0.0; free.len()];
            unit[place] = 1.0;
            let entry = gauss(matrix.clone(), unit)[place];
            error[*parameter] = if entry > 0.0 { libm::sqrt(variance * entry) } else { f64::INFINITY };
        }
        error
    }
}

/// Solves (N + damping diag N) s = g.
fn damped_step(normal: &[Vec<f64>], slope: &[f64], damping: f64) -> Vec<f64> {
    let mut matrix = normal.to_vec();
    for (k, row) in matrix.iter_mut().enumerate() {
        row[k] += damping * row[k].max(1e-12);
    }
    gauss(matrix, slope.to_vec())
}

/// Solves a small dense system by elimination with row exchange; a direction without a pivot gets 0.
fn gauss(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for column in 0..n {
        let pivot = (column..n)
            .fold(column, |best, row| if matrix[row][column].abs() > matrix[best][column].abs() { row } else { best });
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        if matrix[column][column].abs() < 1e-300 {
            continue;
        }
        for row in column + 1..n {
            let factor = matrix[row][column] / matrix[column][column];
            let above = matrix[column].clone();
            matrix[row].iter_mut().zip(&above).skip(column).for_each(|(entry, above)| *entry -= factor * above);
            right[row] -= factor * right[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| matrix[row][k] * right[k]).sum();
        let pivot = matrix[row][row];
        right[row] = if pivot.abs() < 1e-300 { 0.0 } else { (right[row] - known) / pivot };
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_is_found_despite_an_outlier() {
        let data: Vec<(f64, f64)> = (0..30).map(|i| f64::from(i) * 0.1).map(|x| (x, 2.0 * (-0.7 * x).exp())).collect();
        let residuals = |p: &[f64]| -> Vec<f64> {
            let mut all: Vec<f64> = data.iter().map(|(x, y)| p[0] * (p[1] * x).exp() - y).collect();
            all[4] += 5.0;
            all
        };
        let problem = Problem { bounds: &[[0.1, 10.0], [-5.0, 0.0]], soft: 0.01, rounds: 60 };
        let solution = problem.solve(&[1.0, -2.0], residuals);
        assert!((solution.at[0] - 2.0).abs() < 5e-3 && (solution.at[1] + 0.7).abs() < 5e-3, "{:?}", solution.at);
        assert!(solution.error.iter().all(|e| *e < 0.05));
    }
}
