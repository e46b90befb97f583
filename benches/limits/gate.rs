//! The gate product against the peak of the core.

use std::hint::black_box;

use isotherm_core::rng::fill_standard_normal;
use isotherm_core::simd::Level;
use isotherm_workloads::GateProduct;

use crate::measure::{Bound, Report, in_turns};
use crate::peak;

pub(crate) const TOKENS: usize = 2048;
pub(crate) const D_MODEL: usize = 512;

pub(crate) fn drawn(key: u32, len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    fill_standard_normal([7, key], 0, &mut values);
    values
}

pub(crate) fn gate(experts: usize) -> GateProduct {
    let weights: Vec<f32> = drawn(1, D_MODEL * experts).iter().map(|w| w / (D_MODEL as f32).sqrt()).collect();
    GateProduct::new(experts, &weights)
}

pub(crate) fn measure(report: &mut Report) {
    if !report.wants("gate") {
        return;
    }
    let levels: Vec<Level> = Level::available().into_iter().filter(|level| *level != Level::Plain).collect();
    let hidden = drawn(2, TOKENS * D_MODEL);
    for experts in [8, 64, 128, 256] {
        let gates: Vec<GateProduct> = levels.iter().map(|level| level.force(|| gate(experts))).collect();
        let mut logits = vec![0.0; TOKENS * experts];
        let operations = (2 * TOKENS * D_MODEL * experts) as f64;
        for (level, gate) in levels.iter().zip(&gates) {
            let (mut peak, mut product) =
                (|| peak::run(*level), || gate.multiply(black_box(&hidden), black_box(&mut logits)));
            let times = in_turns(&mut [&mut peak, &mut product]);
            let rate = |time: f64| operations / time * 1e-9;
            let at_peak = |round: &[f64]| peak::operations(*level) / round[0] * 1e-9;
            if experts == 8 {
                report.line(&format!("peak of one core, {level}"), times.median(at_peak), "GFLOP/s", Bound::None);
            }
            let share = times.median(|round| 100.0 * rate(round[1]) / at_peak(round));
            let bound = if experts >= 64 { Bound::AtLeast(90.0) } else { Bound::None };
            report.line(&format!("gate product, {experts} experts, {level}, share of the peak"), share, "%", bound);
        }
    }
}
