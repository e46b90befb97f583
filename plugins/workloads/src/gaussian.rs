//! `gaussian`: tokens whose hidden states are standard normal, seen by a linear gate.
//!
//! x ~ N(0, I_d) [no unit], z = W x, one row of W for each expert. It is the synthetic stream of the classic experiment:
//! no expert is popular in the long run unless `skew` makes some so, every token is independent. Real routing is neither; where the skew between
//! experts matters, use `counts`.

use isotherm_core::id::BatchId;
use isotherm_core::registry::Kind;
use isotherm_core::rng::{Domain, Stream, fill_standard_normal};
use isotherm_core::workload::{Arrival, TokenStream, WorkloadContext, WorkloadError, WorkloadSpec};
use serde::{Deserialize, Serialize};

use crate::correlated::Correlated;
use crate::fit;
use crate::gate::{self, Gate};
use crate::hidden::HiddenStates;
use crate::options::{fault, require_not_negative, require_positive, require_some};

pub(crate) const KIND: Kind = Kind {
    name: "gaussian",
    summary: "independent normal hidden states through a random linear gate; no expert is popular",
    example: "kind = \"gaussian\"",
};

/// Normal hidden states through a random linear gate.
///
/// The gate belongs to seed and layer (stream "gate"), a batch's deviates to seed, layer and batch index (stream "hidden states" or
/// "logits", one counter block a batch): batches may be asked for in any order, from any thread, and a shorter batch is a
/// prefix of a longer one.
///
/// `source = "logits"` draws z from the law it has under this gate without drawing x: N(0, W W^T), as z = L g with
/// L L^T = W W^T, or z = `sigma` g under an orthogonal gate. It is the same distribution, not the same numbers, at a
/// `d_model / experts`-th of the deviates. Where W W^T has no factor (more experts than `d_model`), hidden states are
/// drawn after all. The bytes of both are the same on every platform.
///
/// ```
/// use isotherm_core::{id::BatchId, workload::{WorkloadContext, WorkloadSpec}};
/// use isotherm_workloads::Gaussian;
/// let context = WorkloadContext { experts: 8, top_k: 2, seed: 7, batches: &[], layer: 0 };
/// let stream = Gaussian::default().build(&context).unwrap();
/// let logits = stream.logits(BatchId(3), 100).unwrap();
/// assert_eq!(logits.len(), 100 * 8);
/// assert_eq!(logits[..8], stream.logits(BatchId(3), 1).unwrap());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gaussian {
    /// Length of a hidden state.
    pub d_model: usize,
    /// Spread of the logits: standard deviation of each logit over tokens (nats); finite, above 0.
    pub sigma: f64,
    /// What is drawn.
    pub source: Source,
    /// How the gate's weights are drawn.
    pub gate: Gate,
    /// How much the experts differ in popularity: standard deviation of an offset that each expert has on all tokens (nats), drawn per
    /// seed and layer (stream "popularity"). 0 is the classic stream; half of `sigma` makes the load imbalance of trained layers
    /// of 64 experts, top-8, on real text (coefficient of variation 0.8, Gini 0.4).
    #[serde(skip_serializing_if = "is_zero")]
    pub skew: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// What `gaussian` draws: the option `source`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The logits, from the law they have under the gate.
    #[default]
    Logits,
    /// Hidden states, multiplied by the gate.
    Hidden,
}

impl Default for Gaussian {
    fn default() -> Self {
        Self { d_model: 512, sigma: 1.0, source: Source::default(), gate: Gate::default(), skew: 0.0 }
    }
}

/// Hidden states and gate entries that are drawn at once at most: 2 GiB of them.
const MOST_VALUES: usize = 1 << 29;

#[typetag::serde(name = "gaussian")]
impl WorkloadSpec for Gaussian {
    fn build(&self, context: &WorkloadContext<'_>) -> Result<Box<dyn TokenStream>, WorkloadError> {
        require_not_negative("skew", self.skew, "0.5")?;
        let plain = self.without_skew(context)?;
        let plain: Box<dyn TokenStream> = match self.gate {
            Gate::Uniform => plain,
            Gate::Orthogonal => Box::new(Exchangeable { plain, experts: context.experts, top_k: context.top_k }),
        };
        if self.skew == 0.0 {
            return Ok(plain);
        }
        let mut stream = Stream::open(context.seed, Domain::Workload, u64::from(context.layer), "popularity");
        let offsets = (0..context.experts).map(|_| (self.skew * stream.normal()) as f32).collect();
        let independent = (self.gate == Gate::Orthogonal).then_some((self.sigma, context.top_k));
        Ok(Box::new(Skewed { plain, offsets, independent }))
    }
}

impl Gaussian {
    /// The stream in which no expert is popular.
    fn without_skew(&self, context: &WorkloadContext<'_>) -> Result<Box<dyn TokenStream>, WorkloadError> {
        require_some("d_model", self.d_model as u64, "512")?;
        require_positive("sigma", self.sigma, "1.0")?;
        let WorkloadContext { experts, seed, layer, .. } = *context;
        if self.gate == Gate::Orthogonal && experts > self.d_model {
            let message = format!(
                "{experts} experts cannot have orthogonal rows in {} dimensions; set `d_model` to at least {experts} or `gate = \"uniform\"`",
                self.d_model
            );
            return Err(fault("gate", message));
        }
        let drawn = |batch: &Arrival| if self.source == Source::Hidden { batch.tokens as usize } else { 0 };
        let tokens = context.batches.iter().map(drawn).max().unwrap_or(0);
        if self.d_model.saturating_mul(tokens + experts) > MOST_VALUES {
            let message =
                format!("{} is too wide for batches of {tokens} tokens: their hidden states do not fit", self.d_model);
            return Err(fault("d_model", message));
        }
        let key = |purpose| Stream::open(seed, Domain::Workload, u64::from(layer), purpose).key();
        if (self.source, self.gate) == (Source::Logits, Gate::Orthogonal) {
            return Ok(Box::new(Independent { key: key("logits"), experts, sigma: self.sigma as f32 }));
        }
        let rows = gate::draw(self.gate, experts, self.d_model, self.sigma, (seed, layer));
        if self.source == Source::Logits
            && let Some(lower) = gate::cholesky_of_gram(&rows, experts, self.d_model)
        {
            return Ok(Box::new(Correlated::new(key("logits"), experts, &lower)));
        }
        Ok(Box::new(HiddenStates::new(key("hidden states"), &rows, self.d_model)))
    }
}

/// Logits whose law is the same for all experts: each is in the top k as often as the next.
struct Exchangeable {
    plain: Box<dyn TokenStream>,
    experts: usize,
    top_k: usize,
}

impl TokenStream for Exchangeable {
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError> {
        self.plain.logits_into(batch, tokens, out)
    }

    fn inclusion(&self, _: usize) -> Option<Vec<f64>> {
        Some(vec![self.top_k as f64 / self.experts as f64; self.experts])
    }
}

/// Logits with an offset for each expert (nats).
struct Skewed {
    plain: Box<dyn TokenStream>,
    offsets: Vec<f32>,
    /// Their spread and k, where the logits are independent before.
    independent: Option<(f64, usize)>,
}

impl TokenStream for Skewed {
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError> {
        self.plain.logits_into(batch, tokens, out)?;
        for row in out.chunks_exact_mut(self.offsets.len()) {
            row.iter_mut().zip(&self.offsets).for_each(|(z, offset)| *z += offset);
        }
        Ok(())
    }

    fn inclusion(&self, _: usize) -> Option<Vec<f64>> {
        let (sigma, top_k) = self.independent?;
        if top_k == self.offsets.len() {
            return Some(vec![1.0; top_k]);
        }
        let offsets: Vec<f64> = self.offsets.iter().map(|offset| f64::from(*offset) / sigma).collect();
        Some(fit::inclusion(&offsets, top_k).frequency)
    }
}

/// z = sigma g.
struct Independent {
    key: [u32; 2],
    experts: usize,
    sigma: f32,
}

impl TokenStream for Independent {
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError> {
        out.resize(tokens * self.experts, 0.0);
        fill_standard_normal(self.key, u64::from(batch.0), out);
        out.iter_mut().for_each(|z| *z *= self.sigma);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKENS: usize = 20_000;

    fn stream(spec: Gaussian, experts: usize, seed: u64) -> Box<dyn TokenStream> {
        spec.build(&WorkloadContext { experts, top_k: 1, seed, batches: &[], layer: 0 }).unwrap()
    }

    fn specs() -> [Gaussian; 4] {
        let spec = |source, gate| Gaussian { d_model: 32, sigma: 1.5, source, gate, skew: 0.0 };
        [
            spec(Source::Logits, Gate::Orthogonal),
            spec(Source::Logits, Gate::Uniform),
            spec(Source::Hidden, Gate::Orthogonal),
            spec(Source::Hidden, Gate::Uniform),
        ]
    }

    /// FNV-1a over the bytes.
    fn hash(values: &[f32]) -> u64 {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Both sources against the law N(0, W W^T) itself: means and all covariances within five standard errors.
    #[test]
    fn both_sources_have_the_mean_and_covariance_of_the_gate() {
        let (experts, seed) = (6, 11);
        for spec in specs() {
            let rows = gate::draw(spec.gate, experts, spec.d_model, spec.sigma, (seed, 0));
            let gram = |i: usize, j: usize| -> f64 {
                let row = |at: usize| &rows[at * spec.d_model..][..spec.d_model];
                row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum()
            };
            let logits = stream(spec, experts, seed).logits(BatchId(1), TOKENS).unwrap();
            let mean_of = |f: &dyn Fn(&[f32]) -> f64| logits.chunks_exact(experts).map(f).sum::<f64>() / TOKENS as f64;
            for i in 0..experts {
                let mean = mean_of(&|z| f64::from(z[i]));
                assert!(mean.abs() < 5.0 * (gram(i, i) / TOKENS as f64).sqrt(), "{spec:?} mean {i}: {mean}");
                for j in 0..=i {
                    let covariance = mean_of(&|z| f64::from(z[i]) * f64::from(z[j]));
                    let error = ((gram(i, i) * gram(j, j) + gram(i, j).powi(2)) / TOKENS as f64).sqrt();
                    assert!(
                        (covariance - gram(i, j)).abs() < 5.0 * error,
                        "{spec:?} ({i}, {j}): {covariance} {}",
                        gram(i, j)
                    );
                }
            }
        }
    }

    /// The offsets are on every token of every batch, and belong to the seed.
    #[test]
    fn a_skew_adds_the_same_offsets_to_all_tokens() {
        let skewed = Gaussian { skew: 0.7, ..Gaussian::default() };
        let difference = |seed, batch| {
            let of = |spec| stream(spec, 4, seed).logits(BatchId(batch), 1).unwrap();
            let (with, without) = (of(skewed), of(Gaussian::default()));
            with.iter().zip(&without).map(|(a, b)| a - b).collect::<Vec<_>>()
        };
        let offsets = difference(1, 0);
        assert!(offsets.iter().any(|offset| offset.abs() > 0.1), "{offsets:?}");
        assert!(offsets.iter().zip(difference(1, 5)).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_ne!(offsets, difference(2, 0));
    }

    #[test]
    fn more_experts_than_dimensions_fall_back_to_hidden_states() {
        let spec = |source| Gaussian { d_model: 3, source, gate: Gate::Uniform, ..Gaussian::default() };
        let of = |source| stream(spec(source), 5, 2).logits(BatchId(0), 40).unwrap();
        assert_eq!(of(Source::Logits), of(Source::Hidden));
    }

    #[test]
    fn golden_bytes_of_a_small_batch() {
        let [independent, correlated, hidden, _] =
            specs().map(|spec| hash(&stream(spec, 8, 7).logits(BatchId(2), 16).unwrap()));
        assert_eq!(independent, 0xe898_a9ac_c00d_8ec1, "{independent:#x}");
        assert_eq!(correlated, 0x7cd6_6f1b_f39d_0a0c, "{correlated:#x}");
        // candle's product fuses multiply and add where it can; only then are its bytes these.
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("fma") {
            assert_eq!(hidden, 0x3870_a575_fe55_c4c5, "{hidden:#x}");
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = hidden;
    }

    #[test]
    fn options_that_do_not_fit_are_named_with_an_example() {
        let fault = |spec: Gaussian| {
            let context = WorkloadContext { experts: 8, top_k: 2, seed: 1, batches: &[], layer: 0 };
            spec.build(&context).err().map(|error| error.to_string()).unwrap_or_default()
        };
        for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(fault(Gaussian { sigma, ..Gaussian::default() }).contains("`sigma = 1.0`"));
        }
        assert!(fault(Gaussian { d_model: 0, ..Gaussian::default() }).contains("`d_model`"));
        assert!(fault(Gaussian { d_model: 7, ..Gaussian::default() }).contains("at least 8"));
    }

    proptest! {
        /// A batch is a function of seed and index: neither what was asked before nor how much is asked for changes it.
        #[test]
        fn batches_may_be_asked_for_in_any_order(
            seed in any::<u64>(),
            asked in prop::collection::vec((0_u32..50, 1_usize..40), 1..12),
            which in 0_usize..4,
        ) {
            let spec = specs()[which];
            let forward = stream(spec, 5, seed);
            let first: Vec<_> = asked.iter().map(|(batch, tokens)| forward.logits(BatchId(*batch), *tokens).unwrap()).collect();
            let backward = stream(spec, 5, seed);
            for ((batch, tokens), expected) in asked.iter().zip(&first).rev() {
                prop_assert_eq!(&backward.logits(BatchId(*batch), *tokens).unwrap(), expected);
            }
        }
    }
}
