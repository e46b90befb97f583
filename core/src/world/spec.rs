//! What a run is made of and what never changes in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assigned::Crowd;
use super::coolant::Heat;
use super::frontier::FrontierScope;
use super::thermal::ThermalSpec;
use crate::cost::{CostKind, CostTable, DeviceCost};
use crate::dispatch::{CopyChoice, DispatchSpec};
use crate::gate::GateBatch;
use crate::hardware::{Cooling, Hardware, Limits, OnShutdown};
use crate::id::BatchId;
use crate::placement::{Placement, PlacementSpec};
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};
use crate::units::Celsius;
use crate::workload::Arrival;

/// A `[[change]]` of the scenario: from `at` or `at_batch` on, something is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Instant at which it happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SimDuration>,
    /// It happens just before this batch is routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_batch: Option<u32>,
    /// The new hot pool; in a table of two classes the costs move with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot: Option<Vec<u32>>,
    /// The temperature of the air or coolant supplied to the node (degC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply: Option<Celsius>,
    /// The most flow there is, as a part of the full flow: a fan or pump that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<f64>,
    /// The row of a fleet whose cooling changes; all rows where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
}

/// What the router itself costs: the `[router_host]` section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterHost {
    /// Time per floating-point operation of the router (s); delays the start of the batch.
    #[serde(default)]
    pub seconds_per_operation: f64,
    /// Energy per floating-point operation of the router (J).
    #[serde(default)]
    pub joules_per_operation: f64,
    /// Time of every routing of a layer beside that (s): what the host takes until the GPUs have their work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seconds_per_routing: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// How warm the hardware of a run is at the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Start {
    /// At the temperature of the supply.
    #[default]
    Cold,
    /// In the steady state of this power of every GPU (W), streams included.
    Steady(f64),
    /// As another run of the same hardware has left it.
    From(Arc<Heat>),
}

/// Everything about a run that is decided before it starts.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// Experts of the layer.
    pub experts: u32,
    /// Experts each token is sent to.
    pub top_k: u32,
    /// MoE layers with gates of their own that a batch passes.
    pub layers: u32,
    /// Joules and seconds per assignment, and the pool that is called hot.
    pub costs: CostTable,
    /// Where the experts of every layer are at the start.
    pub placement: Placement,
    /// Who decides where they are, and may decide again; `None` where they stay.
    pub policy: Option<Arc<dyn PlacementSpec>>,
    /// Which copy of an expert serves a token.
    pub dispatch: DispatchSpec,
    /// Number of GPUs.
    pub gpus: u32,
    /// GPUs of one node.
    pub gpus_per_node: u32,
    /// Power of a waiting GPU (W), where the cost model is a table.
    pub idle_watts: f64,
    /// What the GPUs are thermally; `None` where temperatures are prescribed by the telemetry source.
    pub thermal: Option<ThermalSpec>,
    /// Clocks, power law and limits, where the cost model is `device`.
    pub device: Option<DeviceSpec>,
    /// What takes the heat away; `None` for a constant ambient.
    pub cooling: Option<Cooling>,
    /// How warm everything is at the start.
    pub start: Start,
    /// What happens when a GPU switches itself off.
    pub on_shutdown: OnShutdown,
    /// Die temperature above which time is counted (degC).
    pub temperature_limit: Option<f64>,
    /// Batches to come, in order.
    pub arrivals: Arc<[Arrival]>,
    /// Changes, in the order of the scenario.
    pub changes: Vec<Change>,
    /// Time between two telemetry polls, where the source asks for no others.
    pub poll_period: SimDuration,
    /// What the router itself costs.
    pub router_host: RouterHost,
    /// Whether the router is shown the truth.
    pub oracle: bool,
    /// Whether the run keeps a frontier of its own: its costs depend on what happens in it.
    pub frontier: bool,
    /// What stands for the tokens in the upper tiers; `None` where every token is routed.
    pub crowd: Option<Crowd>,
}

/// What the cost model `device` knows of the GPUs.
#[derive(Clone, Debug)]
pub struct DeviceSpec {
    /// Time and power of work.
    pub cost: DeviceCost,
    /// What the governor holds the GPUs to; `None` for GPUs that always run at their highest clock.
    pub limits: Option<Limits>,
    /// Power cap of every GPU (W), also where nothing holds them to it.
    pub power_cap: Option<f64>,
    /// Highest clock step of each GPU.
    pub highest_step: Vec<u32>,
    /// Leakage of each GPU relative to the profile's.
    pub leakage: Vec<f64>,
}

impl DeviceSpec {
    /// The device part of a scenario, if its cost model is `device`.
    ///
    /// # Errors
    /// A sentence that names what is missing or not physical.
    pub fn of(costs: &CostTable, top_k: u32, hardware: &Hardware) -> Result<Option<Self>, String> {
        if costs.kind != CostKind::Device {
            return Ok(None);
        }
        let layer = costs.layer.as_ref().ok_or("the cost model `device` needs [costs.layer]")?;
        let profile = hardware.profile.as_ref().ok_or("the cost model `device` needs `hardware.profile`")?;
        let same_node = hardware.gpus_per_node.is_none_or(|most| hardware.gpus <= most);
        let cost = DeviceCost::of(layer, top_k, profile, same_node)?;
        let highest = |gpu| cost.clock.step_at_most(cost.clock.max_mhz * hardware.factors(gpu).clock);
        let highest_step = (0..hardware.gpus).map(highest).collect();
        let leakage = (0..hardware.gpus).map(|gpu| hardware.factors(gpu).leakage).collect();
        let limits = hardware.limits();
        let power_cap = limits.as_ref().map(|limits| limits.power_cap).or(hardware.power_cap).map(|cap| cap.get());
        Ok(Some(Self { cost, limits, power_cap, highest_step, leakage }))
    }

    /// What a die leaks at `celsius` (W), at the law's own temperature where that is not known.
    pub(super) fn leakage_watts(&self, gpu: usize, celsius: f64) -> f64 {
        let power = &self.cost.power;
        let at = if celsius.is_nan() { power.leakage_reference.get() } else { celsius };
        power.leakage_watts(at) * self.leakage[gpu]
    }

    /// Joules and seconds of one assignment at every expert when the load is even: what is declared before a run.
    ///
    /// A batch of `tokens` tokens is spread evenly; waiting is not counted.
    #[must_use]
    pub fn declared(&self, experts: u32, top_k: u32, gpus: u32, tokens: u32) -> (f64, f64) {
        let groups = (gpus / self.cost.layer.tensor_parallel).max(1);
        let per_expert = (u64::from(tokens) * u64::from(top_k)).div_ceil(u64::from(experts)).max(1) as u32;
        let here = experts.div_ceil(groups).max(1);
        let work = self.cost.work(&vec![per_expert; here as usize]);
        let mhz = self.cost.clock.max_mhz;
        let (compute, memory) = self.cost.joules(&work, mhz);
        let assignments = f64::from(here) * f64::from(per_expert);
        (
            (compute + memory) * f64::from(self.cost.layer.tensor_parallel) / assignments,
            self.cost.seconds(&work, mhz, 1.0) / assignments,
        )
    }
}

impl WorldSpec {
    /// Whether anybody asks what experts serve and how fast GPUs are: a policy that places again, or copies that are chosen by speed.
    pub(super) fn measures(&self) -> bool {
        let places_again = self.policy.as_ref().is_some_and(|policy| policy.rebalance().is_some());
        places_again || self.dispatch.copies == CopyChoice::BySpeed
    }

    /// Whether there is a limit that GPUs can reach.
    pub(super) fn watches(&self) -> bool {
        let governed = self.device.as_ref().is_some_and(|device| device.limits.is_some());
        self.thermal.is_some() && (governed || self.temperature_limit.is_some())
    }

    /// Whether it matters on which GPU a token lies: something is paid for what crosses, or copies near the token go first.
    pub(super) fn origins_matter(&self) -> bool {
        let is_paid = self.device.is_some() || self.costs.hop_joules != 0.0;
        self.gpus > 1 && (is_paid || self.dispatch.copies == CopyChoice::LocalFirst)
    }

    /// What a scenario says, with the batches of one seed. In the upper tiers the caller adds the [`Crowd`], and with `hardware.warm_up` the [`Heat`]
    /// that the warm-up leaves.
    ///
    /// # Errors
    /// A sentence that names what does not fit together in the hardware.
    pub fn of(scenario: &Scenario, arrivals: Arc<[Arrival]>) -> Result<Self, String> {
        let hardware = &scenario.hardware;
        let prescribed = scenario.telemetry.prescribes_temperature();
        let experts = scenario.model.experts;
        let scope = FrontierScope::of_scenario(scenario);
        Ok(Self {
            experts,
            top_k: scenario.model.top_k,
            layers: scenario.model.layers,
            costs: scenario.costs.clone(),
            placement: scenario.placement().map_err(|fault| fault.to_string())?,
            policy: scenario.placement.clone(),
            dispatch: scenario.dispatch,
            gpus: hardware.gpus,
            gpus_per_node: hardware.gpus_per_node.unwrap_or(hardware.gpus).max(1),
            idle_watts: hardware.idle_watts(),
            thermal: if prescribed { None } else { ThermalSpec::of(hardware, scenario.costs.kind, &scenario.change)? },
            device: DeviceSpec::of(&scenario.costs, scenario.model.top_k, hardware)?,
            cooling: if prescribed { None } else { hardware.cooling.clone() },
            start: hardware.start_power.map_or(Start::Cold, |power| Start::Steady(power.get())),
            on_shutdown: hardware.on_shutdown,
            temperature_limit: hardware.temperature_limit.map(|limit| limit.get()),
            arrivals,
            changes: scenario.change.clone(),
            poll_period: scenario.telemetry.period(),
            router_host: scenario.router_host,
            oracle: false,
            frontier: scope == FrontierScope::Oracle,
            crowd: None,
        })
    }

    /// Joules and seconds of an assignment at every expert as they are declared at the start.
    #[must_use]
    pub fn declared_costs(&self) -> (Vec<f64>, Vec<f64>) {
        let Some(device) = &self.device else { return self.costs.per_expert(self.experts) };
        let tokens = self.arrivals.first().map_or(1, |batch| batch.tokens);
        let (joules, seconds) = device.declared(self.experts, self.top_k, self.gpus, tokens);
        (vec![joules; self.experts as usize], vec![seconds; self.experts as usize])
    }

    /// When batch `batch` arrives, if that is decided by the clock.
    pub(super) fn arrival(&self, batch: BatchId) -> Option<SimTime> {
        self.arrivals.get(batch.index())?.at
    }
}

/// The gate batches at hand: a window of the stream, shared by the runs of a comparison.
///
/// A run stops before a batch that is not in its window and goes on when it is given another one; so the gate product is
/// computed once per batch and memory stays bounded however long the stream is.
#[derive(Clone, Debug, Default)]
pub struct GateWindow {
    /// The gates of each batch, one per layer.
    batches: BTreeMap<BatchId, Vec<Arc<GateBatch<'static>>>>,
}

impl GateWindow {
    /// A window of these batches of a model of one layer.
    pub fn new(batches: impl IntoIterator<Item = (BatchId, Arc<GateBatch<'static>>)>) -> Self {
        Self::of_layers(batches.into_iter().map(|(batch, gate)| (batch, vec![gate])))
    }

    /// A window of these batches, with a gate for every layer of the model.
    pub fn of_layers(batches: impl IntoIterator<Item = (BatchId, Vec<Arc<GateBatch<'static>>>)>) -> Self {
        Self { batches: batches.into_iter().collect() }
    }

    /// The gates, by batch and layer: for who has no use for the window any more, but for their memory.
    pub fn into_gates(self) -> impl Iterator<Item = Arc<GateBatch<'static>>> {
        self.batches.into_values().flatten()
    }

    /// Whether the batch is at hand, with all its layers.
    #[must_use]
    pub fn holds(&self, batch: BatchId) -> bool {
        self.batches.contains_key(&batch)
    }

    /// The gate of a batch in a layer, if it is at hand.
    #[must_use]
    pub fn get(&self, batch: BatchId, layer: u32) -> Option<&Arc<GateBatch<'static>>> {
        self.batches.get(&batch)?.get(layer as usize)
    }
}
