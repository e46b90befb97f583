//! How sure a fit can be of its numbers, although its residuals are not independent.

use super::fit::Task;
use super::least_squares::solve;

/// Residuals further apart than this (s) are taken as independent.
const BLOCK: f64 = 20.0;

/// Standard errors of all unknowns, by the sandwich over blocks of time: `H^-1 (sum over blocks of g g') H^-1`, with `g` a
/// block's own gradient. Where residuals in a block agree in sign it is wider than `J'J` alone would say, and never narrower
/// than that here.
pub(super) fn standard_errors(task: &Task<'_>, x: &[f64]) -> Vec<f64> {
    let (normal, blocks) = task.linearise_in_blocks(x, BLOCK);
    let n = x.len();
    let mut hessian = normal.hessian;
    // An unknown that nothing depends on is held, not lost.
    let free: Vec<bool> = (0..n).map(|i| hessian[i * n + i] > 0.0 && task.is_free(i, x)).collect();
    for i in (0..n).filter(|i| !free[*i]) {
        (0..n).for_each(|j| {
            hessian[i * n + j] = 0.0;
            hessian[j * n + i] = 0.0;
        });
        hessian[i * n + i] = 1.0;
    }
    let count = blocks.len() as f64;
    let unknowns = task.layout.parameters.len() as f64;
    let small = count / (count - unknowns).max(1.0);
    (0..task.layout.parameters.len())
        .map(|k| {
            if !free[k] {
                return 0.0;
            }
            let mut unit = vec![0.0; n];
            unit[k] = 1.0;
            let Some(row) = solve(&hessian, &unit) else { return f64::INFINITY };
            let sandwich: f64 = blocks
                .iter()
                .map(|gradient| {
                    row.iter().zip(gradient).zip(&free).filter(|(_, free)| **free).map(|((a, b), _)| a * b).sum::<f64>()
                })
                .map(|along| along * along)
                .sum();
            (small * sandwich).sqrt().max(row[k].max(0.0).sqrt())
        })
        .collect()
}

/// Half widths of the 95 % intervals of the network's parameters, in the solver's units (logarithms where it uses them).
pub(super) fn half_widths(task: &Task<'_>, x: &[f64]) -> Vec<f64> {
    standard_errors(task, x).into_iter().map(|error| 1.96 * error).collect()
}
