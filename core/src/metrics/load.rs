//! How evenly work is spread over experts.

/// Entropy and imbalance of a table of counts.
///
/// ```
/// use isotherm_core::metrics::LoadBalance;
/// let even = LoadBalance::of(&[5.0, 5.0, 5.0, 5.0]);
/// assert!((even.effective_experts() - 4.0).abs() < 1e-12);
/// assert_eq!((even.max_over_mean, even.cv, even.gini), (1.0, 0.0, 0.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadBalance {
    /// Entropy of the shares: the expert diversity (nats).
    pub entropy_nats: f64,
    /// Entropy over its maximum ln n.
    pub entropy_normalised: f64,
    /// Largest count over the mean.
    pub max_over_mean: f64,
    /// Population standard deviation over the mean.
    pub cv: f64,
    /// Gini coefficient: sum (2i - n - 1) x_(i) / (n sum x), i from 1, x sorted.
    pub gini: f64,
}

impl LoadBalance {
    /// Measures `counts`, one entry per expert. All zero where nothing was counted.
    #[must_use]
    pub fn of(counts: &[f64]) -> Self {
        let n = counts.len() as f64;
        let total: f64 = counts.iter().sum();
        if total <= 0.0 {
            return Self::default();
        }
        let mean = total / n;
        let entropy_nats =
            counts.iter().filter(|c| **c > 0.0).map(|c| -(c / total) * libm::log(c / total)).sum::<f64>();
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / n;
        let mut sorted = counts.to_vec();
        sorted.sort_by(f64::total_cmp);
        let spread: f64 = sorted.iter().enumerate().map(|(i, x)| (2.0 * (i + 1) as f64 - n - 1.0) * x).sum();
        Self {
            entropy_nats: entropy_nats.max(0.0),
            entropy_normalised: if counts.len() > 1 { entropy_nats.max(0.0) / libm::log(n) } else { 0.0 },
            max_over_mean: sorted.last().copied().unwrap_or(0.0) / mean,
            cv: variance.sqrt() / mean,
            gini: spread / (n * total),
        }
    }

    /// Measures each layer of `counts`, which stand one after the other, and takes the mean of every number.
    #[must_use]
    pub fn mean_of_layers(counts: &[f64], layers: u32) -> Self {
        let layers = (layers as usize).max(1);
        if layers == 1 || counts.is_empty() {
            return Self::of(counts);
        }
        let each: Vec<Self> = counts.chunks_exact(counts.len() / layers).map(Self::of).collect();
        let mean = |part: fn(&Self) -> f64| each.iter().map(part).sum::<f64>() / each.len() as f64;
        Self {
            entropy_nats: mean(|l| l.entropy_nats),
            entropy_normalised: mean(|l| l.entropy_normalised),
            max_over_mean: mean(|l| l.max_over_mean),
            cv: mean(|l| l.cv),
            gini: mean(|l| l.gini),
        }
    }

    /// Entropy in bits.
    #[must_use]
    pub fn entropy_bits(&self) -> f64 {
        self.entropy_nats / core::f64::consts::LN_2
    }

    /// e^entropy: as many equally used experts would have this entropy.
    #[must_use]
    pub fn effective_experts(&self) -> f64 {
        libm::exp(self.entropy_nats)
    }

    /// (max - mean) / mean.
    #[must_use]
    pub fn max_violation(&self) -> f64 {
        self.max_over_mean - 1.0
    }
}
