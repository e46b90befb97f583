//! Lag, noise and steps of the thermometer.

use isotherm_core::telemetry::{Sample, TelemetrySpec};
use isotherm_core::time::SimTime;

use super::{run, spec, truth};

/// What one GPU at `temperatures` (degC), one a refresh, reads.
fn readings(options: &str, seed: u64, temperatures: &[f64]) -> Vec<Option<f64>> {
    let at = |s: f64| truth(temperatures[(s * 10.0).round() as usize], 1.0, s);
    let end = (temperatures.len() - 1) as f64 * 0.1 + 0.05;
    run(&spec(options), seed, end, at).iter().map(|(_, sample)| sample.temperature.map(|t| t.get())).collect()
}

const FINE: &str = "resolution = \"0 K\"\n";

#[test]
fn lag_is_the_step_response_of_a_first_order_sensor() {
    let mut truth = vec![30.0];
    truth.extend([80.0; 40]);
    for (refresh, reading) in readings(&format!("{FINE}lag = \"450 ms\""), 1, &truth).into_iter().enumerate() {
        let expected = 80.0 - 50.0 * (-(refresh as f64) * 0.1 / 0.45).exp();
        assert!((reading.unwrap() - expected).abs() < 1e-9, "{refresh}: {reading:?} {expected}");
    }
}

#[test]
fn lag_does_not_depend_on_how_often_a_constant_truth_is_read() {
    let level = |polls: &[u64]| {
        let mut source = spec(&format!("{FINE}lag = \"450 ms\"")).build(1, 1).unwrap();
        let mut out = [Sample::default()];
        for (first, ms) in polls.iter().enumerate().map(|(index, ms)| (index == 0, *ms)) {
            let truth = [truth(if first { 30.0 } else { 80.0 }, 1.0, 0.0)];
            source.sample(SimTime::from_nanos(ms * 1_000_000), &truth, &mut out).unwrap();
        }
        out[0].temperature.unwrap().get()
    };
    assert!((level(&[0, 1000]) - level(&[0, 1, 10, 10, 300, 999, 1000])).abs() < 1e-9);
}

#[test]
fn readings_are_whole_degrees_unless_told_otherwise() {
    let truth = [64.4, 64.5, -0.5, 71.26];
    assert_eq!(readings("", 1, &truth), [64.0, 65.0, -1.0, 71.0].map(Some));
    assert_eq!(readings("rounding = \"down\"", 1, &truth), [64.0, 64.0, -1.0, 71.0].map(Some));
    assert_eq!(readings("resolution = \"0.25 K\"", 1, &truth), [64.5, 64.5, -0.5, 71.25].map(Some));
    assert_eq!(readings(FINE, 1, &truth), truth.map(Some));
}

#[test]
fn noise_has_the_given_deviation_and_scales_the_same_deviates() {
    let noise = |kelvin: &str| format!("{FINE}noise = \"{kelvin} K\"");
    let n = 20_000;
    let truth = vec![50.0; n];
    let small: Vec<f64> = readings(&noise("0.5"), 1, &truth).into_iter().map(|r| r.unwrap() - 50.0).collect();
    let large: Vec<f64> = readings(&noise("2.0"), 1, &truth).into_iter().map(|r| r.unwrap() - 50.0).collect();
    assert!(small.iter().zip(&large).all(|(a, b)| (4.0 * a - b).abs() < 1e-9));
    let mean = small.iter().sum::<f64>() / n as f64;
    let deviation = (small.iter().map(|x| x * x).sum::<f64>() / n as f64).sqrt();
    // Five standard errors: s / sqrt(n) of a mean, s / sqrt(2 n) of a standard deviation.
    assert!(mean.abs() < 5.0 * 0.5 / (n as f64).sqrt(), "{mean}");
    assert!((deviation - 0.5).abs() < 5.0 * 0.5 / (2.0 * n as f64).sqrt(), "{deviation}");
    assert_ne!(readings(&noise("0.5"), 2, &truth[..1]), readings(&noise("0.5"), 1, &truth[..1]));
}

#[test]
fn what_the_model_does_not_know_is_absent_and_moves_nothing_else() {
    let noisy = format!("{FINE}noise = \"1 K\"");
    let whole = readings(&noisy, 1, &[50.0, 50.0, 50.0]);
    let gap = readings(&noisy, 1, &[50.0, f64::NAN, 50.0]);
    assert_eq!(gap, [whole[0], None, whole[2]]);
}
