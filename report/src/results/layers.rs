//! `layers.parquet`: what each MoE layer did over the whole run, where the model has several.

use super::Results;
use super::error::ReadError;

/// A run in one MoE layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerRow {
    /// Index of the run in [`Results::runs`].
    pub run: usize,
    /// Which layer, from 0.
    pub layer: u32,
    /// Energy of the assignments (J).
    pub energy_j: Option<f64>,
    /// Time that batches spent in it (s).
    pub seconds_s: Option<f64>,
    /// Entropy of the load over experts (nats).
    pub expert_diversity_nats: Option<f64>,
    /// Busiest expert over the mean.
    pub load_max_over_mean: Option<f64>,
    /// 1 - retained share of the unpenalised gate mass.
    pub mass_regret: Option<f64>,
    /// Share of the unpenalised top-k that was kept.
    pub topk_agreement: Option<f64>,
    /// Assignments per expert.
    pub usage: Vec<f64>,
}

const COLUMNS: [&str; 8] = [
    "layer",
    "energy_j",
    "seconds_s",
    "expert_diversity_nats",
    "load_max_over_mean",
    "mass_regret",
    "topk_agreement",
    "usage",
];

impl Results {
    /// All layers of all runs, run after run. None where the model has a single layer.
    ///
    /// # Errors
    /// Where the table is damaged.
    pub fn layers(&self) -> Result<Vec<LayerRow>, ReadError> {
        let Some(table) = &self.layers else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        self.each_row(table, &COLUMNS, None, |run, chunk, row| {
            let value = |column: usize| chunk[column].as_ref().and_then(|cells| cells.value(row));
            let layer = chunk[0].as_ref().and_then(|cells| u32::try_from(cells.whole(row)?).ok());
            found.extend(layer.map(|layer| LayerRow {
                run,
                layer,
                energy_j: value(1),
                seconds_s: value(2),
                expert_diversity_nats: value(3),
                load_max_over_mean: value(4),
                mass_regret: value(5),
                topk_agreement: value(6),
                usage: chunk[7].as_ref().map_or_else(Vec::new, |cells| cells.list(row).to_vec()),
            }));
            Ok::<(), ReadError>(())
        })?;
        Ok(found)
    }
}
