//! `{{name}}`: a routing strategy for isotherm.

use isotherm_plugin::prelude::*;

/// Prices every expert by how much hotter its GPU is than the coolest one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct {{type}} {
    /// Price of a kelvin (nats/K); 0 is the baseline.
    #[serde(default = "per_kelvin")]
    pub per_kelvin: f64,
}

fn per_kelvin() -> f64 {
    0.02
}

impl Router for {{type}} {
    fn start(&mut self, _: &RouterContext<'_>) -> Result<(), RouterError> {
        if self.per_kelvin.is_finite() && self.per_kelvin >= 0.0 {
            return Ok(());
        }
        let message = "must not be negative; for example `per_kelvin = 0.02`".to_owned();
        Err(RouterError::Option { option: "per_kelvin", message })
    }

    fn route(
        &mut self,
        _gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError> {
        let coolest = view.expert_temperatures().flatten().fold(f64::INFINITY, f64::min);
        for (price, degc) in out.prices().iter_mut().zip(view.expert_temperatures()) {
            // A GPU that has not been read yet costs nothing extra.
            *price = degc.map_or(0.0, |degc| (self.per_kelvin * (degc - coolest)) as f32);
        }
        Ok(())
    }
}

export_router!({{type}} = "{{name}}");

#[cfg(test)]
mod tests {
    use isotherm_plugin::testkit;

    use super::*;

    #[test]
    fn it_keeps_the_contract_of_a_router() {
        testkit::check_router(&{{type}} { per_kelvin: 0.02 });
    }

    #[test]
    fn a_negative_price_is_refused_by_name() {
        let mut router = {{type}} { per_kelvin: -1.0 };
        let error = router.start(&RouterContext::new(8, 2, &[1.0; 8], 0)).unwrap_err();
        assert!(error.to_string().contains("per_kelvin"), "{error}");
    }
}
