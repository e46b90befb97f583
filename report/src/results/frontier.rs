//! `frontier.parquet`: the least mass regret at every energy, seed by seed.

use super::error::ReadError;
use super::{CurvePoint, Results};

/// The frontier of one seed; of one run where costs move by clock or temperature.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeedCurve {
    /// Sweep point as text: `key=value`, separated by spaces.
    pub point: String,
    /// Seed, as text.
    pub seed: String,
    /// The router it belongs to; empty where it is that of all runs on the same tokens.
    pub router: String,
    /// Whether it knows costs of instants that no router can know.
    pub oracle: bool,
    /// The optima, by rising price.
    pub points: Vec<CurvePoint>,
}

const COLUMNS: [&str; 8] =
    ["seed", "point", "router", "oracle", "price_per_j", "energy_j", "energy_savings_percent", "mass_regret"];

impl Results {
    /// The frontier of every seed, in the order of the plan; [`Summary::frontier`](super::Summary::frontier) has their means. None
    /// where energy is no sum over assignments.
    ///
    /// # Errors
    /// Where the table is damaged.
    pub fn frontier(&self) -> Result<Vec<SeedCurve>, ReadError> {
        let Some(table) = &self.frontier else { return Ok(Vec::new()) };
        let mut curves: Vec<SeedCurve> = Vec::new();
        table.each_chunk(&COLUMNS, |chunk, rows| {
            for row in 0..rows {
                let text = |column: usize| chunk[column].as_ref().and_then(|cells| cells.text(row)).unwrap_or_default();
                let value = |column: usize| chunk[column].as_ref().and_then(|cells| cells.value(row));
                let (Some(price_per_j), Some(energy_j), Some(saved), Some(mass_regret)) =
                    (value(4), value(5), value(6), value(7))
                else {
                    continue;
                };
                let point = CurvePoint { price_per_j, energy_j, energy_savings_percent: saved, mass_regret };
                let is_same =
                    |curve: &&mut SeedCurve| curve.seed == text(0) && curve.point == text(1) && curve.router == text(2);
                match curves.last_mut().filter(is_same) {
                    Some(curve) => curve.points.push(point),
                    None => curves.push(SeedCurve {
                        seed: text(0).to_owned(),
                        point: text(1).to_owned(),
                        router: text(2).to_owned(),
                        oracle: value(3) == Some(1.0),
                        points: vec![point],
                    }),
                }
            }
        })?;
        Ok(curves)
    }
}
