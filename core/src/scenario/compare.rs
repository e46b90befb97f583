//! The `[compare]` section: what results are measured against. Changes no run.

use serde::{Deserialize, Serialize};

use crate::metrics::CarbonIntensity;
use crate::time::SimDuration;

/// The `[compare]` section: further columns of the comparison.
///
/// ```
/// use isotherm_core::{metrics::CarbonIntensity, scenario::Compare, time::SimDuration};
/// let compare: Compare = toml::from_str("slo = \"100 ms\"\ncarbon_g_per_kwh = 400.0").unwrap();
/// assert_eq!(compare.slo, Some(SimDuration::from_millis(100)));
/// assert_eq!(compare.carbon_g_per_kwh, Some(CarbonIntensity::constant(400.0)));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compare {
    /// Adds savings against this constant energy per token (J), beside those against the real baseline: for showing what a
    /// published number was measured against. Never a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant_joules_per_token: Option<f64>,
    /// Which baseline savings are measured against where a sweep makes several points.
    pub baseline: BaselineOf,
    /// The latency that a batch, arrival to end, should keep: adds attainment and goodput.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<SimDuration>,
    /// Carbon intensity of the electricity (g of CO2 per kWh): adds the carbon of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carbon_g_per_kwh: Option<CarbonIntensity>,
    /// Whether the least mass regret at every energy is worked out, and every router measured against it.
    pub frontier: bool,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            constant_joules_per_token: None,
            baseline: BaselineOf::default(),
            slo: None,
            carbon_g_per_kwh: None,
            frontier: true,
        }
    }
}

/// Which baseline a run is measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineOf {
    /// The baseline of the same point: what a router changes.
    #[default]
    EachPoint,
    /// The baseline of the first point, on the same tokens: what a placement, a cap or a cooling changes.
    FirstPoint,
}
