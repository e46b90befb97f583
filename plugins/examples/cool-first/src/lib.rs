//! `acme/cool-first`: work goes where it is cool, by a price on every kelvin above the coolest GPU.
//!
//! Nobody has to declare what an assignment costs: the die that works dear gets hot, and its sensor says so. Where the dear experts move, the price moves
//! after them as fast as heat does. In `scenarios/drift.toml`, where they move in the middle of the run, it saves 11.8 % of the energy for 0.8 % of
//! the gate's mass; a price on the declared costs, which are wrong by then, saves 8.5 % for 3.7 %. In `scenarios/classic.toml`, where two GPUs
//! are at 60 to 80 degC and the others at 0, it saves 42.8 % of the 42.9 % there are.
//!
//! ```text
//! [[router]]
//! kind = "acme/cool-first"
//! per_kelvin = 0.05
//! ```
//!
//! ```text
//! cargo build --release
//! isotherm run scenario.toml --plugin target/release/libcool_first.so
//! ```
//!
//! The price is `min(per_kelvin max(0, T - T_coolest - dead_band), most)`: a band in which sensors of whole degrees make no difference, and a ceiling, so
//! that no GPU is left without work and so without news. A GPU that has not been read counts as the coolest: nothing is held against it.

use isotherm_plugin::prelude::*;

/// Prices every kelvin above the coolest GPU, so that work goes where it is cool.
///
/// Needs no declared costs: a GPU that works dear gets hot, and its sensor says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = CoolFirst::default())]
pub struct CoolFirst {
    /// Price of a kelvin (nats/K), at least 0; 0 is the plain top k.
    #[schemars(range(min = 0.0))]
    pub per_kelvin: f64,
    /// Kelvin above the coolest GPU that cost nothing (K), at least 0.
    #[schemars(range(min = 0.0))]
    pub dead_band: f64,
    /// Highest price (nats), at least 0.
    #[schemars(range(min = 0.0))]
    pub most: f64,
}

impl Default for CoolFirst {
    fn default() -> Self {
        Self { per_kelvin: 0.05, dead_band: 2.0, most: 2.0 }
    }
}

impl Router for CoolFirst {
    fn start(&mut self, _: &RouterContext<'_>) -> Result<(), RouterError> {
        let options =
            [("per_kelvin", self.per_kelvin, 0.05), ("dead_band", self.dead_band, 2.0), ("most", self.most, 2.0)];
        match options.into_iter().find(|(_, value, _)| !(value.is_finite() && *value >= 0.0)) {
            None => Ok(()),
            Some((option, found, example)) => Err(RouterError::Option {
                option,
                message: format!("must be a number of at least 0, found {found}; for example `{option} = {example}`"),
            }),
        }
    }

    fn route(&mut self, _: &GateBatch<'_>, view: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
        let coolest = view.expert_temperatures().flatten().fold(f64::INFINITY, f64::min);
        for (price, degc) in out.prices().iter_mut().zip(view.expert_temperatures()) {
            let excess = degc.map_or(0.0, |degc| (degc - coolest - self.dead_band).max(0.0));
            *price = (self.per_kelvin * excess).min(self.most) as f32;
        }
        Ok(())
    }

    fn is_reference(&self) -> bool {
        self.per_kelvin == 0.0
    }
}

export_router!(CoolFirst = "acme/cool-first");

#[cfg(test)]
mod tests {
    use isotherm_plugin::testkit::{self, ClosedLoop, Cluster, Instance};

    use super::*;

    /// The layer of `scenarios/classic.toml`: two hot experts of eight, four times as dear.
    fn classic() -> ClosedLoop {
        ClosedLoop::new(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 2.0])
            .with_temperatures(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 65.0, 75.0])
    }

    #[test]
    fn keeps_the_contract() {
        testkit::check_router(&CoolFirst::default());
        testkit::check_order_of_tokens(&CoolFirst::default());
    }

    #[test]
    fn beats_the_baseline_where_dear_gpus_are_hot() {
        let outcome = classic().run(&CoolFirst::default()).unwrap();
        assert!(outcome.saving() > 0.3, "{outcome:?}");
        assert!(outcome.mass_regret < 0.15, "{outcome:?}");
    }

    #[test]
    fn costs_nothing_to_know_nothing() {
        let unread = ClosedLoop::new(&[0.5, 2.0, 0.5, 2.0]);
        assert_eq!(unread.run(&CoolFirst::default()).unwrap().saving(), 0.0);
        let off = CoolFirst { per_kelvin: 0.0, ..CoolFirst::default() };
        assert_eq!(classic().run(&off).unwrap().saving(), 0.0);
    }

    #[test]
    fn the_price_has_a_band_and_a_ceiling() {
        let cluster = Cluster::new(3, 3).with_temperatures(&[40.0, 41.5, 900.0]);
        let options = CoolFirst { per_kelvin: 1.0, ..CoolFirst::default() };
        let mut instance = Instance::new(&options, &cluster.context(1, 0)).unwrap();
        // Expert 1 is within the band: the smallest lead is enough. Expert 2 has to lead by more than the ceiling.
        for (logits, expected) in [([0.0, 0.1, 0.0], 1), ([0.0, 0.0, 2.1], 2), ([0.1, 0.0, 2.0], 0)] {
            let gate = GateBatch::from_logits(3, 1, logits.to_vec());
            assert_eq!(instance.route(&gate, &cluster.view()).unwrap().experts, [expected]);
        }
    }

    #[test]
    fn a_negative_option_is_refused_by_its_name() {
        let options = CoolFirst { most: -1.0, ..CoolFirst::default() };
        let error = Instance::new(&options, &RouterContext::new(2, 1, &[1.0; 2], 0)).unwrap_err();
        assert!(matches!(error, RouterError::Option { option: "most", .. }), "{error}");
    }
}
