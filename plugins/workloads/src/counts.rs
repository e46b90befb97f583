//! `counts`: logits under which every expert is picked as often as it was on a real corpus.
//!
//! z_e = sigma (u_e + g_e) with independent g_e ~ N(0, 1). The offsets u are fitted so that the frequency at which expert e
//! is among a token's top k is k count_e / sum(counts). What a corpus pins down is popularity; that the logits are
//! independent normals around it is this model's assumption (real gates are not Gaussian, and co-activation is lost).
//! Changing the corpus in the middle of a run is a real shift of popularity: the drift an adaptive router has to follow.

use isotherm_core::id::BatchId;
use isotherm_core::input::InputError;
use isotherm_core::registry::Kind;
use isotherm_core::rng::{Domain, Stream, fill_standard_normal};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::workload::{Arrival, TokenStream, WorkloadContext, WorkloadError, WorkloadSpec, sample_batch};
use serde::{Deserialize, Serialize};

use crate::fit;
use crate::options::{fault, require_positive};

mod file;

pub(crate) const KIND: Kind = Kind {
    name: "counts",
    summary: "logits that pick each expert as often as a corpus did; corpora may change during the run",
    example: "kind = \"counts\"\nfile = \"data/counts/corpus-a.json\"",
};

/// Logits fitted to how often each expert was picked.
///
/// `file` is JSON: a list of objects `{"0": picks, "1": picks, ...}`, one for each layer (the form of the OLMoE and Mixtral
/// counts), a single such object, or a plain list of picks. Every expert needs at least one pick: an offset of minus
/// infinity is not a model of rarity. An expert at which every token would arrive (k count / sum >= 1) is refused too.
///
/// The fit depends on file, `layer` and top-k alone, never on the seed. A batch's deviates are those of `gaussian` with
/// `source = "logits"` (stream "logits", one block a batch), so equal counts give exactly its logits.
///
/// ```
/// use isotherm_core::{id::BatchId, workload::{WorkloadContext, WorkloadSpec}};
/// use isotherm_workloads::Counts;
/// let folder = tempfile::tempdir().unwrap();
/// let file = folder.path().join("picks.json").display().to_string();
/// std::fs::write(&file, "[50, 30, 20]").unwrap();
/// let context = WorkloadContext { experts: 3, top_k: 1, seed: 7, batches: &[], layer: 0 };
/// let stream = Counts::of(file).build(&context).unwrap();
/// let logits = stream.logits(BatchId(0), 10_000).unwrap();
/// let first = logits.chunks(3).filter(|z| z[0] > z[1] && z[0] > z[2]).count();
/// assert!((4_800..5_200).contains(&first));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// The file of picks.
    pub file: String,
    /// Which layer of the file the model's first MoE layer is, from 0; the next ones follow.
    #[serde(default)]
    pub layer: usize,
    /// Spread of each expert's logit over tokens (nats); finite, above 0. It scales offsets too, so it moves weights and
    /// prices, not frequencies.
    #[serde(default = "one")]
    pub sigma: f64,
    /// Corpora that take over during the run, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switch: Vec<Switch>,
}

/// Another corpus from some batch on: a table of the option `switch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The first batch of the corpus, from 0. Either this or `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_batch: Option<u32>,
    /// Time since the start of the run; the first batch that arrives then or later is the corpus's first. Only where
    /// batches come by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SimDuration>,
    /// The file of picks.
    pub file: String,
    /// Which layer of the file, from 0.
    #[serde(default)]
    pub layer: usize,
}

fn one() -> f64 {
    1.0
}

impl Counts {
    /// Layer 0 of `file` for the whole run, with a spread of 1.
    #[must_use]
    pub fn of(file: impl Into<String>) -> Self {
        Self { file: file.into(), layer: 0, sigma: 1.0, switch: Vec::new() }
    }
}

#[typetag::serde(name = "counts")]
impl WorkloadSpec for Counts {
    fn build(&self, context: &WorkloadContext<'_>) -> Result<Box<dyn TokenStream>, WorkloadError> {
        require_positive("sigma", self.sigma, "1.0")?;
        let mut corpora = vec![(0, Corpus::read(&self.file, self.layer, self.sigma, context)?)];
        for switch in &self.switch {
            let first = switch.first_batch(context.batches)?;
            if corpora.last().is_some_and(|(earlier, _)| *earlier > first) {
                return Err(fault("switch", "tables must stand in the order in which they take over; sort them"));
            }
            corpora.push((first, Corpus::read(&switch.file, switch.layer, self.sigma, context)?));
        }
        let key = Stream::open(context.seed, Domain::Workload, u64::from(context.layer), "logits").key();
        Ok(Box::new(Fitted { key, sigma: self.sigma as f32, corpora }))
    }
}

impl Switch {
    /// The batch at which this corpus takes over.
    fn first_batch(&self, batches: &[Arrival]) -> Result<u32, WorkloadError> {
        let first = match (self.at_batch, self.at) {
            (Some(batch), None) => batch as usize,
            (None, Some(at)) if batches.iter().all(|batch| batch.at.is_some()) => {
                let at = SimTime::ZERO + at;
                batches.iter().position(|batch| batch.at >= Some(at)).unwrap_or(batches.len())
            }
            (None, Some(at)) => {
                let message = format!(
                    "`at = \"{at}\"` needs arrivals that come by the clock, and these come when the batch before is done; use `at_batch`, for example `at_batch = 60`"
                );
                return Err(fault("switch", message));
            }
            _ => return Err(fault("switch", "needs one of `at_batch` and `at`, for example `at_batch = 60`")),
        };
        if first < batches.len() {
            return Ok(first as u32);
        }
        let when = self.at.map_or_else(|| format!("batch {first}"), |at| at.to_string());
        let message = format!(
            "the change to {} at {when} never happens: the run has {} batches; move it forward or remove it",
            self.file,
            batches.len()
        );
        Err(fault("switch", message))
    }
}

/// One layer of one file.
struct Corpus {
    /// Offsets, times sigma.
    offsets: Vec<f32>,
    /// How often each expert is among a token's top k.
    frequencies: Vec<f64>,
}

impl Corpus {
    fn read(file: &str, layer: usize, sigma: f64, context: &WorkloadContext<'_>) -> Result<Self, WorkloadError> {
        let WorkloadContext { experts, top_k, .. } = *context;
        let layer = layer + context.layer as usize;
        let frequencies = file::read(file, layer, experts)?.frequencies(top_k)?;
        if top_k == experts {
            return Ok(Self { offsets: vec![0.0; experts], frequencies }); // every expert serves every token
        }
        let offsets = fit::fit_offsets(&frequencies, top_k).map_err(|left| {
            let found = format!(
                "no offsets found for layer {layer}: frequencies still off by {left:.1e} after {} iterations",
                fit::MOST_ITERATIONS
            );
            InputError::new(file, found, "expected less extreme counts; raise the smallest")
        })?;
        Ok(Self { offsets: offsets.iter().map(|u| (sigma * u) as f32).collect(), frequencies })
    }
}

struct Fitted {
    key: [u32; 2],
    sigma: f32,
    /// First batch of each corpus, in order.
    corpora: Vec<(u32, Corpus)>,
}

impl Fitted {
    fn logits_of(&self, corpus: &Corpus, block: BatchId, tokens: usize, out: &mut Vec<f32>) {
        let offsets = &corpus.offsets;
        out.resize(tokens * offsets.len(), 0.0);
        fill_standard_normal(self.key, u64::from(block.0), out);
        for row in out.chunks_exact_mut(offsets.len()) {
            row.iter_mut().zip(offsets).for_each(|(z, offset)| *z = *z * self.sigma + offset);
        }
    }
}

impl TokenStream for Fitted {
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError> {
        let now = self.corpora.partition_point(|(first, _)| *first <= batch.0) - 1;
        self.logits_of(&self.corpora[now].1, batch, tokens, out);
        Ok(())
    }

    fn laws(&self) -> Vec<BatchId> {
        self.corpora.iter().map(|(first, _)| BatchId(*first)).collect()
    }

    fn sample(&self, law: usize, part: u32, tokens: usize) -> Result<Vec<f32>, WorkloadError> {
        let mut out = Vec::new();
        self.logits_of(&self.corpora[law].1, sample_batch(part), tokens, &mut out);
        Ok(out)
    }

    fn inclusion(&self, law: usize) -> Option<Vec<f64>> {
        Some(self.corpora[law].1.frequencies.clone())
    }
}

#[cfg(test)]
mod tests;
