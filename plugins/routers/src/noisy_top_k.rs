//! `noisy-top-k`: normal noise on the logits before the choice.
//!
//! ```text
//! h_te = z_te + scale eps_te softplus(noise_e),   eps ~ N(0, 1)          S = top-k of h
//! ```
//!
//! Shazeer et al., arXiv:1701.06538, eq. 4. There the noise is x W_n with a trained W_n; a simulator has none, so `noise` is a constant
//! of each expert. In training it spreads the load; at inference it shows what a random choice of that size costs, which is a
//! yardstick for the regret of every other router. The paper weighs with the softmax of h: `combine = "penalised"`; by default the
//! noise chooses and the gate weighs, as everywhere here.
//!
//! Draws come from the router's own stream of seed and layer, a block of it per batch: two noisy routers of a comparison see the same.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::rng::{Domain, Stream, fill_standard_normal};
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::simd::{self, log_sigmoid};
use serde::{Deserialize, Serialize};

use crate::belief::require_at_least;
use crate::per_expert::PerExpert;
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "noisy-top-k",
    summary: "normal noise on the logits before the top-k: what a random choice costs",
    example: "kind = \"noisy-top-k\"\nnoise = 0.0",
};

/// Options of `noisy-top-k`.
///
/// ```
/// use isotherm_core::router::{RouterContext, RouterSpec};
/// use isotherm_routers::{NoisyTopK, PerExpert};
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// assert!(NoisyTopK::default().build(&context).is_ok());
/// let error = NoisyTopK { noise: PerExpert::Each(vec![0.0; 3]), ..NoisyTopK::default() }.build(&context);
/// assert!(error.is_err(), "three numbers for eight experts");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoisyTopK {
    /// Raw noise of all experts, or of each; its softplus is the standard deviation (nats). 0 gives 0.69.
    #[serde(default)]
    pub noise: PerExpert,
    /// Factor on all noise; 0 is the baseline, bit for bit.
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

impl Default for NoisyTopK {
    fn default() -> Self {
        Self { noise: PerExpert::default(), scale: one() }
    }
}

/// h = z + eps softplus(noise), entry by entry: the formula alone, with given deviates.
///
/// ```
/// let mut scores = [1.0, 1.0];
/// isotherm_routers::add_noise(&mut scores, &[0.5, -0.5], &[0.0, 0.0]);
/// assert!((scores[0] - 1.346_573_6).abs() < 1e-6 && (scores[1] - 0.653_426_4).abs() < 1e-6);
/// ```
pub fn add_noise(logits: &mut [f32], eps: &[f32], noise: &[f32]) {
    for ((z, eps), noise) in logits.iter_mut().zip(eps).zip(noise) {
        *z += eps * softplus(*noise);
    }
}

/// ln(1 + e^x) without overflow.
fn softplus(x: f32) -> f32 {
    -log_sigmoid(-x)
}

#[typetag::serde(name = "noisy-top-k")]
impl RouterSpec for NoisyTopK {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("scale", self.scale, 0.0, "1.0")?;
        let noise = self.noise.numbers("noise", context.experts, "noise = 0.0")?;
        Ok(Box::new(Noisy {
            deviation: noise.iter().map(|noise| self.scale as f32 * softplus(*noise as f32)).collect(),
            key: Stream::open(context.seed, Domain::Router, u64::from(context.layer), "noisy-top-k").key(),
            batches: 0,
            scores: Vec::new(),
            selector: Selector::new(context.options),
        }))
    }
}

#[derive(Debug)]
struct Noisy {
    /// Standard deviation of each expert's noise (nats).
    deviation: Vec<f32>,
    key: [u32; 2],
    /// Batches routed: the next block of the stream.
    batches: u64,
    scores: Vec<f32>,
    selector: Selector,
}

impl Router for Noisy {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        let experts = gate.experts();
        self.scores.resize(gate.logits().len(), 0.0);
        fill_standard_normal(self.key, self.batches, &mut self.scores);
        self.batches += 1;
        simd::dispatch(
            #[inline(always)]
            || {
                let rows = self.scores.chunks_exact_mut(experts).zip(gate.logits().chunks_exact(experts));
                for (scores, logits) in rows {
                    for ((score, z), deviation) in scores.iter_mut().zip(logits).zip(&self.deviation) {
                        *score = z + *score * deviation;
                    }
                }
            },
        );
        let silent = self.deviation.iter().all(|deviation| *deviation == 0.0);
        let rule = if silent { Rule::Logit } else { Rule::Given { scores: &self.scores } };
        self.selector.select(gate, rule, None, out);
        Ok(())
    }

    /// Some twenty for a normal deviate, two to add it.
    fn operations_per_token(&self) -> f64 {
        22.0 * self.deviation.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes_of_layer(self.deviation.len(), self.batches)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        self.batches = saved::read_of_layer(state, self.deviation.len())?;
        Ok(())
    }
}
