//! Leakage: the linear law's closed form, runaway, checks that are never late.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use isotherm_core::rng::{Domain, Stream};
use isotherm_core::thermal::{LeakScratch, Leakage, LeakageError, LeakageLaw, LeakyModes, RcNetwork, Watch};

const AMBIENT: f64 = 30.0;

fn h200_like() -> RcNetwork {
    let links = [(0, 2, 1.0 / 0.0315), (1, 2, 30.0), (2, 3, 1.0 / 0.0084)];
    RcNetwork::new(&[4.4, 20.0, 240.0, 9000.0], &links, &[0.0, 0.0, 0.0, 1.0 / 0.0068]).unwrap()
}

fn die(design: f64) -> Leakage {
    Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.015, design }
}

fn leaky(law: LeakageLaw, sources: &[Leakage]) -> LeakyModes {
    LeakyModes::new(&h200_like(), sources, law).unwrap()
}

#[test]
fn the_linear_law_has_its_closed_form() {
    // One node: C T' = P + a + s T - g (T - Ta), so T tends to (P + a + g Ta) / (g - s) with the rate (g - s) / C.
    let (c, g, p) = (450.0, 5.0, 100.0);
    let network = RcNetwork::new(&[c], &[], &[g]).unwrap();
    let source = die(70.0);
    let leaky = LeakyModes::new(&network, &[source], LeakageLaw::Linear).unwrap();
    let power_at_design = 60.0 * (0.015_f64 * 29.0).exp();
    let slope = 0.015 * power_at_design;
    let base = power_at_design - slope * 70.0;
    let (limit, rate) = ((p + base + g * AMBIENT) / (g - slope), (g - slope) / c);
    let mut drive = vec![0.0];
    leaky.drive_into(&[p], AMBIENT, &mut drive);
    let (mut state, mut scratch) = (leaky.modes().state(&[35.0]), LeakScratch::new(&leaky));
    let flow = leaky.advance(&mut state, &drive, AMBIENT, 77.0, &mut scratch).unwrap();
    let left = (-rate * 77.0).exp();
    let expected = limit + (35.0 - limit) * left;
    assert!((leaky.modes().temperature(&state, 0) - expected).abs() < 1e-11 * expected);
    let integral = limit * 77.0 + (35.0 - limit) * (1.0 - left) / rate;
    assert!((flow.first_node - integral).abs() < 1e-11 * integral);
    assert!((flow.leaked - (base * 77.0 + slope * integral)).abs() < 1e-10 * flow.leaked);
    assert!((flow.leaked + p * 77.0 - flow.stored - flow.removed).abs() < 1e-11 * flow.removed);
}

/// Classical Runge-Kutta of the nodes' temperatures, small steps: knows no modes and no tangent.
fn runge_kutta(
    network: &RcNetwork,
    sources: &[Leakage],
    power: &[f64],
    start: &[f64],
    seconds: f64,
    steps: u32,
) -> Vec<f64> {
    let n = network.nodes();
    let slope = |t: &[f64]| -> Vec<f64> {
        (0..n)
            .map(|i| {
                let out: f64 = (0..n).map(|j| network.conductance()[i * n + j] * t[j]).sum();
                let leak: f64 = sources
                    .iter()
                    .filter(|s| s.node == i)
                    .map(|s| s.watts * (s.per_kelvin * (t[i] - s.at)).exp())
                    .sum();
                (power[i] + leak + network.ambient()[i] * AMBIENT - out) / network.capacity()[i]
            })
            .collect()
    };
    let h = seconds / f64::from(steps);
    let ahead = |t: &[f64], k: &[f64], h: f64| -> Vec<f64> { t.iter().zip(k).map(|(t, k)| t + h * k).collect() };
    let mut t = start.to_vec();
    for _ in 0..steps {
        let k1 = slope(&t);
        let k2 = slope(&ahead(&t, &k1, 0.5 * h));
        let k3 = slope(&ahead(&t, &k2, 0.5 * h));
        let k4 = slope(&ahead(&t, &k3, h));
        for i in 0..n {
            t[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
    }
    t
}

#[test]
fn an_interval_of_milliseconds_is_one_step_within_a_millikelvin() {
    let sources = [die(60.0), Leakage { node: 1, watts: 8.0, at: 45.0, per_kelvin: 0.02, design: 60.0 }];
    let leaky = leaky(LeakageLaw::Exponential, &sources);
    let mut random = Stream::open(1, Domain::Hardware, 0, "leakage events");
    let mut scratch = LeakScratch::new(&leaky);
    let mut state = leaky.modes().state(&[45.0; 4]);
    let mut reference = vec![45.0; 4];
    let mut drive = vec![0.0; 4];
    let (mut steps, mut worst): (u32, f64) = (0, 0.0);
    for _ in 0..400 {
        let power = [100.0 + 550.0 * random.uniform(), 40.0 + 80.0 * random.uniform(), 0.0, 0.0];
        let seconds = 1e-3 + 19e-3 * random.uniform();
        leaky.drive_into(&power, AMBIENT, &mut drive);
        steps += leaky.advance(&mut state, &drive, AMBIENT, seconds, &mut scratch).unwrap().steps;
        reference = runge_kutta(&h200_like(), &sources, &power, &reference, seconds, 20);
        worst = (0..4).map(|i| (leaky.modes().temperature(&state, i) - reference[i]).abs()).fold(worst, f64::max);
    }
    println!("{steps} steps for 400 intervals of 1 to 20 ms");
    println!("measured: leakage-intervals {worst:.2e} K bound 1e-3");
    assert!(worst < 1e-3, "{worst} K");
    assert!(steps < 600, "{steps} steps");
}

/// The integral of the die's temperature, in steps the error control chooses, against Simpson's rule over a finely stepped solution.
#[test]
fn degree_seconds_of_the_exponential_law_are_within_the_tolerance() {
    let sources = [die(60.0)];
    let leaky = leaky(LeakageLaw::Exponential, &sources);
    let mut scratch = LeakScratch::new(&leaky);
    let power = [650.0, 80.0, 0.0, 0.0];
    let mut drive = vec![0.0; 4];
    leaky.drive_into(&power, AMBIENT, &mut drive);
    let mut worst: f64 = 0.0;
    for seconds in [0.01, 0.1, 1.0, 10.0, 60.0] {
        let mut state = leaky.modes().state(&[45.0; 4]);
        let flow = leaky.advance(&mut state, &drive, AMBIENT, seconds, &mut scratch).unwrap();
        let (found, steps) = (flow.first_node, flow.steps);
        // 15 ms at most, a tenth of the fastest time constant.
        let (pieces, mut reference, mut integral) = (4000, vec![45.0; 4], 0.0);
        let h = seconds / f64::from(pieces);
        for piece in 0..pieces {
            let weight = if piece == 0 {
                1.0
            } else if piece % 2 == 1 {
                4.0
            } else {
                2.0
            };
            integral += weight * reference[0] * h / 3.0;
            reference = runge_kutta(&h200_like(), &sources, &power, &reference, h, 2);
        }
        integral += reference[0] * h / 3.0;
        // Every step may be off by the tolerance, and what one is off by the next ones start from.
        worst = worst.max((found - integral).abs() / seconds / f64::from(steps));
    }
    println!("mean temperature of an interval off by {worst:.2e} K a step");
    assert!(worst < 1e-3, "{worst} K");
}

#[test]
fn leakage_that_outgrows_the_cooling_is_named_before_the_run() {
    let network = RcNetwork::new(&[4.4, 240.0], &[(0, 1, 30.0)], &[0.0, 2.0]).unwrap();
    let source = Leakage { node: 0, watts: 120.0, at: 41.0, per_kelvin: 0.02, design: 70.0 };
    let error = LeakyModes::new(&network, &[source], LeakageLaw::Linear).unwrap_err();
    assert!(matches!(error, LeakageError::Unstable { node: 0, .. }), "{error}");
    assert!(error.to_string().contains("thermal runaway at node 0"), "{error}");
    let bad = Leakage { watts: f64::NAN, ..source };
    assert!(LeakyModes::new(&network, &[bad], LeakageLaw::Linear).unwrap_err().to_string().contains("`watts` is NaN"));
    let nowhere = Leakage { node: 2, ..source };
    assert!(
        LeakyModes::new(&network, &[nowhere], LeakageLaw::Linear)
            .unwrap_err()
            .to_string()
            .contains("node 2 does not exist")
    );
    let island = RcNetwork::new(&[4.4, 240.0], &[], &[0.0, 2.0]).unwrap();
    assert!(matches!(LeakyModes::new(&island, &[], LeakageLaw::Linear), Err(LeakageError::Network(_))));
}

#[test]
fn a_runaway_in_a_transient_is_an_error_and_not_a_number_that_is_none() {
    // Stable at the design temperature of 60 degC, but not at the temperatures 900 W lead to.
    let network = RcNetwork::new(&[4.4, 240.0], &[(0, 1, 30.0)], &[0.0, 8.0]).unwrap();
    let source = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.03, design: 60.0 };
    let leaky = LeakyModes::new(&network, &[source], LeakageLaw::Exponential).unwrap();
    let mut drive = vec![0.0; 2];
    leaky.drive_into(&[900.0, 0.0], AMBIENT, &mut drive);
    for seconds in [1e4, 1e9] {
        let mut state = leaky.modes().state(&[AMBIENT; 2]);
        let error = leaky.advance(&mut state, &drive, AMBIENT, seconds, &mut LeakScratch::new(&leaky)).unwrap_err();
        let LeakageError::Runaway { node: 0, temperature, after_seconds, .. } = error else { panic!("{error}") };
        assert!(temperature > 100.0 && temperature.is_finite() && after_seconds < 1e4, "{error}");
        assert!(state.iter().all(|y| y.is_finite()));
    }
    // At 100 W the same device is fine for ever.
    leaky.drive_into(&[100.0, 0.0], AMBIENT, &mut drive);
    let mut state = leaky.modes().state(&[AMBIENT; 2]);
    leaky.advance(&mut state, &drive, AMBIENT, 1e4, &mut LeakScratch::new(&leaky)).unwrap();
    assert!(leaky.modes().temperature(&state, 0) < 90.0);
}

/// Follows checks to a crossing; no check may be late against a dense walk with the same integrator at a tight tolerance.
#[test]
fn checks_are_never_late_and_few() {
    let sources = [die(60.0), Leakage { node: 1, watts: 15.0, at: 45.0, per_kelvin: 0.02, design: 70.0 }];
    let (leaky, mut spare) = (leaky(LeakageLaw::Exponential, &sources).tolerance(1e-9), Vec::new());
    let mut scratch = LeakScratch::new(&leaky);
    let mut random = Stream::open(2, Domain::Hardware, 0, "checks");
    let (mut crossed, mut checks, mut never, mut most, mut worst) = (0, 0, 0, 0, 0.0_f64);
    for _ in 0..300 {
        let start: Vec<f64> = (0..4).map(|_| 40.0 + 30.0 * random.uniform()).collect();
        let power = [100.0 + 600.0 * random.uniform(), 40.0 + 80.0 * random.uniform(), 0.0, 0.0];
        let mut drive = vec![0.0; 4];
        leaky.drive_into(&power, AMBIENT, &mut drive);
        let node = usize::from(random.uniform() < 0.4);
        let rising = random.uniform() < 0.6;
        let threshold = start[node] + if rising { 12.0 } else { -12.0 } * random.uniform();
        let horizon = 20.0;
        let mut state = leaky.modes().state(&start);
        let mut now = 0.0;
        let mut asked = 0;
        let instant = loop {
            let watch = Watch { node, threshold, rising, horizon: horizon - now };
            asked += 1;
            assert!(asked < 400, "no end: {now} s, {:?}", leaky.next_check(&state, &drive, &watch, &mut spare));
            let Some(check) = leaky.next_check(&state, &drive, &watch, &mut spare) else { break None };
            if check.certain {
                leaky.advance(&mut state, &drive, AMBIENT, check.after_seconds, &mut scratch).unwrap();
                break Some(now + check.after_seconds);
            }
            if now + check.after_seconds >= horizon {
                break None;
            }
            leaky.advance(&mut state, &drive, AMBIENT, check.after_seconds, &mut scratch).unwrap();
            now += check.after_seconds;
        };
        most = most.max(asked);
        let mut walk = leaky.modes().state(&start);
        let side = |state: &[f64]| {
            let kelvin = leaky.modes().temperature(state, node) - threshold;
            if rising { kelvin } else { -kelvin }
        };
        // The walk before the instant never passes the threshold; at the instant it is there.
        let (until, walks) = (instant.unwrap_or(horizon), 2000);
        for step in 1..walks {
            leaky.advance(&mut walk, &drive, AMBIENT, until / f64::from(walks), &mut scratch).unwrap();
            assert!(side(&walk) < 1e-6, "late: past the threshold by {} K at step {step} to {instant:?}", side(&walk));
        }
        if instant.is_some() {
            worst = worst.max(side(&state).abs());
            assert!(side(&state) > -1e-6, "{} K short at {instant:?}", side(&state));
            crossed += 1;
            checks += asked;
        } else {
            never += 1;
        }
    }
    println!("{crossed} crossings by {checks} checks, {never} without, at most {most} checks");
    println!("measured: leakage-crossings {worst:.2e} K bound 1e-6");
    assert!(crossed > 50 && never > 50, "{crossed} and {never}");
    assert!(checks < 8 * crossed, "{checks} checks for {crossed} crossings");
}
