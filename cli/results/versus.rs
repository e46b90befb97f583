//! Each router against the baseline, and how much of it is luck.

use serde::{Deserialize, Serialize};

use super::Row;
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

/// The energies of the seeds that both finished (J), the baseline's and the row's; `None` if there is none.
pub(super) fn energy(baseline: &[f64], row: &[f64], interval: Interval) -> Option<VersusBaseline> {
    let found = paired(baseline, row, 0.0, interval)?;
    Some(VersusBaseline::uncorrected(found.estimate, row.len() as u32, found.p_value))
}

impl VersusBaseline {
    /// Before all rows are known.
    pub(super) fn uncorrected(energy_difference_j: Estimate, pairs: u32, p_value: Option<f64>) -> Self {
        Self { energy_difference_j, pairs, p_value, p_holm: None, comparisons: 0, significant: false }
    }
}

/// The p-values of all rows, corrected for their number: they are read as one table. Eight bytes a row that was tested.
#[derive(Debug, Default)]
pub(super) struct Family {
    p_values: Vec<f64>,
}

/// What the rows of a family are told, in the order in which they came.
#[derive(Debug)]
pub(super) struct Corrected {
    comparisons: u32,
    adjusted: std::vec::IntoIter<f64>,
}

impl Family {
    /// Takes in a row.
    pub(super) fn add(&mut self, row: &Row) {
        self.p_values.extend(row.versus_baseline.and_then(|versus| versus.p_value));
    }

    /// Once all rows are in.
    pub(super) fn correct(self) -> Corrected {
        Corrected { comparisons: self.p_values.len() as u32, adjusted: holm(&self.p_values).into_iter() }
    }
}

impl Corrected {
    /// Completes the next row.
    pub(super) fn complete(&mut self, row: &mut Row) {
        let tested = row.versus_baseline.as_mut().filter(|versus| versus.p_value.is_some());
        if let Some((versus, p)) = tested.and_then(|versus| Some((versus, self.adjusted.next()?))) {
            versus.p_holm = Some(p);
            versus.comparisons = self.comparisons;
            versus.significant = p <= SIGNIFICANT;
        }
    }
}

/// The correction where all rows are in memory.
pub(super) fn correct(rows: &mut [Row]) {
    let mut family = Family::default();
    rows.iter().for_each(|row| family.add(row));
    let mut corrected = family.correct();
    rows.iter_mut().for_each(|row| corrected.complete(row));
}
