//! A scenario: what is compared with what, on which tokens and which hardware.
//!
//! Text becomes a [`Tree`](crate::config::Tree), the tree becomes a [`Plan`]: the worlds to simulate (one per point of the sweep axes
//! that are not about routers) and in each world the routers to compare. Every fault of the text is found before anything runs.

mod awaited;
mod check;
mod compare;
mod lattice;
mod loaded;
mod plan;
mod points;
mod routers;
mod sweep;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use compare::{BaselineOf, Compare};
pub use plan::{Plan, Variant, WorldPlan};
pub use points::Points;
pub use sweep::{Axis, AxisValue, fix};

use crate::cost::CostTable;
use crate::dispatch::DispatchSpec;
use crate::fleet::FleetSpec;
use crate::hardware::Hardware;
use crate::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use crate::telemetry::TelemetrySpec;
use crate::tier::TierSpec;
use crate::workload::{ArrivalSpec, WorkloadSpec};
use crate::world::{Change, RouterHost};

/// The version of the scenario format this isotherm reads.
pub const SCHEMA_VERSION: u32 = 1;

/// A scenario without its routers and sweep axes: one world.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Format of the file; 1.
    pub schema_version: u32,
    /// Name of the comparison, also of its results folder.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Root seed of the first repetition.
    #[serde(default)]
    pub seed: u64,
    /// Number of repetitions: seeds `seed`, `seed + 1`, ...
    #[serde(default = "one")]
    pub seeds: u32,
    /// Shape of the MoE layer.
    pub model: ModelShape,
    /// Where logits come from.
    pub workload: Box<dyn WorkloadSpec>,
    /// When batches come.
    pub arrivals: Box<dyn ArrivalSpec>,
    /// What an assignment costs.
    pub costs: CostTable,
    /// The GPUs.
    pub hardware: Hardware,
    /// Many such groups of GPUs, housed together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<FleetSpec>,
    /// Where the experts are; contiguous blocks of equal size where not given.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "policy")]
    pub placement: Option<Arc<dyn PlacementSpec>>,
    /// Which copy of an expert serves a token.
    #[serde(default)]
    pub dispatch: DispatchSpec,
    /// What routers can see of the GPUs. Required; the default holds the place of a source that a library offers.
    #[serde(default = "awaited::telemetry")]
    pub telemetry: Box<dyn TelemetrySpec>,
    /// What the routers' own work costs.
    #[serde(default)]
    pub router_host: RouterHost,
    /// How closely the runs look at tokens.
    #[serde(default, skip_serializing_if = "TierSpec::is_default")]
    pub tier: TierSpec,
    /// Extra columns of the comparison.
    #[serde(default)]
    pub compare: Compare,
    /// What changes during the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change: Vec<Change>,
}

/// A policy is read into a box and shared with every run of its world.
mod policy {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::placement::PlacementSpec;

    pub(super) fn serialize<S: Serializer>(
        policy: &Option<Arc<dyn PlacementSpec>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        policy.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<dyn PlacementSpec>>, D::Error> {
        Ok(Option::<Box<dyn PlacementSpec>>::deserialize(deserializer)?.map(Arc::from))
    }
}

fn one() -> u32 {
    1
}

impl Scenario {
    /// Where the experts are at the start.
    ///
    /// # Errors
    /// [`PlacementError`] if the policy does not fit the model or the hardware.
    pub fn placement(&self) -> Result<Placement, PlacementError> {
        let (experts, gpus) = (self.model.experts as usize, self.hardware.gpus as usize);
        let node = self.hardware.gpus_per_node.map_or(gpus, |size| size as usize);
        match &self.placement {
            None => Ok(Placement::contiguous(experts, gpus)),
            Some(policy) => {
                let context = PlacementContext::at_start(experts, gpus).with_nodes_of(node);
                let placement = policy.place(&context)?;
                context.accept(&placement).map(|()| placement)
            }
        }
    }
}

/// The `[model]` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShape {
    /// Experts of the layer.
    pub experts: u32,
    /// Experts each token is sent to.
    pub top_k: u32,
    /// MoE layers with gates of their own, which a batch passes one after the other. Experts of different layers are different
    /// experts; expert e of every layer is placed alike.
    #[serde(default = "one")]
    pub layers: u32,
}

/// Examples for the keys of a scenario, shown with faults.
pub(crate) const EXAMPLES: &[(&str, &str)] = &[
    ("schema_version", "1"),
    ("name", "\"classic\""),
    ("seed", "0"),
    ("seeds", "10"),
    ("model", "{ experts = 8, top_k = 2 }"),
    ("experts", "8"),
    ("top_k", "2"),
    ("tier", "{ kind = \"counts\" }"),
    ("sample", "8192"),
    ("sequence", "128"),
    ("correlation", "0.1"),
    ("workload", "{ kind = \"gaussian\", sigma = 1.0 }"),
    ("arrivals", "{ kind = \"closed-loop\", batches = 100, tokens = 1024 }"),
    ("costs", "{ kind = \"table\", hot = [6, 7], cold_joules = 0.5, hot_joules = 2.0 }"),
    ("hardware", "{ gpus = 8 }"),
    ("telemetry", "{ kind = \"synthetic\", period = \"100 ms\" }"),
    ("gpus", "8"),
    ("baseline", "\"first-point\""),
    ("placement", "{ kind = \"round-robin\" }"),
    ("dispatch", "{ copies = \"local-first\" }"),
    ("copies", "\"local-first\""),
    ("replicas", "16"),
    ("rebalance", "{ every_batches = 20 }"),
    ("every_batches", "20"),
    ("replicate", "[0, 0, 3]"),
    ("objective", "\"headroom\""),
    ("floor", "1"),
    ("similarity", "{ matrix = [[1.0, 0.5], [0.5, 1.0]], charge = 1.0 }"),
    ("matrix", "[[1.0, 0.5], [0.5, 1.0]]"),
    ("charge", "1.0"),
    ("layer", "{ d_model = 4096, d_ff = 14336, layers = 32 }"),
    ("d_ff", "14336"),
    ("matrices", "3"),
    ("dtype", "\"bf16\""),
    ("implementation", "\"fused\""),
    ("tensor_parallel", "1"),
    ("layers", "32"),
    ("profile", "\"hardware/h200-sxm.toml\""),
    ("cooling", "\"hardware/hgx-h200-8-air.toml\""),
    ("variability", "{ seed = 1, resistance = 0.05, leakage = 0.2, clock = 0.01 }"),
    ("power_cap", "\"500 W\""),
    ("gpus_per_node", "8"),
    ("on_shutdown", "\"fail-over\""),
    ("streams", "[[0, 4], [1, 5], [2, 6], [3, 7]]"),
    ("stream_w_per_k", "108.0"),
    ("settings", "[0.4, 0.7, 1.0]"),
    ("fan_power", "\"1200 W\""),
    ("supply", "\"25 degC\""),
    ("flow", "0.3"),
    ("control", "{ raise_above = \"78 degC\", lower_below = \"66 degC\" }"),
    ("coolant", "{ capacity_j_per_k = 45000.0, exchanger_w_per_k = 1500.0, facility = \"30 degC\" }"),
    ("cop", "4.0"),
    ("capacity_j_per_k", "5.9"),
    ("heat_share", "1.0"),
    ("ambient_w_per_k", "200.0"),
    ("w_per_k", "25.0"),
    ("between", "[\"die\", \"package\"]"),
    ("voltage", "[[345.0, 0.67], [1980.0, 1.0]]"),
    ("idle_power", "\"80 W\""),
    ("temperature_limit", "\"87 degC\""),
    ("ambient", "\"35 degC\""),
    ("fleet", "{ groups = 31, stretch = 10, duration = \"1 h\" }"),
    ("groups", "31"),
    ("stretch", "10"),
    ("step_tokens", "40960"),
    ("duration", "\"1 h\""),
    ("sweep", "\"100 ms\""),
    ("nodes_per_rack", "4"),
    ("rows", "10"),
    ("row", "3"),
    ("recirculation", "0.1"),
    ("kinds", "64"),
    ("cohorts", "true"),
    ("hot", "[6, 7]"),
    ("at", "\"10 s\""),
    ("at_batch", "60"),
    ("lambda", "0.1"),
    ("scale", "1.0"),
    ("beta", "1.0"),
    ("eta", "1.0"),
    ("rho", "0.5"),
    ("momentum", "0.9"),
    ("kl_limit", "0.05"),
    ("reset", "100"),
    ("cap", "\"70 degC\""),
    ("max_price", "1.0"),
    ("patience", "\"10 s\""),
    ("kp", "0.05"),
    ("ki", "0.001"),
    ("kd", "0.0"),
    ("horizon", "\"10 s\""),
    ("gain", "0.2"),
    ("resistance", "\"0.05 K/W\""),
    ("time_constant", "\"10 s\""),
    ("idle", "\"125 W\""),
    ("width", "1.0"),
    ("forget", "0.05"),
    ("keep", "1"),
    ("wake", "0.5"),
    ("combine", "\"selection-only\""),
    ("space", "\"logit\""),
    ("usage", "[320, 320, 320, 320, 320, 320, 320, 320]"),
    ("sigma", "1.0"),
    ("d_model", "512"),
    ("batches", "100"),
    ("tokens", "1024"),
    ("period", "\"100 ms\""),
    ("refresh", "\"100 ms\""),
    ("lag", "\"2 s\""),
    ("rounding", "\"nearest\""),
    ("dropouts", "0.01"),
    ("power_window", "\"1 s\""),
    ("instant_window", "\"25 ms\""),
    ("counter_tick", "\"100 ms\""),
    ("counter_step", "\"1 mJ\""),
    ("noise", "\"0.5 K\""),
    ("resolution", "\"1 K\""),
    ("file", "\"data/trace.csv\""),
    ("files", "[\"data/h200/single-1.csv.gz\"]"),
    ("window", "\"250 ms\""),
    ("cold", "\"0 degC\""),
    ("hot_range", "[\"60 degC\", \"80 degC\"]"),
    ("cold_joules", "0.5"),
    ("hot_joules", "2.0"),
    ("joules", "[0.5, 0.5, 2.0, 2.0]"),
    ("slo", "\"100 ms\""),
    ("carbon_g_per_kwh", "400.0"),
];
