//! What stands for the tokens of a group in the upper tiers: a sample of every layer and law, drawn once for all its runs.

use isotherm_core::population::GateSample;
use isotherm_core::tier::Tier;
use isotherm_core::workload::TokenStream;
use isotherm_core::world::{Crowd, WorldSpec};
use rayon::prelude::*;

use super::{Ledger, Part, time};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// `spec` with what the tier of its scenario needs in place of tokens; as it is in the tier `token`.
pub(super) fn with_crowd(
    spec: WorldSpec,
    file: &ScenarioFile,
    world: usize,
    seed: u64,
    streams: &[Box<dyn TokenStream>],
    ledger: Option<&Ledger>,
) -> Result<WorldSpec, Fault> {
    let tier = file.plan.worlds[world].scenario.tier;
    if tier.kind == Tier::Token {
        return Ok(spec);
    }
    let (experts, top_k) = (spec.experts as usize, spec.top_k as usize);
    let of_layer = |stream: &dyn TokenStream| {
        // Each by itself: a thread that waits for the others may do something else meanwhile.
        time(ledger, Part::Stream, || GateSample::all_of(stream, experts, top_k, &tier))
            .map_err(|error| Fault::Runs(format!("error: the sample of seed {seed}: {error}")))
    };
    let layers: Result<Vec<_>, Fault> = streams.par_iter().map(|stream| of_layer(stream.as_ref())).collect();
    Ok(WorldSpec { crowd: Some(Crowd { tier, seed, layers: layers? }), ..spec })
}
