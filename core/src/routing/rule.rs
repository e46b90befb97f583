//! What the top k is taken of.

use serde::{Deserialize, Serialize};

/// From which scores the top k is taken.
///
/// What the kept experts are combined with is the [`Selector`](super::Selector)'s: the unpenalised gate over the kept, unless
/// `combine = "penalised"` asks for the scores of [`Rule::PricedLogit`] and [`Rule::Given`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule<'a> {
    /// Score = logit. The baseline.
    Logit,
    /// Score = logit - price.
    PricedLogit {
        /// Price per expert (nats).
        price: &'a [f32],
    },
    /// Score = probability / (mass of the token's unpenalised top k) - price.
    ///
    /// The exact Lagrangian rule of least cost for a retained gate mass.
    Probability {
        /// Price per expert (share of the token's top-k mass).
        price: &'a [f32],
    },
    /// Score = affinity - price, with the affinity of the [`Selector`](super::Selector): softmax over all experts or sigmoid. With
    /// price = -bias this is the selection of DeepSeek-V3 (arXiv:2412.19437).
    Affinity {
        /// Price per expert (in units of the affinity).
        price: &'a [f32],
    },
    /// Score as the router says, for each token and expert, in units of logits. Not a number counts as the lowest score.
    Given {
        /// Scores, `tokens x experts`, row after row.
        scores: &'a [f32],
    },
}

/// How much of a token an expert wants: what a gate makes of its logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Affinity {
    /// e^z over the sum of e^z of all experts.
    #[default]
    Softmax,
    /// 1 / (1 + e^-z), each expert by itself (DeepSeek-V3, arXiv:2412.19437).
    Sigmoid,
}

/// Prices beyond this count as this: added to any logit they still give a number.
const LARGEST_PRICE: f32 = 1e30;

impl<'a> Rule<'a> {
    /// The price per expert, where the rule has one.
    #[must_use]
    pub fn price(&self) -> Option<&'a [f32]> {
        match self {
            Self::Logit | Self::Given { .. } => None,
            Self::PricedLogit { price } | Self::Probability { price } | Self::Affinity { price } => Some(price),
        }
    }

    /// The same rule with other prices.
    pub(super) fn with_price<'b>(self, price: &'b [f32]) -> Rule<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Logit => Rule::Logit,
            Self::Given { scores } => Rule::Given { scores },
            Self::PricedLogit { .. } => Rule::PricedLogit { price },
            Self::Probability { .. } => Rule::Probability { price },
            Self::Affinity { .. } => Rule::Affinity { price },
        }
    }

    /// Whether the distribution that belongs to the rule is the gate's own.
    pub(super) fn is_unpenalised(&self) -> bool {
        matches!(self, Self::Logit | Self::Probability { .. } | Self::Affinity { .. })
    }

    /// The rule that gives the same choice with less work: without a price every score rises with the logit. Ordering by the logit
    /// itself also tells apart what has the same affinity after rounding, so a price of zero is the baseline, bit for bit.
    pub(super) fn simplest(self) -> Self {
        if self.price().is_some_and(|price| price.iter().all(|p| *p == 0.0)) { Self::Logit } else { self }
    }
}

/// Whether adding the price to a logit gives a number.
pub(super) fn is_usable(price: &f32) -> bool {
    price.abs() <= LARGEST_PRICE
}

/// The nearest usable price; what is not a number is as dear as can be.
pub(super) fn usable(price: &f32) -> f32 {
    if price.is_nan() { LARGEST_PRICE } else { price.clamp(-LARGEST_PRICE, LARGEST_PRICE) }
}
