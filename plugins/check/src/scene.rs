//! What an instance is put into: sizes, what is known, what the logits look like, and how the host lays memory out.

use isotherm_core::rng::{Domain, Stream};

use crate::handed::Generation;
use crate::memory::Edge;

/// What logits look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logits {
    /// Standard normal.
    Normal,
    /// The largest and the smallest numbers there are, and some in between.
    Extreme,
    /// All the same.
    Equal,
    /// Normal, and for each token some experts are masked.
    Masked,
}

/// Which experts served a batch, as feedback tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// Those that were chosen.
    Chosen,
    /// One; none; all but one: in turn.
    Few,
}

/// Options that all routers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// One expert of each token's own choice stays.
    Floor,
    /// Experts replace each other more or less well.
    Similarity,
    /// Weights are those of the penalised logits.
    Penalised,
}

/// One scene. The same scene shows the same to every instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) tokens: u32,
    pub(crate) experts: u32,
    pub(crate) top_k: u32,
    pub(crate) devices: u32,
    /// Whether placement, thermal hint, samples, sources and declared costs are known.
    pub(crate) known: bool,
    /// Which of the options that all routers share is in use.
    pub(crate) shared: Option<Shared>,
    pub(crate) logits: Logits,
    pub(crate) served: Served,
    pub(crate) edge: Edge,
    pub(crate) generation: Generation,
}

impl Scene {
    /// 16 tokens, 16 experts, 2 of them for each token, 4 GPUs, everything known. Arrays fill whole cache lines, so that they end exactly at a
    /// guard page however they are aligned.
    pub(crate) fn plain(seed: u64) -> Self {
        Self {
            seed,
            tokens: 16,
            experts: 16,
            top_k: 2,
            devices: 4,
            known: true,
            shared: None,
            logits: Logits::Normal,
            served: Served::Chosen,
            edge: Edge::End,
            generation: Generation::Present,
        }
    }

    /// The plain scene with other sizes.
    pub(crate) fn of(seed: u64, tokens: u32, experts: u32, top_k: u32) -> Self {
        Self { tokens, experts, top_k, ..Self::plain(seed) }
    }

    /// A random stream of this scene.
    pub(crate) fn stream(&self, step: u32, purpose: &str) -> Stream {
        Stream::open(self.seed, Domain::Workload, u64::from(step), purpose)
    }

    /// So many numbers from `low` to `high`.
    pub(crate) fn numbers(&self, step: u32, purpose: &str, number: u32, low: f64, high: f64) -> Vec<f64> {
        let mut stream = self.stream(step, purpose);
        (0..number).map(|_| low + (high - low) * stream.uniform()).collect()
    }

    /// Where the copies of each expert begin, and their GPUs: one each, and a second for every third.
    pub(crate) fn copies(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut first, mut devices) = (vec![0], Vec::new());
        for expert in 0..self.experts {
            let mut homes = vec![expert % self.devices];
            if expert % 3 == 0 && self.devices > 1 {
                homes.push((expert + 1) % self.devices);
            }
            homes.sort_unstable();
            devices.extend(homes);
            first.push(devices.len() as u32);
        }
        (first, devices)
    }

    /// When each GPU's last sample was true, its temperature and its power, at a step. Nothing has been read before the first step, and one GPU
    /// never answers.
    pub(crate) fn samples(&self, step: u32) -> (Vec<u64>, Vec<f64>, Vec<f64>) {
        let missing = |device: usize| step == 0 || device == 2;
        let blank = |values: Vec<f64>| {
            values.into_iter().enumerate().map(|(d, v)| if missing(d) { f64::NAN } else { v }).collect()
        };
        let taken = (0..self.devices).map(|d| self.now_ns(step).saturating_sub(u64::from(d) * 1_000)).collect();
        let temperature = blank(self.numbers(step, "temperature", self.devices, 30.0, 95.0));
        (taken, temperature, blank(self.numbers(step, "power", self.devices, 50.0, 700.0)))
    }

    /// The instant of a step (ns).
    pub(crate) fn now_ns(&self, step: u32) -> u64 {
        u64::from(step) * 1_500_000
    }
}
