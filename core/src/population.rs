//! Tokens in bulk: how many of a batch's tokens each expert serves, drawn without any token.
//!
//! What makes that possible is that a router of the upper tiers decides on each token by itself, by one rule with a price per expert. All
//! tokens of a batch are then independent draws from one law, and a batch is known by how often each expert is chosen. The law is taken from
//! a fixed sample of tokens ([`GateSample`]), which is routed again only when the router's rule has changed; a batch of any size is a draw
//! of counts from what the sample says.

mod binomial;
mod inclusion;
mod mean_field;
mod sample;
mod sequence;
mod subset;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Arc;

pub use sample::GateSample;

use crate::gate::Fidelity;
use crate::rng::Stream;
use crate::router::{ClusterView, Router, RouterError};
use crate::routing::{GateSummary, Routing, Rule};
use crate::tier::{Tier, TierSpec};
use mean_field::MeanField;
use sequence::Sequences;
use subset::Subsets;

/// The tokens of one layer and law of the gate, under the rule of one router.
///
/// Everything it holds is a function of its sample and of the rule applied last: it is part of no saved state, and a new one gives the same
/// draws.
///
/// ```
/// use std::sync::Arc;
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::population::{GateSample, Population};
/// use isotherm_core::rng::{Domain, Stream};
/// use isotherm_core::tier::{Tier, TierSpec};
/// let gate = GateBatch::from_logits(4, 2, vec![0.0, 1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0]);
/// let sample = Arc::new(GateSample::new(gate, None));
/// let mut population = Population::new(sample, &TierSpec::new(Tier::Counts));
/// assert_eq!(population.inclusion(), [0.5; 4]);
/// let mut counts = [0; 4];
/// population.draw(1000, &mut Stream::open(1, Domain::Workload, 0, "counts"), &mut counts);
/// assert_eq!(counts.iter().sum::<u32>(), 2000);
/// assert!(counts.iter().all(|n| (400..600).contains(n)));
/// ```
#[derive(Clone, Debug)]
pub struct Population {
    sample: Arc<GateSample>,
    rule: Option<KeptRule>,
    inclusion: Vec<f64>,
    fidelity: Fidelity,
    gate: Option<GateSummary>,
    churn: Option<f64>,
    sequences: Option<Sequences>,
    law: Law,
    /// Whether `law` is that of `inclusion`.
    is_prepared: bool,
}

/// How counts are drawn.
#[derive(Clone, Debug)]
enum Law {
    Subsets(Box<Subsets>),
    MeanField(Box<MeanField>),
}

/// A rule as it was applied, to tell whether the next one is another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeptRule {
    kind: std::mem::Discriminant<Rule<'static>>,
    /// The bits of the prices: what is not a number is itself again.
    price: Vec<u32>,
}

/// What [`Population::apply`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The rule is the one that was applied last: nothing was done.
    No,
    /// The sample was routed again.
    Yes,
}

impl Population {
    /// A population to which no rule has been applied yet: it chooses as the gate alone does.
    ///
    /// Counts are drawn as `tier` says; a population has no tokens, and for [`Tier::Token`] too they are those of [`Tier::Counts`].
    #[must_use]
    pub fn new(sample: Arc<GateSample>, tier: &TierSpec) -> Self {
        let law = match tier.kind {
            Tier::Token | Tier::Counts => Law::Subsets(Box::default()),
            Tier::MeanField => Law::MeanField(Box::default()),
        };
        Self {
            rule: None,
            inclusion: sample.inclusion().to_vec(),
            fidelity: Fidelity::default(),
            gate: None,
            churn: None,
            sequences: Sequences::of(tier),
            law,
            is_prepared: false,
            sample,
        }
    }

    /// Asks `router` for its rule at `view`, and routes the sample again if that is another than the last one, in its kind or in any bit of a
    /// price. `routing` is where the sample is routed to; it is left alone where nothing has changed.
    ///
    /// # Errors
    /// What the router says; [`RouterError::Failed`] if it has no rule.
    pub fn apply(
        &mut self,
        router: &mut dyn Router,
        view: &ClusterView<'_>,
        routing: &mut Routing<'_>,
    ) -> Result<Changed, RouterError> {
        let rule = router.rule(view)?.ok_or_else(|| {
            RouterError::Failed("it has no rule with a price per expert, which the upper tiers need".to_owned())
        })?;
        if self.rule.as_ref().is_some_and(|kept| kept.is(&rule)) {
            return Ok(Changed::No);
        }
        let kept = KeptRule::of(&rule, self.rule.take());
        let gate = self.sample.gate();
        router.route(gate, view, routing)?;
        if routing.experts.len() != gate.reference().experts.len() || routing.counts.len() != gate.experts() {
            return Err(RouterError::Failed("it has routed another number of tokens than it was given".to_owned()));
        }
        self.sample.shifted(&routing.counts, &mut self.inclusion);
        self.fidelity = gate.fidelity(routing);
        self.gate = routing.gate;
        self.churn = routing.churn();
        self.rule = Some(kept);
        self.is_prepared = false;
        Ok(Changed::Yes)
    }

    /// The sample that stands for the gate's law.
    #[must_use]
    pub fn sample(&self) -> &GateSample {
        &self.sample
    }

    /// Probability that a token chooses each expert under the rule applied last; they sum to k.
    #[must_use]
    pub fn inclusion(&self) -> &[f64] {
        &self.inclusion
    }

    /// How far the rule applied last departs from the gate alone, means over the sample.
    #[must_use]
    pub fn fidelity(&self) -> &Fidelity {
        &self.fidelity
    }

    /// What the router's own distribution looked like on the sample, where it has one.
    #[must_use]
    pub fn gate(&self) -> Option<GateSummary> {
        self.gate
    }

    /// How much the chosen set changes from token to token, mean over the sample ([`Routing::churn`]).
    #[must_use]
    pub fn churn(&self) -> Option<f64> {
        self.churn
    }

    /// Draws how many of `tokens` tokens each expert serves: whole numbers from 0 to `tokens` that sum to k `tokens`.
    ///
    /// Consumes a part of `stream` that depends on what is drawn; a stream opened by the same name gives the same counts.
    ///
    /// # Panics
    /// If `out` has not one entry per expert.
    pub fn draw(&mut self, tokens: u32, stream: &mut Stream, out: &mut [u32]) {
        assert_eq!(out.len(), self.inclusion.len(), "one count per expert");
        let top_k = self.sample.top_k();
        match &mut self.law {
            Law::Subsets(subsets) => {
                if !self.is_prepared {
                    subsets.prepare(&self.inclusion, top_k);
                }
                match &self.sequences {
                    None => subsets.draw(tokens, stream, out),
                    Some(sequences) => sequences.draw(subsets, tokens, stream, out),
                }
            }
            Law::MeanField(normal) => {
                if !self.is_prepared {
                    normal.prepare(&self.inclusion, top_k);
                }
                let inflation = self.sequences.map_or(1.0, |sequences| sequences.inflation(tokens));
                normal.draw(tokens, inflation, stream, out);
            }
        }
        self.is_prepared = true;
    }
}

impl KeptRule {
    /// Takes the place of the rule `before`.
    fn of(rule: &Rule<'_>, before: Option<Self>) -> Self {
        let mut price = before.map(|before| before.price).unwrap_or_default();
        price.clear();
        price.extend(rule.price().unwrap_or_default().iter().map(|p| p.to_bits()));
        Self { kind: kind_of(rule), price }
    }

    fn is(&self, rule: &Rule<'_>) -> bool {
        let price = rule.price().unwrap_or_default();
        self.kind == kind_of(rule)
            && self.price.len() == price.len()
            && self.price.iter().zip(price).all(|(bits, p)| *bits == p.to_bits())
    }
}

/// The kind of a rule, whatever its prices are.
fn kind_of(rule: &Rule<'_>) -> std::mem::Discriminant<Rule<'static>> {
    const NONE: &[f32] = &[];
    std::mem::discriminant(&match rule {
        Rule::Logit => Rule::Logit,
        Rule::PricedLogit { .. } => Rule::PricedLogit { price: NONE },
        Rule::Probability { .. } => Rule::Probability { price: NONE },
        Rule::Affinity { .. } => Rule::Affinity { price: NONE },
        Rule::Given { .. } => Rule::Given { scores: NONE },
    })
}
