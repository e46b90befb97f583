//! How closely a run looks at tokens: the `[tier]` section, and which tiers a router can serve.
//!
//! In the tier `token` every token passes the gate. The upper tiers draw how many tokens each expert serves without any token: their
//! cost does not grow with the batch. They need a router that decides on each token by itself, by one rule with one price per expert
//! ([`Rule`](crate::routing::Rule)); a router that weighs tokens against each other is refused by name before anything runs.

use serde::{Deserialize, Serialize};

/// How closely a run looks at tokens.
///
/// ```
/// use isotherm_core::tier::Tier;
/// assert_eq!(Tier::MeanField.name(), "mean-field");
/// assert!(Tier::Token < Tier::Counts, "from the closest look to the widest");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Every token through the gate and the router.
    #[default]
    Token,
    /// Exact whole counts per expert of tokens that choose independently, drawn without tokens.
    Counts,
    /// Normal deviates with the mean and the covariance of those counts, rounded to whole numbers.
    MeanField,
}

impl Tier {
    /// All of them, from the closest look to the widest.
    pub const ALL: [Self; 3] = [Self::Token, Self::Counts, Self::MeanField];

    /// As a scenario writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Counts => "counts",
            Self::MeanField => "mean-field",
        }
    }
}

/// The tiers a router can serve.
///
/// ```
/// use isotherm_core::tier::{Tier, Tiers};
/// assert!(Tiers::TOKEN.serves(Tier::Token) && !Tiers::TOKEN.serves(Tier::Counts));
/// assert_eq!(Tiers::ALL.to_string(), "token, counts, mean-field");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    upper: bool,
}

impl Tiers {
    /// Only tokens: the router compares tokens, or keeps something of each.
    pub const TOKEN: Self = Self { upper: false };
    /// All tiers: the router is a rule with a price per expert.
    pub const ALL: Self = Self { upper: true };

    /// Whether `tier` is among them.
    #[must_use]
    pub const fn serves(self, tier: Tier) -> bool {
        self.upper || matches!(tier, Tier::Token)
    }
}

impl std::fmt::Display for Tiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = Tier::ALL.into_iter().filter(|tier| self.serves(*tier)).map(Tier::name).collect();
        f.write_str(&names.join(", "))
    }
}

/// The `[tier]` section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TierSpec {
    /// Which tier.
    pub kind: Tier,
    /// Tokens of the sample that stands for the gate's law in the upper tiers; where not given, so many that tokens times experts are about
    /// 2^19, at least 1,024 and at most 65,536.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<u32>,
    /// Tokens that follow each other in a batch and belong to one sequence; the last sequence takes what is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// Correlation between the choices of two tokens of one sequence, for every expert: from 0 to 1, without 1. Counts then have the variance
    /// T q (1 - q) (1 + (sequence - 1) correlation).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
}

/// Tokens times experts of a sample whose size is not given.
const SAMPLE_LOGITS: usize = 1 << 19;

impl TierSpec {
    /// A tier with everything else at its default.
    #[must_use]
    pub const fn new(kind: Tier) -> Self {
        Self { kind, sample: None, sequence: None, correlation: None }
    }

    /// Whether this is what a scenario without the section has.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether counts of a batch may be drawn in parts of so many tokens, one after the other, to the same law: they are exact counts, and no sequence
    /// lies in two parts.
    pub(crate) fn splits(&self, mut parts: impl Iterator<Item = u32>) -> bool {
        let sequence = self.sequence.filter(|_| self.correlation.is_some_and(|c| c > 0.0)).unwrap_or(1).max(1);
        self.kind == Tier::Counts && parts.all(|tokens| tokens.is_multiple_of(sequence))
    }

    /// Tokens of the sample for a layer of so many experts.
    ///
    /// ```
    /// use isotherm_core::tier::{Tier, TierSpec};
    /// let spec = TierSpec::new(Tier::Counts);
    /// assert_eq!([8, 256, 4096].map(|experts| spec.sample_tokens(experts)), [65_536, 2_048, 1_024]);
    /// ```
    #[must_use]
    pub fn sample_tokens(&self, experts: usize) -> usize {
        match self.sample {
            Some(tokens) => tokens as usize,
            None => (SAMPLE_LOGITS / experts.max(1)).clamp(1 << 10, 1 << 16),
        }
    }
}
