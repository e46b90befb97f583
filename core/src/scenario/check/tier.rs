//! Checks of the `[tier]` section, alone and against what it is to work with.

use super::{Check, Scenario};
use crate::scenario::plan::Variant;
use crate::tier::{Tier, Tiers};

/// Tokens of a sample at most; above this a number is surely a slip of the hand.
const MOST_TOKENS: u32 = 1 << 22;

/// Logits of a sample at most: 1 GiB of them.
const MOST_LOGITS: u64 = 1 << 28;

pub(super) fn check(scenario: &Scenario, check: &mut Check<'_>) {
    let tier = &scenario.tier;
    let upper = tier.kind != Tier::Token;
    for (key, given, example) in [
        ("sample", tier.sample.is_some(), "sample = 8192"),
        ("sequence", tier.sequence.is_some(), "sequence = 128"),
        ("correlation", tier.correlation.is_some(), "correlation = 0.1"),
    ] {
        check.require(
            upper || !given,
            &format!("tier.{key}"),
            || format!("`{key}` means nothing where every token is routed"),
            "`kind = \"counts\"` or `kind = \"mean-field\"` beside it",
            &format!("kind = \"counts\"\n{example}"),
        );
    }
    if let Some(sample) = tier.sample {
        let logits = u64::from(sample) * u64::from(scenario.model.experts);
        check.require(
            (1..=MOST_TOKENS).contains(&sample) && logits <= MOST_LOGITS,
            "tier.sample",
            || format!("a sample of {sample} tokens, {logits} logits"),
            "from 1 to 4194304 tokens, and at most 2^28 logits",
            "sample = 8192",
        );
    }
    check.require(
        tier.sequence != Some(0),
        "tier.sequence",
        || "a sequence of no tokens".to_owned(),
        "the number of tokens of one sequence in a batch",
        "sequence = 128",
    );
    if let Some(correlation) = tier.correlation {
        check.require(
            (0.0..1.0).contains(&correlation),
            "tier.correlation",
            || format!("two tokens cannot be correlated by {correlation}"),
            "from 0 (independent) to 1 (alike), without 1",
            "correlation = 0.1",
        );
    }
    check.require(
        tier.sequence.is_some() == tier.correlation.is_some(),
        if tier.sequence.is_some() { "tier.sequence" } else { "tier.correlation" },
        || "`sequence` and `correlation` say something only together".to_owned(),
        "both or none",
        "sequence = 128\ncorrelation = 0.1",
    );
}

/// Refuses routers that need tokens where there are none.
pub(super) fn check_routers(scenario: &Scenario, variants: &[Variant], check: &mut Check<'_>) {
    let tier = scenario.tier.kind;
    for variant in variants.iter().filter(|variant| !variant.spec.tiers().serves(tier)) {
        let Some(index) = variant.index else { continue };
        check.fault(
            &format!("router[{index}]"),
            format!(
                "`{}` cannot serve the tier `{}`: as it is set, it looks at the tokens of a batch together",
                variant.label,
                tier.name()
            ),
            &format!(
                "a tier that it serves ({}), or a router that is a price per expert ({})",
                Tiers::TOKEN,
                Tiers::ALL
            ),
            "[tier]\nkind = \"token\"",
        );
    }
}
