//! `poisson`: batches come at random, independent of each other and of what the system does.
//!
//! Gaps are independent exponentials of mean 1 / `rate_per_s` (s). An open loop: work piles up where a router is slower than
//! the load, which is when latency means something. Real arrivals come in bursts; replay a `trace` for those.

use isotherm_core::registry::Kind;
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::workload::{Arrival, ArrivalSpec, WorkloadError};
use serde::{Deserialize, Serialize};

use crate::options::{fault, require_positive, require_some};

pub(crate) const KIND: Kind = Kind {
    name: "poisson",
    summary: "equal batches at random instants, with exponential gaps",
    example: "kind = \"poisson\"\nrate_per_s = 50.0\nbatches = 1000\ntokens = 512",
};

/// Equal batches with exponential gaps, the first one gap after time 0.
///
/// Gaps come from stream (seed, workload, 0, "arrivals"), one draw each: fewer `batches` are a prefix of more, and another
/// rate stretches the same pattern. Every gap is rounded to whole nanoseconds.
///
/// ```
/// use isotherm_core::workload::ArrivalSpec;
/// use isotherm_workloads::Poisson;
/// let batches = Poisson { rate_per_s: 100.0, batches: 10_000, tokens: 512 }.batches(7).unwrap();
/// let end = batches[9_999].at.unwrap().seconds();
/// assert!((end - 100.0).abs() < 5.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Mean number of batches a second [1/s]; finite, above 0.
    pub rate_per_s: f64,
    /// Number of batches.
    pub batches: u32,
    /// Tokens of a batch.
    pub tokens: u32,
}

#[typetag::serde(name = "poisson")]
impl ArrivalSpec for Poisson {
    fn batches(&self, seed: u64) -> Result<Vec<Arrival>, WorkloadError> {
        require_positive("rate_per_s", self.rate_per_s, "50.0")?;
        require_some("batches", self.batches.into(), "1000")?;
        require_some("tokens", self.tokens.into(), "512")?;
        let mut gaps = Stream::open(seed, Domain::Workload, 0, "arrivals");
        let mut now = SimTime::ZERO;
        let next = |_| {
            let gap = SimDuration::from_seconds(gaps.exponential() / self.rate_per_s);
            now = gap.and_then(|gap| now.checked_add(gap)).ok_or_else(|| {
                fault(
                    "rate_per_s",
                    format!(
                        "{} a second reaches past the end of simulated time; for example `rate_per_s = 50.0`",
                        self.rate_per_s
                    ),
                )
            })?;
            Ok(Arrival { at: Some(now), tokens: self.tokens })
        };
        (0..self.batches).map(next).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_have_the_mean_and_the_spread_of_an_exponential() {
        let batches = Poisson { rate_per_s: 50.0, batches: 100_000, tokens: 1 }.batches(3).unwrap();
        let times = std::iter::once(0.0).chain(batches.iter().filter_map(|batch| batch.at).map(SimTime::seconds));
        let times: Vec<f64> = times.collect();
        let gaps: Vec<f64> = times.windows(2).map(|pair| 50.0 * (pair[1] - pair[0])).collect();
        let mean_of = |f: fn(f64) -> f64| gaps.iter().map(|gap| f(*gap)).sum::<f64>() / gaps.len() as f64;
        // Five standard errors at n = 100,000: var x = 1, var x^2 = 20.
        assert!((mean_of(|gap| gap) - 1.0).abs() < 0.0159);
        assert!((mean_of(|gap| gap * gap) - 2.0).abs() < 0.0708);
    }

    #[test]
    fn rates_and_sizes_that_are_none_are_refused() {
        let good = Poisson { rate_per_s: 1.0, batches: 1, tokens: 1 };
        for rate_per_s in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-12] {
            assert!(
                Poisson { rate_per_s, ..good }.batches(1).unwrap_err().to_string().contains("`rate_per_s = 50.0`"),
                "{rate_per_s}"
            );
        }
        assert!(Poisson { batches: 0, ..good }.batches(1).is_err());
        assert!(Poisson { tokens: 0, ..good }.batches(1).is_err());
    }

    proptest! {
        #[test]
        fn batches_are_sorted_and_fewer_are_a_prefix(seed in any::<u64>(), rate_per_s in 0.01..1e6, batches in 2_u32..200) {
            let all = Poisson { rate_per_s, batches, tokens: 8 }.batches(seed).unwrap();
            prop_assert!(all.is_sorted_by_key(|batch| batch.at));
            let fewer = Poisson { rate_per_s, batches: batches / 2, tokens: 8 }.batches(seed).unwrap();
            prop_assert_eq!(&all[..fewer.len()], &fewer[..]);
        }
    }
}
