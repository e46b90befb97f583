//! `isotherm experiment`: the classic hot/cold-expert experiment with the flags of the original program.

use std::path::Path;

use super::run::{Scenario, compare};
use crate::args::Experiment;
use crate::exit::Code;
use crate::fault::Fault;
use crate::scenario_file::{Overrides, ScenarioFile};

/// Writes the scenario that the flags describe and runs it like any other.
pub(super) fn run(options: &Experiment) -> Result<Code, Fault> {
    let text = scenario(options)?;
    let read = || ScenarioFile::lazily_from_text("experiment", &text, Path::new(""), &Overrides::default());
    compare(&Scenario::of(read)?, &options.output_dir, &options.common)
}

/// The classic setting: the last experts are hot, one GPU an expert, PyTorch's default gate, penalised combine weights.
fn scenario(options: &Experiment) -> Result<String, Fault> {
    let experts = options.num_experts;
    if options.num_hot > experts {
        return Err(Fault::Usage(format!("--num-hot {} is more than --num-experts {experts}", options.num_hot)));
    }
    if let Some(bad) = options.lambda_energy.iter().find(|lambda| !lambda.is_finite()) {
        return Err(Fault::Usage(format!(
            "--lambda-energy {bad} is not a number to multiply with; for example --lambda-energy 0.1"
        )));
    }
    let hot: Vec<u32> = (experts - options.num_hot..experts).collect();
    let routers: String = options
        .router
        .iter()
        .filter(|kind| *kind != "baseline")
        .map(|kind| {
            format!("\n[[router]]\nkind = {kind:?}\nlambda = {:?}\ncombine = \"penalised\"\n", options.lambda_energy[0])
        })
        .collect();
    let sweep = match (options.lambda_energy.as_slice(), routers.is_empty()) {
        ([_], _) | (_, true) => String::new(),
        (lambdas, false) => format!("\n[sweep]\n\"router.lambda\" = {lambdas:?}\n"),
    };
    Ok(format!(
        "schema_version = 1
name = \"experiment\"
description = \"classic hot/cold-expert experiment, from command-line flags\"
seed = {seed}
seeds = {seeds}
model = {{ experts = {experts}, top_k = {top_k} }}
workload = {{ kind = \"gaussian\", d_model = {d_model}, sigma = {sigma:?}, gate = \"uniform\", source = {source:?} }}
arrivals = {{ kind = \"closed-loop\", batches = {batches}, batch_size = {batch_size}, seq_length = {seq_length} }}
costs = {{ kind = \"table\", hot = {hot:?}, cold_joules = 0.5, hot_joules = 2.0, cold_seconds = 1e-3, hot_seconds = 1e-3 }}
hardware = {{ gpus = {experts} }}
telemetry = {{ kind = \"fixed\", cold = \"0 degC\", hot_range = [\"60 degC\", \"80 degC\"], hot_gpus = {hot:?} }}

[[router]]
kind = \"baseline\"
{routers}{sweep}",
        seed = options.seed,
        seeds = options.seeds,
        top_k = options.moe_top_k,
        d_model = options.d_model,
        sigma = (1.0_f64 / 3.0).sqrt(),
        source = options.source,
        batches = options.num_batches,
        batch_size = options.batch_size,
        seq_length = options.seq_length,
    ))
}
