//! Fitting the power law and the sequential kernels to recorded layers.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::KernelModel;
use serde::Serialize;

use super::least_squares::Problem;
use super::phases_check::predict;
use super::{Device, Phases};

/// A fitted profile.
#[derive(Clone, Debug, Serialize)]
pub struct LayerFit {
    /// The profile, with every number that was not fitted as it was.
    pub profile: DeviceProfile,
    /// The fitted numbers: key, value, and half width of the 95 % interval relative to the value.
    pub numbers: Vec<(String, f64, f64)>,
    /// Layers used.
    pub layers: usize,
}

type Place = fn(&mut DeviceProfile) -> Option<&mut f64>;

/// What is fitted, what was expected of it before, and how well (as a relative standard deviation). The layers alone cannot
/// tell a slow memory from a long launch, nor a flat voltage curve from a low energy of operations, so every expectation says
/// where it comes from; no number may move further than four deviations.
const NUMBERS: [(&str, Place, f64, f64); 8] = [
    // Four fifths of the data sheet's 4.8 TB/s.
    ("kernel.sequential.memory_bytes_per_s", |p| Some(&mut model(p)?.memory_bytes_per_s), 4.0e12, 0.1),
    // The fused kernels of the same device.
    ("kernel.sequential.elementwise_bytes_per_s", |p| Some(&mut model(p)?.elementwise_bytes_per_s), 3.15e12, 0.2),
    ("kernel.sequential.overlap", |p| Some(&mut model(p)?.overlap), 2.0, 0.3),
    // Five library calls of 2 us.
    ("kernel.sequential.launch_per_expert_s", |p| Some(&mut model(p)?.launch_per_expert_s), 10e-6, 0.3),
    // 989 Tflop/s at 1830 MHz are 1070 at 1980 MHz; libraries reach about three quarters of it.
    ("kernel.sequential.type.bf16.flops_per_s", |p| Some(&mut model(p)?.types.bf16.flops_per_s), 800e12, 0.05),
    ("power.joules_per_byte", |p| Some(&mut p.power.as_mut()?.joules_per_byte), 100e-12, 0.2),
    ("power.joules_per_flop", |p| Some(&mut p.power.as_mut()?.joules_per_flop), 0.9e-12, 0.2),
    // The clock above which the voltage rises: 0.87 of the highest voltage at 1513 MHz.
    ("clock.voltage[1] (MHz)", |p| Some(&mut p.clock.as_mut()?.voltage.get_mut(1)?[0]), 790.0, 0.1),
];

fn model(profile: &mut DeviceProfile) -> Option<&mut KernelModel> {
    profile.kernel.as_mut()?.sequential.as_mut()
}

/// Relative error of time or energy that counts as one standard deviation.
const SPREAD: f64 = 0.02;

/// Fits how fast dense products run and what bytes and operations cost to the layers of recordings, in closed loop: clocks at
/// the cap follow from the power, times from the clocks. Large errors are weighted more than their square (power 3/2 in
/// the residual), because the worst size of a layer counts and not the mean.
///
/// # Errors
/// A sentence where the profile lacks a section that is fitted.
pub fn fit_layers(profile: &DeviceProfile, recordings: &[Phases]) -> Result<LayerFit, String> {
    Device::new(profile)?;
    let mut start = profile.clone();
    if NUMBERS.iter().any(|(_, place, ..)| place(&mut start).is_none()) || profile.clock.is_none() {
        return Err("the fit starts from a profile with [clock], [power] and [kernel.sequential]".into());
    }
    let initial: Vec<f64> = NUMBERS.iter().map(|number| libm::log(number.2)).collect();
    let bounds: Vec<[f64; 2]> = NUMBERS.iter().zip(&initial).map(|(n, x)| [x - 4.0 * n.3, x + 4.0 * n.3]).collect();
    let with = |at: &[f64]| {
        let mut profile = profile.clone();
        for ((_, place, ..), x) in NUMBERS.iter().zip(at) {
            if let Some(number) = place(&mut profile) {
                *number = libm::exp(*x);
            }
        }
        profile
    };
    let sharpened = |error: f64| error.signum() * libm::pow(error.abs() / SPREAD, 1.5);
    let count = recordings.iter().map(|r| r.layers.len()).sum::<usize>();
    let residuals = |at: &[f64]| {
        let profile = with(at);
        let Ok(device) = Device::new(&profile) else { return vec![1e3; 2 * count + at.len()] };
        let mut all = Vec::with_capacity(2 * count + at.len());
        for phases in recordings {
            for layer in &phases.layers {
                let said = predict(&device, phases, layer);
                let watts: f64 = said.gpus.iter().filter_map(|gpu| gpu.draw).map(|draw| draw.total()).sum();
                all.push(sharpened(libm::log(said.seconds / layer.seconds)));
                all.push(sharpened(libm::log(watts * said.seconds / layer.joules.iter().sum::<f64>())));
            }
        }
        all.extend(at.iter().zip(&initial).zip(&NUMBERS).map(|((x, x0), number)| (x - x0) / number.3));
        all
    };
    let solution = Problem { bounds: &bounds, soft: 1e3, rounds: 60 }.solve(&initial, residuals);
    let found = |k: usize| (NUMBERS[k].0.to_owned(), libm::exp(solution.at[k]), 1.96 * solution.error[k]);
    Ok(LayerFit { profile: with(&solution.at), numbers: (0..NUMBERS.len()).map(found).collect(), layers: count })
}
