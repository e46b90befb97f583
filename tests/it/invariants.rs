//! The promises of `docs/INVARIANTS.md` that concern whole runs, on random small scenarios.

use isotherm_core::record::RunRecord;
use isotherm_core::thermal::{Modes, RcNetwork};
use proptest::prelude::*;

use crate::lab::{from_text, run};

/// A random scenario: router, shape, costs, hardware and arrivals vary.
fn scenarios() -> impl Strategy<Value = String> {
    let routers = prop_oneof![
        Just("kind = \"baseline\"".to_owned()),
        (0.0..2.0).prop_map(|lambda| format!(
            "kind = \"energy-penalty\"\nlambda = {lambda:?}\ncosts = \"sampled\"\nleakage_per_kelvin = 0.01"
        )),
        (0.0..0.5).prop_map(|mu| format!("kind = \"energy-penalty\"\nlambda = {mu:?}\nspace = \"probability\"")),
        (0.0..2.0).prop_map(|lambda| format!("kind = \"ttt\"\nlambda = {lambda:?}")),
        (0.0..2.0).prop_map(|lambda| format!("kind = \"thompson\"\nlambda = {lambda:?}")),
        (35.0..60.0).prop_map(|cap| format!("kind = \"primal-dual\"\ncap = \"{cap:?} degC\"")),
        (35.0..60.0).prop_map(|cap| format!("kind = \"mpc-share\"\ncap = \"{cap:?} degC\"")),
        Just("kind = \"opportunistic\"\nkeep = 1".to_owned()),
    ];
    let arrivals = prop_oneof![
        (1..12_u32, 1..200_u32).prop_map(|(batches, tokens)| format!(
            "{{ kind = \"closed-loop\", batches = {batches}, tokens = {tokens} }}"
        )),
        (1..12_u32, 1..200_u32, 1..50_u32).prop_map(|(batches, tokens, rate)| format!(
            "{{ kind = \"poisson\", batches = {batches}, tokens = {tokens}, rate_per_s = {rate}.0 }}"
        )),
    ];
    let placements = prop::sample::select(vec![
        "{ kind = \"contiguous\" }\n",
        "{ kind = \"eplb\", rebalance = { every_batches = 2 } }\n",
        "{ kind = \"thermal-eplb\", objective = \"headroom\", rebalance = { every_batches = 3 } }\ndispatch = { copies = \"local-first\" }\n",
        "{ kind = \"round-robin\" }\ndispatch = { copies = \"by-speed\" }\n",
    ]);
    (routers, arrivals, 1..10_u32, 1..4_u32, 1..5_u32, any::<u16>(), 0.0..0.02, placements).prop_map(
        |(router, arrivals, experts, top_k, gpus, seed, leakage, placement)| {
            let top_k = top_k.min(experts);
            format!(
                "schema_version = 1
name = \"random\"
seed = {seed}
model = {{ experts = {experts}, top_k = {top_k} }}
workload = {{ kind = \"gaussian\" }}
arrivals = {arrivals}
costs = {{ kind = \"table\", hot = [0], cold_joules = 0.5, hot_joules = 2.0, cold_seconds = 1e-3, hot_seconds = 3e-3, leakage_per_kelvin = {leakage:?}, hop_joules = 0.01, move_joules = 0.4, move_seconds = 2e-3 }}
placement = {placement}hardware = {{ gpus = {gpus}, profile = \"scenarios/hardware/h200-sxm.toml\", temperature_limit = \"50 degC\" }}
telemetry = {{ kind = \"synthetic\", period = \"30 ms\", refresh = \"50 ms\", noise = \"1 K\", dropouts = 0.2 }}
router_host = {{ seconds_per_operation = 1e-9, joules_per_operation = 1e-9 }}
router = [{{ name = \"subject\", {} }}]
",
                router.replace('\n', ", ")
            )
        },
    )
}

fn check(record: &RunRecord, top_k: usize) {
    let mut last = record.batches.first().map(|b| b.arrived);
    for batch in &record.batches {
        // INV-1: every token routed exactly k times or counted as dropped.
        assert_eq!(batch.assignments() + u64::from(batch.dropped), u64::from(batch.tokens) * top_k as u64);
        // INV-3: arrival <= dispatch <= start <= end; INV-2: time never goes back.
        assert!(
            batch.arrived <= batch.dispatched && batch.dispatched <= batch.started && batch.started <= batch.finished
        );
        assert!(last.is_none_or(|last| last <= batch.finished));
        last = Some(batch.finished);
    }
    // INV-4: heat balance, and total energy is the sum of its parts.
    let into = record.gpu_joules;
    assert!((into - record.stored_joules - record.removed_joules).abs() <= 1e-9 * into, "{record:?}");
    assert!((into - record.energy_joules() + record.router_joules).abs() <= 1e-9 * into, "{record:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn inv_1_to_4_on_random_scenarios(text in scenarios()) {
        let file = from_text(&text);
        let top_k = file.plan.worlds[0].scenario.model.top_k as usize;
        for finished in run(&file).finished {
            check(&finished.outcome.unwrap(), top_k);
        }
    }

    /// INV-5: under constant power every node of a chain heated at one end rises monotonically to its steady state.
    #[test]
    fn inv_5_constant_power_tends_to_the_steady_state(power in 0.0..1000.0_f64, step in 0.001..100.0_f64) {
        let modes = Modes::of(&RcNetwork::new(&[7.0, 300.0, 2000.0], &[(0, 1, 30.0), (1, 2, 60.0)], &[0.0, 0.0, 100.0]).unwrap());
        let (mut state, drive) = (modes.state(&[25.0; 3]), modes.drive(&[power, 0.0, 0.0], 25.0));
        for _ in 0..200 {
            let before: Vec<f64> = (0..3).map(|node| modes.temperature(&state, node)).collect();
            modes.settle(&mut state, &drive, step);
            for (node, before) in before.into_iter().enumerate() {
                let (now, end) = (modes.temperature(&state, node), modes.steady(&drive, node));
                prop_assert!(now >= before - 1e-9 && now <= end + 1e-9, "node {node}: {before} {now} {end}");
            }
        }
    }

    /// INV-8: one interval settled in one step or in many gives the same state, and the same heat, to 1e-9.
    #[test]
    fn inv_8_one_step_or_many(power in 1.0..1000.0_f64, seconds in 1e-6..1e4_f64, pieces in 2..50_usize, start in -20.0..120.0_f64) {
        let modes = Modes::of(&RcNetwork::new(&[7.0, 300.0], &[(0, 1, 30.0)], &[0.1, 20.0]).unwrap());
        let drive = modes.drive(&[power, 0.3 * power], 30.0);
        let (mut whole, mut split) = (modes.state(&[start, 30.0]), modes.state(&[start, 30.0]));
        let at_once = modes.settle_with_heat(&mut whole, &drive, 30.0, seconds);
        let (mut stored, mut removed) = (0.0, 0.0);
        for _ in 0..pieces {
            let heat = modes.settle_with_heat(&mut split, &drive, 30.0, seconds / pieces as f64);
            stored += heat.stored;
            removed += heat.removed;
        }
        for node in 0..2 {
            prop_assert!((modes.temperature(&whole, node) - modes.temperature(&split, node)).abs() < 1e-9);
        }
        // The heat that moves either way is bounded by what flows in plus what was stored.
        let scale = 1.3 * power * seconds + 307.0 * (start - 30.0).abs() + 1.0;
        prop_assert!((at_once.stored - stored).abs() < 1e-9 * scale && (at_once.removed - removed).abs() < 1e-9 * scale);
        prop_assert!((at_once.stored + at_once.removed - 1.3 * power * seconds).abs() < 1e-9 * scale);
    }

    /// A predicted crossing is where the temperature is the threshold, and it was on the other side before.
    #[test]
    fn crossings_are_first_and_exact(power in 0.0..2000.0_f64, die in 20.0..100.0_f64, threshold in 21.0..120.0_f64) {
        let modes = Modes::of(&RcNetwork::new(&[7.0, 300.0], &[(0, 1, 30.0)], &[0.0, 20.0]).unwrap());
        let (start, drive) = (modes.state(&[die, 30.0]), modes.drive(&[power, 0.0], 25.0));
        let rising = die < threshold;
        let at = |seconds: f64| {
            let mut state = start.clone();
            modes.settle(&mut state, &drive, seconds);
            modes.temperature(&state, 0)
        };
        let horizon = 500.0;
        let side = |t: f64| if rising { t >= threshold } else { t <= threshold };
        match modes.first_crossing(&start, &drive, 0, threshold, rising, horizon) {
            Some(found) => {
                prop_assert!((at(found) - threshold).abs() < 1e-9);
                for sample in 1..200 {
                    let before = found * f64::from(sample) / 200.0;
                    prop_assert!(before >= found || !side(at(before)) || (at(before) - threshold).abs() < 1e-9, "crossed at {before} already");
                }
            }
            None => for sample in 0..2000 {
                let t = at(horizon * f64::from(sample) / 2000.0);
                prop_assert!(!side(t) || (t - threshold).abs() < 1e-9, "missed a crossing");
            },
        }
    }
}

/// INV-7: a router sees nothing fresher than the poll allows; INV-9: an observer changes no result. INV-11, INV-12: below.
mod views {
    use std::sync::{Arc, Mutex};

    use isotherm_core::event::Event;
    use isotherm_core::gate::GateBatch;
    use isotherm_core::hardware::Hardware;
    use isotherm_core::id::BatchId;
    use isotherm_core::placement::Placement;
    use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
    use isotherm_core::routing::Routing;
    use isotherm_core::simulation::{RunObserver, Simulation};
    use isotherm_core::time::{SimDuration, SimTime};
    use isotherm_core::world::{GateWindow, RouterHost, ThermalSpec, WorldSpec};
    use isotherm_core::{
        cost::{CostKind, CostTable},
        rng::fill_standard_normal,
        workload::Arrival,
    };
    use isotherm_routers::{Baseline, EnergyPenalty, Normalise};

    /// Writes down what it is shown, and routes as the baseline does.
    struct Spy {
        inner: Box<dyn Router>,
        seen: Arc<Mutex<Vec<(SimTime, SimTime)>>>,
    }

    impl Router for Spy {
        fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
            assert!(view.oracle.is_none(), "nobody asked for the truth");
            for sample in view.samples {
                self.seen.lock().unwrap().push((view.now, sample.taken_at));
            }
            self.inner.route(gate, view, out)
        }
    }

    fn gate(seed: u32) -> GateBatch<'static> {
        let mut logits = vec![0.0; 8 * 200];
        fill_standard_normal([seed, 1], 0, &mut logits);
        GateBatch::from_logits(8, 2, logits)
    }

    fn world() -> (Arc<WorldSpec>, Arc<GateWindow>) {
        let text = std::fs::read_to_string(crate::lab::root().join("scenarios/hardware/h200-sxm.toml")).unwrap();
        let hardware = Hardware { profile: Some(toml::from_str(&text).unwrap()), ..Hardware::of_gpus(2) };
        let spec = WorldSpec {
            experts: 8,
            top_k: 2,
            layers: 1,
            costs: CostTable::two_classes(8, &[7], 0.5, 2.0, 1e-3),
            placement: Placement::contiguous(8, 2),
            gpus: 2,
            gpus_per_node: 2,
            policy: None,
            dispatch: Default::default(),
            idle_watts: 80.0,
            thermal: ThermalSpec::of(&hardware, CostKind::Table, &[]).unwrap(),
            device: None,
            cooling: None,
            start: Default::default(),
            on_shutdown: Default::default(),
            temperature_limit: None,
            arrivals: vec![Arrival { at: None, tokens: 200 }; 40].into(),
            changes: Vec::new(),
            poll_period: SimDuration::from_millis(170),
            router_host: RouterHost::default(),
            oracle: false,
            frontier: false,
            crowd: None,
        };
        let window = GateWindow::new((0..40).map(|b| (BatchId(b), Arc::new(gate(b)))));
        (Arc::new(spec), Arc::new(window))
    }

    fn baseline() -> Box<dyn Router> {
        let context = RouterContext::new(8, 2, &[1.0; 8], 0);
        Baseline::default().build(&context).unwrap()
    }

    fn sensor() -> Box<dyn isotherm_core::telemetry::TelemetrySource> {
        let spec: Box<dyn isotherm_core::telemetry::TelemetrySpec> =
            toml::from_str("kind = \"synthetic\"\nperiod = \"170 ms\"").unwrap();
        // Named, so that the crate is linked.
        assert!(isotherm_telemetry::KINDS.iter().any(|kind| kind.name == "synthetic"));
        spec.build(2, 0).unwrap()
    }

    #[test]
    fn inv_7_samples_are_as_old_as_the_last_poll() {
        let (spec, window) = world();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let spy = Spy { inner: baseline(), seen: Arc::clone(&seen) };
        Simulation::new(spec, Box::new(spy), sensor()).unwrap().advance(&window).unwrap();
        let (period, refresh) = (SimDuration::from_millis(170).nanos(), SimDuration::from_millis(100).nanos());
        let seen = seen.lock().unwrap();
        assert!(seen.len() >= 80);
        for (now, taken_at) in seen.iter() {
            // The last poll strictly before this instant; the reading at the very start counts for instant 0.
            let last_poll = now.nanos().saturating_sub(1) / period * period;
            // What it found is what the sensor had taken at its last refresh.
            assert_eq!(taken_at.nanos(), last_poll / refresh * refresh, "at {now}");
        }
        assert!(seen.iter().any(|(now, taken_at)| now.nanos() > taken_at.nanos() + period / 2), "some are old");
    }

    #[test]
    fn inv_9_an_observer_changes_no_result() {
        struct Count(usize);
        impl RunObserver for Count {
            fn after_event(&mut self, _: SimTime, _: &Event, _: usize) {
                self.0 += 1;
            }
        }
        let (spec, window) = world();
        let mut plain = Simulation::new(Arc::clone(&spec), baseline(), sensor()).unwrap();
        plain.advance(&window).unwrap();
        let mut watched = Simulation::new(spec, baseline(), sensor()).unwrap();
        let mut count = Count(0);
        watched.advance_observed(&window, &mut count).unwrap();
        assert_eq!(count.0 as u64, watched.record().events);
        assert_eq!(plain.record(), watched.record());
    }

    #[test]
    fn inv_11_a_constant_added_to_all_costs_changes_no_routing() {
        let costs = [0.5, 0.75, 1.0, 0.5, 0.25, 0.5, 2.0, 1.5];
        let routed = |offset: f64, normalise| {
            // Powers of two, so that the sums are exact.
            let costs: Vec<f64> = costs.iter().map(|c| c + offset).collect();
            let spec = EnergyPenalty { normalise, ..EnergyPenalty::new(0.7) };
            let context = RouterContext::new(8, 2, &costs, 0);
            let mut routing = Routing::new(8, 2);
            let view = ClusterView::empty().with_declared_costs(&costs);
            spec.build(&context).unwrap().route(&gate(5), &view, &mut routing).unwrap();
            routing
        };
        for offset in [1.0, 64.0, 1024.0] {
            assert_eq!(routed(0.0, Normalise::None), routed(offset, Normalise::None));
            assert_eq!(routed(0.0, Normalise::Span), routed(offset, Normalise::Span));
        }
    }

    #[test]
    fn inv_12_the_reference_is_the_baselines_own_routing() {
        let gate = gate(9);
        let mut routing = Routing::new(8, 2);
        baseline().route(&gate, &ClusterView::empty(), &mut routing).unwrap();
        assert_eq!(&routing, gate.reference());
        let fidelity = gate.fidelity(&routing);
        assert_eq!((fidelity.mass_regret, fidelity.combine_weight_tv, fidelity.exact_match), (0.0, 0.0, 1.0));
    }
}
