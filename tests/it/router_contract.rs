//! What every router keeps, whatever it optimises: one suite over the registry, so that a new strategy is under it as soon as it is
//! listed.

use isotherm_core::frontier::{Frontier, Sweep};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::routing::{Routing, RoutingOptions, Selector};
use isotherm_core::telemetry::Sample;
use isotherm_core::tier::Tier;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_routers::KINDS;

/// The smallest options of a kind that work for `experts` experts.
fn options(kind: &str, experts: usize) -> String {
    match kind {
        "prescribed" => format!("kind = \"prescribed\"\nusage = {:?}", vec![1_000_000; experts]),
        _ => KINDS.iter().find(|known| known.name == kind).unwrap().example.to_owned(),
    }
}

/// Options under which a kind has nothing to say against the gate, and must be the baseline. A kind that is not here has no such options,
/// for the reason beside it.
fn without_price(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "baseline" => "kind = \"baseline\"",
        "noisy-top-k" => "kind = \"noisy-top-k\"\nscale = 0.0",
        // Where every expert takes every token the choice is the gate's, but its weights come by another way.
        "expert-choice" => return None,
        "sinkhorn" => "kind = \"sinkhorn\"\niterations = 0",
        "selection-bias" => "kind = \"selection-bias\"\ngamma = 0.0\nscore = \"softmax\"",
        "energy-penalty" => "kind = \"energy-penalty\"\nlambda = 0.0",
        "dual-ascent" => "kind = \"dual-ascent\"\ncap = 0.7\neta = 0.0",
        "ttt" => "kind = \"ttt\"\nlambda = 0.0",
        "tent" => "kind = \"tent\"\neta = 0.0",
        "primal-dual" => "kind = \"primal-dual\"\ncap = \"70 degC\"\neta = 0.0",
        "pid" => "kind = \"pid\"\ncap = \"70 degC\"\nkp = 0.0\nki = 0.0",
        "mpc-share" => "kind = \"mpc-share\"\ncap = \"70 degC\"\ngain = 0.0",
        "ucb" => "kind = \"ucb\"\nlambda = 0.0",
        "thompson" => "kind = \"thompson\"\nlambda = 0.0",
        "opportunistic" => "kind = \"opportunistic\"\nwake = 0.0",
        // It ignores the gate on purpose.
        "prescribed" => return None,
        other => panic!("say in this list when `{other}` is the baseline"),
    })
}

/// Kinds whose choice depends on the number of an expert: permuting experts is no symmetry of theirs.
const NUMBERED: &[&str] = &["prescribed", "noisy-top-k"];

/// Kinds that keep something for every GPU and nothing for an expert; they learn the number of GPUs from the first samples.
const PER_GPU: &[&str] = &["primal-dual", "pid"];

/// Kinds for which a joule more at every expert is more heat, or nearer to a cap in joules, and not the same choice.
const COUNTS_HEAT: &[&str] = &["mpc-share", "dual-ascent"];

/// A layer on four GPUs, some warmer than others, with costs that differ.
struct Bench {
    experts: usize,
    top_k: usize,
    costs: Vec<f64>,
    placement: Placement,
    /// Where expert e of the plain bench stands here.
    position: Vec<usize>,
    options: RoutingOptions,
}

const HINT: ThermalHint =
    ThermalHint { kelvin_per_watt: 0.05, time_constant_s: 60.0, ambient_degc: 30.0, idle_w: 80.0 };
const GPUS: usize = 4;
const TOKENS: usize = 200;

impl Bench {
    fn new(experts: usize, top_k: usize) -> Self {
        Self {
            experts,
            top_k,
            costs: (0..experts).map(|e| if e % 4 == 3 { 2.0 } else { 0.5 }).collect(),
            placement: Placement::contiguous(experts, GPUS),
            position: (0..experts).collect(),
            options: RoutingOptions::default(),
        }
    }

    /// The same bench with its experts in another order.
    fn permuted(experts: usize, top_k: usize) -> Self {
        let plain = Self::new(experts, top_k);
        let position: Vec<usize> = (0..experts).map(|e| (e * 5 + 3) % experts).collect();
        let (mut costs, mut homes) = (plain.costs.clone(), vec![GpuId(0); experts]);
        for (e, at) in position.iter().enumerate() {
            costs[*at] = plain.costs[e];
            homes[*at] = plain.placement.copies(isotherm_core::id::ExpertId(e as u32))[0];
        }
        Self { costs, placement: Placement::single(homes), position, ..plain }
    }

    fn build(&self, text: &str) -> Box<dyn Router> {
        let spec: Box<dyn RouterSpec> = toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let context = RouterContext::new(self.experts, self.top_k, &self.costs, 11)
            .with_options(&self.options)
            .with_hardware(&self.placement, Some(HINT));
        spec.build(&context).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn gate(&self, batch: u32, tokens: usize) -> GateBatch<'static> {
        let mut plain = vec![0.0; tokens * self.experts];
        fill_standard_normal([3, 9], u64::from(batch), &mut plain);
        let mut logits = plain.clone();
        for (row, plain) in logits.chunks_exact_mut(self.experts).zip(plain.chunks_exact(self.experts)) {
            for (e, z) in plain.iter().enumerate() {
                row[self.position[e]] = *z;
            }
        }
        GateBatch::from_logits(self.experts, self.top_k, logits)
    }

    /// Shows what a router sees at a batch.
    fn seen<R>(&self, batch: u32, show: impl FnOnce(&ClusterView<'_>) -> R) -> R {
        let now = SimTime::from_nanos(u64::from(batch) * 100_000_000);
        let samples: Vec<Sample> = (0..GPUS)
            .map(|gpu| Sample {
                taken_at: now,
                temperature: Some(Celsius::new(50.0 + 9.0 * gpu as f64 + f64::from(batch % 5))),
                power: Some(Watts::new(300.0 + 50.0 * gpu as f64)),
            })
            .collect();
        let view = ClusterView::empty()
            .with_declared_costs(&self.costs)
            .at(now, BatchId(batch), &self.placement, &samples)
            .with_true_costs(&self.costs);
        show(&view)
    }

    /// Routes one batch and tells the router what it cost.
    fn step(&self, router: &mut dyn Router, batch: u32, gate: &GateBatch) -> Routing<'static> {
        let mut routing = Routing::new(self.experts, self.top_k);
        let now = self.seen(batch, |view| {
            router.route(gate, view, &mut routing).unwrap();
            view.now
        });
        routing.check().unwrap();
        let joules: Vec<f64> = routing.counts.iter().zip(&self.costs).map(|(n, c)| f64::from(*n) * c).collect();
        let seconds: Vec<f64> = routing.counts.iter().map(|n| f64::from(*n) * 1e-4).collect();
        let feedback = Feedback::new(now, BatchId(batch), &routing.counts, &joules, &seconds);
        router.feedback(&feedback).unwrap();
        routing
    }

    fn run(&self, router: &mut dyn Router, batches: std::ops::Range<u32>) -> Vec<Routing<'static>> {
        batches.map(|batch| self.step(router, batch, &self.gate(batch, TOKENS))).collect()
    }
}

/// `check` of every kind of the registry, with its name in every failure.
fn every_kind(check: impl Fn(&str)) {
    assert!(KINDS.len() >= 4);
    for kind in KINDS {
        check(kind.name);
    }
}

/// Every token has k distinct experts or dropped slots, and weights that sum to 1 (or to 0 where all was dropped).
fn assert_sound(kind: &str, routing: &Routing, tokens: usize, what: &str) {
    assert_eq!(routing.tokens(), tokens, "{kind}, {what}");
    routing.check().unwrap_or_else(|fault| panic!("{kind}, {what}: {fault}"));
    let k = routing.top_k();
    for (experts, weights) in routing.experts.chunks_exact(k).zip(routing.weights.chunks_exact(k)) {
        let served = experts.iter().any(|e| *e != isotherm_core::routing::DROPPED);
        let sum: f32 = weights.iter().sum();
        let expected = if served { 1.0 } else { 0.0 };
        assert!((sum - expected).abs() < 1e-5, "{kind}, {what}: weights {weights:?} of {experts:?} sum to {sum}");
    }
}

#[test]
fn routings_are_sound_in_every_shape() {
    every_kind(|kind| {
        for (experts, top_k) in [(8, 2), (1, 1), (4, 4), (64, 8), (5, 3)] {
            let bench = Bench::new(experts, top_k);
            let mut router = bench.build(&options(kind, experts));
            for (batch, tokens) in [(0, TOKENS), (1, 1), (2, 0), (3, 17), (4, TOKENS)] {
                let routing = bench.step(router.as_mut(), batch, &bench.gate(batch, tokens));
                assert_sound(kind, &routing, tokens, &format!("{tokens} tokens to {top_k} of {experts}"));
            }
        }
    });
}

#[test]
fn thousands_of_experts_are_served() {
    every_kind(|kind| {
        let bench = Bench::new(4096, 8);
        let mut router = bench.build(&options(kind, 4096));
        for batch in 0..2 {
            let routing = bench.step(router.as_mut(), batch, &bench.gate(batch, 33));
            assert_sound(kind, &routing, 33, "4,096 experts");
        }
    });
}

#[test]
fn logits_that_are_no_numbers_are_survived() {
    let poisons = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN];
    every_kind(|kind| {
        let bench = Bench::new(8, 2);
        let mut router = bench.build(&options(kind, 8));
        for (batch, poison) in (0..).zip(poisons) {
            let mut logits = bench.gate(batch, 20).logits().to_vec();
            logits[3] = poison; // one entry
            logits[8..16].fill(poison); // a whole token
            logits[16..23].fill(poison); // all but one
            let gate = GateBatch::from_logits(8, 2, logits);
            let routing = bench.step(router.as_mut(), batch, &gate);
            assert_sound(kind, &routing, 20, &format!("poisoned with {poison}"));
            let fidelity = gate.fidelity(&routing);
            let numbers = [fidelity.mass_regret, fidelity.combine_weight_tv, fidelity.routing_entropy_nats];
            assert!(numbers.iter().all(|x| x.is_finite()), "{kind}, {poison}: {fidelity:?}");
        }
        // What it has learned from such a batch does not poison the next one.
        for routing in bench.run(router.as_mut(), 10..13) {
            assert_sound(kind, &routing, TOKENS, "after poison");
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_routing() {
    every_kind(|kind| {
        let bench = Bench::new(16, 4);
        let text = options(kind, 16);
        let (mut first, mut second) = (bench.build(&text), bench.build(&text));
        assert_eq!(bench.run(first.as_mut(), 0..6), bench.run(second.as_mut(), 0..6), "{kind}");
    });
}

#[test]
fn a_saved_router_goes_on_where_it_stood() {
    every_kind(|kind| {
        let bench = Bench::new(16, 4);
        let text = options(kind, 16);
        let mut router = bench.build(&text);
        bench.run(router.as_mut(), 0..5);
        let mut restored = bench.build(&text);
        restored.load(&router.save()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(bench.run(router.as_mut(), 5..9), bench.run(restored.as_mut(), 5..9), "{kind}");
        // A state of another layer is refused, not taken for this one.
        let other = Bench::new(8, 2);
        let saved = router.save();
        if !saved.is_empty() && !PER_GPU.contains(&kind) {
            assert!(other.build(&options(kind, 8)).load(&saved).is_err(), "{kind} takes a state of 16 experts for 8");
        }
        assert!(bench.build(&text).load(&[0xff; 7]).is_err(), "{kind} takes noise for a state");
    });
}

/// A router says that it serves the upper tiers exactly if it has a rule; asking for the rule changes nothing, and it is the rule it routes by.
#[test]
fn the_rule_is_what_is_routed_by_and_may_be_asked_for_at_any_time() {
    every_kind(|kind| {
        let bench = Bench::new(16, 4);
        let text = options(kind, 16);
        let spec: Box<dyn RouterSpec> = toml::from_str(&text).unwrap();
        let upper = spec.tiers().serves(Tier::Counts);
        assert_eq!(upper, spec.tiers().serves(Tier::MeanField), "{kind}");
        let (mut asked, mut plain) = (bench.build(&text), bench.build(&text));
        for batch in 0..8 {
            let gate = bench.gate(batch, TOKENS);
            let mut by_rule = None;
            bench.seen(batch, |view| {
                for _ in 0..2 {
                    let rule = asked.rule(view).unwrap();
                    assert_eq!(rule.is_some(), upper, "{kind}");
                    by_rule = rule.map(|rule| {
                        let mut routing = Routing::new(16, 4);
                        Selector::default().select(&gate, rule, None, &mut routing);
                        routing.experts.to_vec()
                    });
                }
            });
            let (routed, expected) =
                (bench.step(asked.as_mut(), batch, &gate), bench.step(plain.as_mut(), batch, &gate));
            assert_eq!(routed, expected, "{kind}: asking for a rule has changed batch {batch}");
            // The example of selection-bias scores by the sigmoid, which a plain selector does not know.
            if let Some(experts) = by_rule.filter(|_| kind != "selection-bias") {
                assert_eq!(experts[..], routed.experts[..], "{kind}: another rule than it routes by");
            }
        }
    });
}

#[test]
fn a_price_of_zero_is_the_baseline_bit_for_bit() {
    every_kind(|kind| {
        let Some(text) = without_price(kind) else { return };
        for (experts, top_k) in [(8, 2), (64, 8), (5, 3)] {
            let bench = Bench::new(experts, top_k);
            let mut router = bench.build(text);
            for batch in 0..4 {
                let gate = bench.gate(batch, TOKENS);
                let routing = bench.step(router.as_mut(), batch, &gate);
                assert_eq!(routing.experts, gate.reference().experts, "{kind}");
                let bits = |weights: &[f32]| weights.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&routing.weights), bits(&gate.reference().weights), "{kind}");
            }
        }
    });
}

#[test]
fn a_constant_added_to_all_costs_changes_nothing() {
    every_kind(|kind| {
        if COUNTS_HEAT.contains(&kind) {
            return;
        }
        let bench = Bench::new(8, 2);
        // Numbers that add up without rounding, so that nothing but the routing can differ.
        let dearer = Bench { costs: bench.costs.iter().map(|c| c + 4.0).collect(), ..Bench::new(8, 2) };
        let text = options(kind, 8);
        let (mut plain, mut shifted) = (bench.build(&text), dearer.build(&text));
        for (batch, (a, b)) in
            bench.run(plain.as_mut(), 0..8).iter().zip(dearer.run(shifted.as_mut(), 0..8)).enumerate()
        {
            assert_eq!(a.experts, b.experts, "{kind}, batch {batch}");
        }
    });
}

#[test]
fn permuting_the_experts_permutes_the_routing() {
    every_kind(|kind| {
        if NUMBERED.contains(&kind) {
            return;
        }
        let (plain, permuted) = (Bench::new(16, 4), Bench::permuted(16, 4));
        let text = options(kind, 16);
        let (mut first, mut second) = (plain.build(&text), permuted.build(&text));
        for (batch, (a, b)) in
            plain.run(first.as_mut(), 0..6).iter().zip(permuted.run(second.as_mut(), 0..6)).enumerate()
        {
            let renamed: Vec<u32> = (a.experts.iter())
                .map(|e| plain.position.get(*e as usize).map_or(*e, |_| permuted.position[*e as usize] as u32))
                .collect();
            assert_eq!(b.experts, renamed, "{kind}, batch {batch}");
        }
    });
}

/// No router gives up less of the gate's mass than the frontier says is needed for its energy.
#[test]
fn no_regret_is_below_the_frontier() {
    every_kind(|kind| {
        for (experts, top_k) in [(8, 2), (16, 4), (5, 3)] {
            let bench = Bench::new(experts, top_k);
            let mut router = bench.build(&options(kind, experts));
            let (mut frontier, mut sweep) = (Frontier::new(1.5, false), Sweep::default());
            let (mut joules, mut lost, mut tokens) = (0.0, 0.0, 0.0);
            for batch in 0..8 {
                let gate = bench.gate(batch, TOKENS);
                let routing = bench.step(router.as_mut(), batch, &gate);
                if routing.dropped() > 0 {
                    continue; // work that was not done has another frontier
                }
                sweep.add(&gate, &bench.costs, &mut frontier);
                joules += routing.counts.iter().zip(&bench.costs).map(|(n, c)| f64::from(*n) * c).sum::<f64>();
                lost += TOKENS as f64 * gate.fidelity(&routing).mass_regret;
                tokens += TOKENS as f64;
            }
            let Some(least) = frontier.regret_at(joules) else { continue };
            assert!(lost / tokens >= least - 1e-9, "{kind}: regret {} at {joules} J, least {least}", lost / tokens);
        }
    });
}

#[test]
fn missing_samples_and_unused_experts_are_no_trouble() {
    every_kind(|kind| {
        let bench = Bench::new(8, 2);
        let mut router = bench.build(&options(kind, 8));
        for batch in 0..4 {
            let gate = bench.gate(batch, 40);
            let mut routing = Routing::new(8, 2);
            let samples = [Sample::default(); GPUS];
            let view = ClusterView::empty()
                .with_declared_costs(&bench.costs)
                .at(SimTime::ZERO, BatchId(batch), &bench.placement, &samples)
                .with_true_costs(&bench.costs);
            router.route(&gate, &view, &mut routing).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_sound(kind, &routing, 40, "no samples");
            let nothing = Feedback::new(SimTime::ZERO, BatchId(batch), &[0; 8], &[0.0; 8], &[0.0; 8]);
            router.feedback(&nothing).unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        for routing in bench.run(router.as_mut(), 10..12) {
            assert_sound(kind, &routing, TOKENS, "after nothing was served");
        }
    });
}

#[test]
fn the_floor_keeps_the_first_experts_or_is_refused_by_name() {
    every_kind(|kind| {
        let bench = Bench { options: RoutingOptions { floor: 1, ..RoutingOptions::default() }, ..Bench::new(8, 2) };
        let spec: Box<dyn RouterSpec> = toml::from_str(&options(kind, 8)).unwrap();
        let context = RouterContext::new(8, 2, &bench.costs, 11)
            .with_options(&bench.options)
            .with_hardware(&bench.placement, Some(HINT));
        if let Err(error) = spec.build(&context) {
            assert!(error.to_string().contains("floor"), "{kind}: {error}");
            return;
        }
        let mut router = bench.build(&options(kind, 8));
        for batch in 0..6 {
            let gate = bench.gate(batch, TOKENS);
            let routing = bench.step(router.as_mut(), batch, &gate);
            let rows = routing.experts.chunks_exact(2).zip(gate.reference().experts.chunks_exact(2));
            for (row, reference) in rows {
                assert!(row.contains(&reference[0]), "{kind}: {row:?} lost {}", reference[0]);
            }
        }
    });
}
