//! Each router against the baseline, and how much of it is luck.

use serde::{Deserialize, Serialize};

use super::{Measured, Row};
use crate::statistics::{Estimate, Interval, holm, paired};

/// A row against the baseline of its world, on the same tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersusBaseline {
    /// Energy of this row minus that of the baseline, paired by seed (J): negative is saved.
    pub energy_difference_j: Estimate,
    /// Seeds that both finished.
    pub pairs: u32,
    /// Two-sided p-value of the paired t test that there is no difference; absent for one pair. 1 if no seed differs, 0 if all
    /// differ by exactly the same.
    pub p_value: Option<f64>,
    /// The same after Holm's correction for all `comparisons`.
    pub p_holm: Option<f64>,
    /// Rows of this summary that were tested against their baseline.
    pub comparisons: u32,
    /// Whether `p_holm` is at most 0.05.
    pub significant: bool,
}

/// What `p_holm` must not exceed for a difference to be called significant.
pub const SIGNIFICANT: f64 = 0.05;

/// The energy of `runs` against that of the baseline's, seed by seed; `None` if no seed finished both.
pub(super) fn energy(runs: &[Measured<'_>], baseline: &[Measured<'_>], interval: Interval) -> Option<VersusBaseline> {
    let joules = |run: &Measured<'_>| run.metrics.get("energy_j").copied();
    let (first, second): (Vec<f64>, Vec<f64>) = runs
        .iter()
        .filter_map(|run| {
            let partner = baseline.iter().find(|other| other.run.seed == run.run.seed)?;
            Some((joules(partner)?, joules(run)?))
        })
        .unzip();
    let found = paired(&first, &second, 0.0, interval)?;
    Some(VersusBaseline {
        energy_difference_j: found.estimate,
        pairs: first.len() as u32,
        p_value: found.p_value,
        p_holm: None,
        comparisons: 0,
        significant: false,
    })
}

/// Corrects the p-values of all rows for their number: they are read as one table.
pub(super) fn correct(rows: &mut [Row]) {
    let mut tested: Vec<&mut VersusBaseline> = rows
        .iter_mut()
        .filter_map(|row| row.versus_baseline.as_mut())
        .filter(|versus| versus.p_value.is_some())
        .collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|versus| versus.p_value).collect();
    let comparisons = p_values.len() as u32;
    for (versus, p) in tested.iter_mut().zip(holm(&p_values)) {
        versus.p_holm = Some(p);
        versus.comparisons = comparisons;
        versus.significant = p <= SIGNIFICANT;
    }
}
