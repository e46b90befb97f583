//! Least squares with few unknowns per row: a banded Cholesky factorisation.

/// Normal equations whose rows touch unknowns at most `width` apart.
pub(crate) struct Banded {
    width: usize,
    /// Row i holds the entries (i, i - width ..= i).
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Banded {
    pub(crate) fn new(unknowns: usize, width: usize) -> Self {
        Self { width, matrix: vec![0.0; unknowns * (width + 1)], right: vec![0.0; unknowns] }
    }

    /// Adds the equation `sum of coefficient x = value`; `terms` are (unknown, coefficient) within the band.
    pub(crate) fn add(&mut self, terms: &[(usize, f64)], value: f64, weight: f64) {
        for &(i, a) in terms {
            self.right[i] += weight * a * value;
            for &(j, b) in terms.iter().filter(|(j, _)| *j <= i) {
                self.matrix[i * (self.width + 1) + j + self.width - i] += weight * a * b;
            }
        }
    }

    /// The unknowns that fit best; each must occur in at least one equation.
    pub(crate) fn solve(mut self) -> Vec<f64> {
        let (n, w) = (self.right.len(), self.width);
        let at = |i: usize, j: usize| i * (w + 1) + j + w - i;
        for i in 0..n {
            let from = i.saturating_sub(w);
            for j in from..=i {
                let mut sum = self.matrix[at(i, j)];
                for k in from.max(j.saturating_sub(w))..j {
                    sum -= self.matrix[at(i, k)] * self.matrix[at(j, k)];
                }
                self.matrix[at(i, j)] = if i == j { sum.max(1e-12).sqrt() } else { sum / self.matrix[at(j, j)] };
            }
            for k in from..i {
                self.right[i] -= self.matrix[at(i, k)] * self.right[k];
            }
            self.right[i] /= self.matrix[at(i, i)];
        }
        for i in (0..n).rev() {
            for k in i + 1..n.min(i + w + 1) {
                self.right[i] -= self.matrix[at(k, i)] * self.right[k];
            }
            self.right[i] /= self.matrix[at(i, i)];
        }
        self.right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_that_agree_are_met() {
        let truth: Vec<f64> = (0..20).map(|i| f64::from(i * i % 7)).collect();
        let mut system = Banded::new(20, 3);
        for i in 0..17 {
            system.add(&[(i, 1.0), (i + 3, 2.0)], truth[i] + 2.0 * truth[i + 3], 1.0);
            system.add(&[(i + 1, 1.0), (i + 2, -1.0)], truth[i + 1] - truth[i + 2], 0.5);
        }
        system.add(&[(0, 1.0)], truth[0], 1.0);
        let found = system.solve();
        for (a, b) in found.iter().zip(&truth) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}
