//! The cost model `table`: joules and seconds per assignment and expert, given and not derived.
//!
//! It is the model of the classic hot/cold experiment (0.5 J and 2.0 J). Real hardware has no constant energy per
//! assignment, so results that used a table say so.

use serde::{Deserialize, Serialize};

use super::LayerSpec;

/// Which cost model a scenario uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostKind {
    /// Joules and seconds per assignment and expert.
    Table,
    /// Time and energy from bytes and operations, at the clock the governor allows.
    Device,
}

/// The `[costs]` section: what one assignment (one token at one expert) costs.
///
/// Either two classes (`hot` names the hot experts, `cold_*` and `hot_*` their costs) or one number per expert
/// (`joules`, `seconds`; `hot` then only names the pool that metrics call hot).
///
/// ```
/// use isotherm_core::cost::CostTable;
/// let costs = CostTable::two_classes(8, &[6, 7], 0.5, 2.0, 1e-3);
/// assert_eq!(costs.per_expert(8).0[5..], [0.5, 2.0, 2.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// The cost model.
    pub kind: CostKind,
    /// Experts of the hot pool.
    #[serde(default)]
    pub hot: Vec<u32>,
    /// Energy of an assignment at a cold expert (J).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_joules: Option<f64>,
    /// Energy of an assignment at a hot expert (J).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_joules: Option<f64>,
    /// Time of an assignment at a cold expert (s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_seconds: Option<f64>,
    /// Time of an assignment at a hot expert (s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_seconds: Option<f64>,
    /// Energy of an assignment per expert (J); instead of `cold_joules` and `hot_joules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joules: Option<Vec<f64>>,
    /// Time of an assignment per expert (s); instead of `cold_seconds` and `hot_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<Vec<f64>>,
    /// Relative growth of the energy of an assignment per kelvin of its GPU above `reference_degc` (1/K).
    #[serde(default)]
    pub leakage_per_kelvin: f64,
    /// Temperature at which the table holds (degC).
    #[serde(default = "reference_degc")]
    pub reference_degc: f64,
    /// Energy of an assignment that is served on another GPU than its token's, on top (J).
    #[serde(default)]
    pub hop_joules: f64,
    /// Energy of an expert's weights that move to another GPU (J).
    #[serde(default)]
    pub move_joules: f64,
    /// Time in which a GPU receives the weights of one expert (s); different GPUs receive at the same time.
    #[serde(default)]
    pub move_seconds: f64,
    /// The layer, where the cost model is `device`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<LayerSpec>,
}

fn reference_degc() -> f64 {
    60.0
}

/// Time of an assignment where a table gives none (s).
const DEFAULT_SECONDS: f64 = 1e-6;

impl CostTable {
    /// A table of two classes with one time per assignment (s).
    #[must_use]
    pub fn two_classes(experts: u32, hot: &[u32], cold_joules: f64, hot_joules: f64, seconds: f64) -> Self {
        Self {
            kind: CostKind::Table,
            hot: hot.to_vec(),
            cold_joules: Some(cold_joules),
            hot_joules: Some(hot_joules),
            cold_seconds: None,
            hot_seconds: None,
            joules: None,
            seconds: Some(vec![seconds; experts as usize]),
            leakage_per_kelvin: 0.0,
            reference_degc: reference_degc(),
            hop_joules: 0.0,
            move_joules: 0.0,
            move_seconds: 0.0,
            layer: None,
        }
    }

    /// Joules and seconds per assignment, one entry per expert, for the table's own hot pool.
    #[must_use]
    pub fn per_expert(&self, experts: u32) -> (Vec<f64>, Vec<f64>) {
        self.with_hot(experts, &self.hot)
    }

    /// The same for another hot pool: in a table of two classes the costs move with the pool; in a table with one number per
    /// expert, the entries of the old pool and of the new one change places in order.
    #[must_use]
    pub fn with_hot(&self, experts: u32, hot: &[u32]) -> (Vec<f64>, Vec<f64>) {
        let column = |each: &Option<Vec<f64>>, cold: Option<f64>, warm: Option<f64>, default: f64| match each {
            Some(values) => exchange(values, &self.hot, hot),
            None => {
                let cold = cold.unwrap_or(default);
                (0..experts).map(|e| if hot.contains(&e) { warm.unwrap_or(cold) } else { cold }).collect()
            }
        };
        (
            column(&self.joules, self.cold_joules, self.hot_joules, 0.0),
            column(&self.seconds, self.cold_seconds, self.hot_seconds, DEFAULT_SECONDS),
        )
    }
}

/// `values` with the entries at `from` and at `to` exchanged, first with first and so on.
fn exchange(values: &[f64], from: &[u32], to: &[u32]) -> Vec<f64> {
    let mut moved = values.to_vec();
    for (a, b) in from.iter().zip(to) {
        let (a, b) = (*a as usize, *b as usize);
        if a.max(b) < moved.len() {
            moved.swap(a, b);
        }
    }
    moved
}
