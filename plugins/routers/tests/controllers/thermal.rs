//! `primal-dual`, `pid` and `mpc-share` in front of GPUs of one heat capacity each.

use isotherm_core::id::{BatchId, ExpertId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Feasibility, Router, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_routers::{Cap, MpcShare, Pid, PrimalDual};

use crate::bench::{gate, refusal, serve};

const TAU: f64 = 20.0;
const AMBIENT: f64 = 30.0;

/// Two GPUs with four experts each, the second one badly cooled: T' = (ambient + R P - T) / tau.
struct Plant {
    placement: Placement,
    temperature: [f64; 2],
    /// W.
    power: [f64; 2],
    /// K/W.
    resistance: [f64; 2],
    /// Power of an even share of the work (W).
    even: f64,
    now: f64,
}

impl Plant {
    fn new(even: f64) -> Self {
        Self {
            placement: Placement::contiguous(8, 2),
            temperature: [AMBIENT; 2],
            power: [0.0; 2],
            resistance: [0.1, 0.15],
            even,
            now: 0.0,
        }
    }

    /// Batches of 100 ms for so many seconds; returns the temperatures after each, and how many were called infeasible.
    fn run(&mut self, router: &mut dyn Router, seconds: f64) -> (Vec<[f64; 2]>, usize) {
        let (mut seen, mut infeasible) = (Vec::new(), 0);
        for batch in 0..(seconds / 0.1) as u32 {
            let at = SimTime::from_nanos((self.now * 1e9) as u64);
            let samples = [0, 1].map(|gpu| Sample {
                taken_at: at,
                temperature: Some(Celsius::new(self.temperature[gpu].round())),
                power: Some(Watts::new(self.power[gpu])),
            });
            let view = ClusterView::empty().at(at, BatchId(batch), &self.placement, &samples);
            let gate = gate(batch % 16, 8, 2, 256);
            let routing = serve(router, &gate, &view, &[self.even * 2.0 * 0.1 / 512.0; 8]);
            infeasible += usize::from(router.feasibility() == Some(Feasibility::Infeasible));
            for gpu in 0..2 {
                let share = routing.counts[4 * gpu..4 * gpu + 4].iter().sum::<u32>() as f64 / 512.0;
                self.power[gpu] = self.even * 2.0 * share;
                let target = AMBIENT + self.resistance[gpu] * self.power[gpu];
                self.temperature[gpu] += (target - self.temperature[gpu]) * 0.1 / TAU;
            }
            self.now += 0.1;
            seen.push(self.temperature);
        }
        (seen, infeasible)
    }
}

fn built(spec: &dyn RouterSpec, placement: &Placement) -> Box<dyn Router> {
    let hint = ThermalHint { kelvin_per_watt: 0.1, time_constant_s: TAU, ambient_degc: AMBIENT, idle_w: 0.0 };
    let context = RouterContext::new(8, 2, &[1.0; 8], 0).with_hardware(placement, Some(hint));
    spec.build(&context).unwrap()
}

fn both(cap: Cap) -> Vec<(&'static str, Box<dyn RouterSpec>)> {
    vec![("primal-dual", Box::new(PrimalDual::new(cap))), ("pid", Box::new(Pid::new(cap)))]
}

fn all(degc: f64) -> Vec<(&'static str, Box<dyn RouterSpec>)> {
    let cap = Celsius::new(degc);
    let mut specs = both(Cap::Temperature(cap));
    specs.push(("mpc-share", Box::new(MpcShare::new(cap))));
    specs
}

/// Evenly shared, the second GPU would reach 90 degC; the first has room.
#[test]
fn a_feasible_temperature_cap_is_held() {
    for (name, spec) in all(80.0) {
        let mut plant = Plant::new(400.0);
        let mut router = built(spec.as_ref(), &plant.placement);
        let (seen, infeasible) = plant.run(router.as_mut(), 600.0);
        assert_eq!(infeasible, 0, "{name}");
        for [first, second] in &seen[2000..] {
            assert!((second - 80.0).abs() < 1.0 && *first < 80.0, "{name}: {first} {second}");
        }
        let overshoot = seen.iter().map(|t| t[1]).fold(0.0, f64::max) - 80.0;
        assert!(overshoot < 5.0, "{name}: {overshoot} K over on the way");
    }
}

/// Evenly shared, 100 and 135 degC; at equal temperatures still 114.
#[test]
fn an_infeasible_cap_is_signalled_and_prices_do_not_climb_together() {
    for (name, spec) in all(60.0) {
        let mut plant = Plant::new(700.0);
        let mut router = built(spec.as_ref(), &plant.placement);
        let (_, early) = plant.run(router.as_mut(), 5.0);
        assert_eq!(early, 0, "{name}: nothing is above the cap yet");
        plant.run(router.as_mut(), 300.0);
        let (_, late) = plant.run(router.as_mut(), 60.0);
        assert_eq!(late, 600, "{name}");
        // The load falls: within a few time constants the cap is held again, and the signal is gone.
        plant.even = 220.0;
        plant.run(router.as_mut(), 200.0);
        let (seen, infeasible) = plant.run(router.as_mut(), 60.0);
        assert_eq!(infeasible, 0, "{name}");
        assert!(seen.iter().all(|t| t[0] < 61.0 && t[1] < 61.0), "{name}: {:?}", seen.last());
    }
}

/// GPUs that start hot are above the cap, but they cool down: that is no reason to give up.
#[test]
fn a_hot_start_is_not_infeasible() {
    for (name, spec) in all(80.0) {
        let mut plant = Plant::new(200.0);
        plant.temperature = [110.0, 120.0];
        let mut router = built(spec.as_ref(), &plant.placement);
        assert_eq!(plant.run(router.as_mut(), 100.0).1, 0, "{name}");
    }
}

#[test]
fn gains_of_zero_and_missing_samples_are_the_baseline() {
    let placement = Placement::contiguous(8, 2);
    let hot = Cap::Temperature(Celsius::new(0.0));
    let silent: [Box<dyn RouterSpec>; 3] = [
        Box::new(MpcShare { gain: 0.0, ..MpcShare::new(Celsius::new(70.0)) }),
        Box::new(PrimalDual { eta: Some(0.0), ..PrimalDual::new(hot) }),
        Box::new(Pid { kp: Some(0.0), ki: Some(0.0), ..Pid::new(hot) }),
    ];
    let blind: [Box<dyn RouterSpec>; 2] =
        [Box::new(PrimalDual::new(Cap::Power(Watts::new(1.0)))), Box::new(Pid::new(Cap::Power(Watts::new(1.0))))];
    for spec in silent.iter().chain(&blind) {
        let mut router = built(spec.as_ref(), &placement);
        for batch in 0..5 {
            let at = SimTime::from_nanos(u64::from(batch) * 1_000_000_000);
            // Temperatures differ, power is not measured.
            let sample = |t| Sample { taken_at: at, temperature: Some(Celsius::new(t)), power: None };
            let samples = [sample(50.0), sample(90.0)];
            let view = ClusterView::empty().at(at, BatchId(batch), &placement, &samples);
            let gate = gate(batch, 8, 2, 100);
            assert_eq!(&serve(router.as_mut(), &gate, &view, &[1.0; 8]), gate.reference());
            assert_eq!(router.feasibility(), Some(Feasibility::Feasible), "five seconds or no samples");
        }
    }
}

/// A sample counts once, however many batches see it.
#[test]
fn old_samples_change_no_price() {
    let placement = Placement::contiguous(8, 2);
    for (name, spec) in both(Cap::Temperature(Celsius::new(60.0))) {
        let mut router = built(spec.as_ref(), &placement);
        let mut states = Vec::new();
        for batch in 0..6_u32 {
            let at = SimTime::from_nanos(u64::from(batch) * 100_000_000);
            // A poll every third batch.
            let taken_at = SimTime::from_nanos(u64::from(batch / 3) * 300_000_000);
            let sample = |t| Sample { taken_at, temperature: Some(Celsius::new(t)), power: None };
            let samples = [sample(50.0), sample(90.0)];
            let view = ClusterView::empty().at(at, BatchId(batch), &placement, &samples);
            serve(router.as_mut(), &gate(1, 8, 2, 10), &view, &[1.0; 8]);
            states.push(router.save());
        }
        assert!(states[0] == states[2] && states[3] == states[5] && states[2] != states[3], "{name}");
    }
}

/// The price of an expert is the mean over its copies.
#[test]
fn copies_share_the_price() {
    let copies = [0, 0, 0, 1, 1, 1, 1].map(|gpu| vec![GpuId(gpu)]);
    let placement = Placement::new(2, copies.into_iter().chain([vec![GpuId(0), GpuId(1)]]).collect()).unwrap();
    assert_eq!(placement.copies(ExpertId(7)).len(), 2);
    let spec = PrimalDual { eta: Some(0.01), ..PrimalDual::new(Cap::Temperature(Celsius::new(60.0))) };
    let mut router = built(&spec, &placement);
    let sample = |t| Sample { taken_at: SimTime::ZERO, temperature: Some(Celsius::new(t)), power: None };
    let samples = [sample(60.0), sample(80.0)];
    let view = ClusterView::empty().at(SimTime::ZERO, BatchId(0), &placement, &samples);
    let gate = gate(1, 8, 2, 500);
    let found = serve(router.as_mut(), &gate, &view, &[1.0; 8]);
    // 20 K x 0.01 on GPU 1; half of it for the expert on both.
    let price = [0.0, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.1];
    let mut expected = isotherm_core::routing::Routing::new(8, 2);
    let rule = isotherm_core::routing::Rule::Probability { price: &price };
    isotherm_core::routing::Selector::default().select(&gate, rule, None, &mut expected);
    assert_eq!(found, expected);
}

#[test]
fn bad_options_are_refused_by_name() {
    let cap = Cap::Temperature(Celsius::new(70.0));
    let specs: [(&str, Box<dyn RouterSpec>); 7] = [
        ("gain", Box::new(MpcShare { gain: -1.0, ..MpcShare::new(Celsius::new(70.0)) })),
        ("resistance", Box::new(MpcShare::new(Celsius::new(70.0)))),
        ("eta", Box::new(PrimalDual { eta: Some(-1.0), ..PrimalDual::new(cap) })),
        ("max_price", Box::new(PrimalDual { max_price: Some(0.0), ..PrimalDual::new(cap) })),
        ("kp", Box::new(Pid { kp: Some(f64::NAN), ..Pid::new(cap) })),
        ("kd", Box::new(Pid { kd: -1.0, ..Pid::new(cap) })),
        ("patience", Box::new(Pid { patience: Some(Default::default()), ..Pid::new(cap) })),
    ];
    for (option, spec) in specs {
        let message = refusal(spec.as_ref());
        assert!(message.contains(&format!("`{option}`")) && message.contains("for example"), "{message}");
    }
}
