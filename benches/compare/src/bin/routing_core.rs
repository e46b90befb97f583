//! The bare routing core on one thread: gate product, price, softmax, top k, combine weights, counts.
//!
//! What `routing_core.py` does in PyTorch: hidden states `[2048 x 512]` that lie ready, a gate of 8 experts, top 2, 100 batches.
//! The product is the `hidden` workload's: its own for up to eight experts, candle's above, and candle's is measured in any case.
//! The rest is one call of the selection kernel.
//!
//! `routing_core [--experts 8] [--top-k 2] [--distinct 1] [--reps 7] [--json]`

use std::hint::black_box;

use candle_core::{Device, Tensor};
use isotherm_compare::{Spread, flag, option, seconds};
use isotherm_core::gate::GateBatch;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::routing::{Combine, Routing, RoutingOptions, Rule, Selector};
use isotherm_workloads::SmallGate;

const TOKENS: usize = 2048;
const D_MODEL: usize = 512;
const BATCHES: usize = 100;
/// Batches of hidden states that differ, 4 MiB each. One, because the program draws every batch into the same buffer.
const DISTINCT: usize = 1;

fn normal(block: u64, rows: usize, columns: usize, factor: f32) -> candle_core::Result<Tensor> {
    let mut values = vec![0.0; rows * columns];
    fill_standard_normal([7, 11], block, &mut values);
    values.iter_mut().for_each(|value| *value *= factor);
    Tensor::from_vec(values, (rows, columns), &Device::Cpu)
}

/// z = x W^T by candle.
fn product(hidden: &Tensor, gate: &Tensor) -> candle_core::Result<Vec<f32>> {
    hidden.matmul(gate)?.flatten_all()?.to_vec1()
}

/// Tokens per second of all repetitions.
#[derive(serde::Serialize)]
struct Report {
    experts: usize,
    top_k: usize,
    /// With candle's product.
    core_tokens_per_s: Spread,
    /// With the product for small gates; none for more than eight experts.
    small_product_tokens_per_s: Option<Spread>,
    small_product_ns_per_token: Option<Spread>,
    product_ns_per_token: Spread,
    select_ns_per_token: Spread,
    /// With the reference routing and its statistics, which a run computes once for all of its routers.
    gate_batch_ns_per_token: Spread,
}

fn main() -> candle_core::Result<()> {
    let (experts, top_k, reps) = (option("--experts", 8), option("--top-k", 2), option("--reps", 7));
    let distinct = option("--distinct", DISTINCT);
    // One thread, as in a run.
    gemm::set_threading_threshold(usize::MAX);
    let gate = normal(1000, D_MODEL, experts, 1.0 / (D_MODEL as f32).sqrt())?;
    let hidden =
        (0..distinct as u64).map(|block| normal(block, TOKENS, D_MODEL, 1.0)).collect::<Result<Vec<_>, _>>()?;
    let price: Vec<f32> = (0..experts).map(|expert| if expert < experts - experts / 4 { 0.05 } else { 0.2 }).collect();
    let rule = Rule::PricedLogit { price: &price };
    // The logits of a batch in the form that the kernel reads. Only the product is timed, not this.
    let batches = hidden
        .iter()
        .map(|x| Ok(GateBatch::from_logits(experts, top_k, product(x, &gate)?)))
        .collect::<candle_core::Result<Vec<_>>>()?;
    let small = SmallGate::new(experts, &gate.flatten_all()?.to_vec1()?);
    let plain = hidden.iter().map(|x| x.flatten_all()?.to_vec1::<f32>()).collect::<candle_core::Result<Vec<_>>>()?;
    if let Some(small) = &small {
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
        assert!(small.logits(&plain[0]).iter().zip(batches[0].logits()).all(close), "the two products agree");
    }
    let mut routing = Routing::new(experts, top_k);
    let mut selector = Selector::new(&RoutingOptions { combine: Combine::Penalised, ..RoutingOptions::default() });
    let (mut core, mut products, mut selects, mut references) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut small_core, mut small_products) = (Vec::new(), Vec::new());
    let tokens = (BATCHES * TOKENS) as f64;
    for rep in 0..=reps {
        let (both, ()) = seconds(|| {
            for batch in 0..BATCHES {
                black_box(product(&hidden[batch % distinct], &gate).expect("the shapes fit"));
                selector.select(&batches[batch % distinct], rule, None, &mut routing);
                black_box(&routing);
            }
        });
        let (alone, ()) = seconds(|| {
            for batch in 0..BATCHES {
                black_box(product(&hidden[batch % distinct], &gate).expect("the shapes fit"));
            }
        });
        let small_times = small.as_ref().map(|small| {
            let (both, ()) = seconds(|| {
                for batch in 0..BATCHES {
                    black_box(small.logits(&plain[batch % distinct]));
                    selector.select(&batches[batch % distinct], rule, None, &mut routing);
                    black_box(&routing);
                }
            });
            let (alone, ()) = seconds(|| {
                for batch in 0..BATCHES {
                    black_box(small.logits(&plain[batch % distinct]));
                }
            });
            (both, alone)
        });
        let (select, ()) = seconds(|| {
            for batch in 0..BATCHES {
                selector.select(&batches[batch % distinct], rule, None, &mut routing);
                black_box(&routing);
            }
        });
        let logits: Vec<_> = (0..BATCHES).map(|batch| batches[batch % distinct].logits().to_vec()).collect();
        let (reference, ()) = seconds(|| {
            for logits in logits {
                black_box(GateBatch::from_logits(experts, top_k, logits));
            }
        });
        // The first repetition warms up.
        if rep > 0 {
            core.push(tokens / both);
            if let Some((both, alone)) = small_times {
                small_core.push(tokens / both);
                small_products.push(alone * 1e9 / tokens);
            }
            products.push(alone * 1e9 / tokens);
            selects.push(select * 1e9 / tokens);
            references.push(reference * 1e9 / tokens);
        }
    }
    let report = Report {
        experts,
        top_k,
        core_tokens_per_s: Spread::of(&core),
        small_product_tokens_per_s: small.is_some().then(|| Spread::of(&small_core)),
        small_product_ns_per_token: small.is_some().then(|| Spread::of(&small_products)),
        product_ns_per_token: Spread::of(&products),
        select_ns_per_token: Spread::of(&selects),
        gate_batch_ns_per_token: Spread::of(&references),
    };
    if flag("--json") {
        println!("{}", serde_json::to_string(&report).expect("numbers"));
        return Ok(());
    }
    println!(
        "isotherm, {experts} experts, top {top_k}, candle's product: {:.2} M tokens/s (product {:.0} ns, select {:.0} ns a token; a gate batch with its reference {:.0} ns)",
        report.core_tokens_per_s.median / 1e6,
        report.product_ns_per_token.median,
        report.select_ns_per_token.median,
        report.gate_batch_ns_per_token.median,
    );
    if let (Some(rate), Some(product)) = (report.small_product_tokens_per_s, report.small_product_ns_per_token) {
        println!("  with the product for small gates: {:.2} M tokens/s (product {:.0} ns)", rate.median / 1e6, product.median);
    }
    Ok(())
}
