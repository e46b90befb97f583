//! The same bytes on every instruction set (INV-6): all vector kernels, at every level this processor has, against pinned hashes.
//!
//! A hash that differs at every level is a change of results. One that differs at some is a kernel that depends on the width of its vectors, or
//! on whether multiplication and addition are fused.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use isotherm_core::frontier::{Frontier, Sweep};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::routing::{Probabilities, Routing, RoutingOptions};
use isotherm_core::simd::Level;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_core::workload::{WorkloadContext, WorkloadSpec};
use isotherm_routers::KINDS;
use isotherm_workloads::{Gate, Gaussian, Source};

const GPUS: usize = 4;

/// FNV-1a over the bytes of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.0 = bytes.into_iter().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn floats(&mut self, values: &[f32]) {
        self.add(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn routing(&mut self, routing: &Routing<'_>) {
        self.add(routing.experts.iter().chain(routing.counts.iter()).flat_map(|value| value.to_le_bytes()));
        self.floats(&routing.weights);
        self.add(format!("{:?}", routing.gate).into_bytes());
    }
}

fn at_every_level(what: &str, pinned: u64, hash: impl Fn() -> Hash) {
    for level in Level::available() {
        let found = level.force(&hash).0;
        assert_eq!(found, pinned, "{what} at the level {level}: found {found:#018x}");
    }
}

#[test]
fn deviates() {
    at_every_level("normal deviates", 0x13ff_87d7_76ff_048f, || {
        let (mut hash, mut values) = (Hash::new(), vec![0.0; 100_003]);
        fill_standard_normal([3, 4], 5, &mut values);
        hash.floats(&values);
        hash
    });
}

#[test]
fn gate_products() {
    let pinned = [
        (8, 512, 0x547f_e169_9185_9a24),
        (5, 512, 0x2b66_ce2e_73a6_04d0),
        (64, 512, 0x797b_16f9_d92f_38e3),
        (72, 2048, 0x97f9_002c_5969_51b0),
        (256, 512, 0xb8d3_da63_84cf_9ea9),
    ];
    for (experts, d_model, pinned) in pinned {
        at_every_level(&format!("hidden states {d_model} wide, {experts} experts"), pinned, || {
            let spec =
                Gaussian { d_model, source: Source::Hidden, gate: Gate::Uniform, skew: 0.5, ..Gaussian::default() };
            let context = WorkloadContext { experts, top_k: 2, seed: 9, batches: &[], layer: 1 };
            let mut hash = Hash::new();
            hash.floats(&spec.build(&context).unwrap().logits(BatchId(2), 101).unwrap());
            hash
        });
    }
}

#[test]
fn logits_from_their_law() {
    for (gate, pinned) in [(Gate::Orthogonal, 0xc549_b88d_5372_7018), (Gate::Uniform, 0xb724_af61_6e2c_20ad)] {
        at_every_level(&format!("logits of a {gate:?} gate"), pinned, || {
            let context = WorkloadContext { experts: 40, top_k: 2, seed: 9, batches: &[], layer: 0 };
            let mut hash = Hash::new();
            hash.floats(
                &Gaussian { gate, ..Gaussian::default() }.build(&context).unwrap().logits(BatchId(2), 333).unwrap(),
            );
            hash
        });
    }
}

/// Gate, reference routing, every built-in router over some batches with what it learns, and what is computed of its routings.
#[test]
fn routers() {
    for (experts, top_k, pinned) in
        [(8, 2, 0xd66e_262a_2642_cbaa), (64, 8, 0xdda9_97c1_1687_3c0c), (24, 3, 0x0431_ffa2_a379_8e9e)]
    {
        at_every_level(&format!("routers, {experts} experts, top {top_k}"), pinned, || {
            let mut hash = Hash::new();
            for kind in KINDS {
                hash.add(kind.name.bytes());
                router(kind.name, kind.example, experts, top_k, &mut hash);
            }
            hash
        });
    }
}

fn router(name: &str, example: &str, experts: usize, top_k: usize, hash: &mut Hash) {
    let text = match name {
        "prescribed" => format!("kind = \"prescribed\"\nusage = {:?}", vec![1_000_000; experts]),
        _ => example.to_owned(),
    };
    let spec: Box<dyn RouterSpec> = toml::from_str(&text).unwrap();
    let costs: Vec<f64> = (0..experts).map(|e| if e % 4 == 3 { 2.0 } else { 0.5 }).collect();
    let (placement, options) = (Placement::contiguous(experts, GPUS), RoutingOptions::default());
    let hint = ThermalHint { kelvin_per_watt: 0.05, time_constant_s: 60.0, ambient_degc: 30.0, idle_w: 80.0 };
    let context =
        RouterContext::new(experts, top_k, &costs, 5).with_options(&options).with_hardware(&placement, Some(hint));
    let mut router = spec.build(&context).unwrap();
    let mut out = Routing::new(experts, top_k);
    let (mut frontier, mut sweep) = (Frontier::new(1.5, false), Sweep::default());
    for batch in 0..4_u32 {
        let mut logits = vec![0.0; 203 * experts];
        fill_standard_normal([1, 2], u64::from(batch), &mut logits);
        let gate = GateBatch::from_logits(experts, top_k, logits);
        let now = SimTime::from_nanos(u64::from(batch) * 50_000_000);
        let sample = |gpu: usize| Sample {
            taken_at: now,
            temperature: Some(Celsius::new(60.0 + gpu as f64)),
            power: Some(Watts::new(400.0)),
        };
        let samples: [Sample; GPUS] = std::array::from_fn(sample);
        let view = ClusterView::empty()
            .with_declared_costs(&costs)
            .at(now, BatchId(batch), &placement, &samples)
            .with_true_costs(&costs);
        router.route(&gate, &view, &mut out).unwrap();
        let joules: Vec<f64> = (0..experts).map(|e| f64::from(out.counts[e]) * costs[e]).collect();
        let seconds: Vec<f64> = (0..experts).map(|e| f64::from(out.counts[e]) * 1e-5).collect();
        router.feedback(&Feedback::new(now, BatchId(batch), &out.counts, &joules, &seconds)).unwrap();
        hash.routing(gate.reference());
        hash.routing(&out);
        hash.add(format!("{:?} {:?}", gate.fidelity(&out), out.churn()).into_bytes());
        let mut kept = Probabilities::default();
        kept.describe(&gate);
        hash.add(kept.get(7, 1).unwrap().to_le_bytes());
        sweep.add(&gate, &costs, &mut frontier);
    }
    hash.add(format!("{frontier:?}").into_bytes());
}
