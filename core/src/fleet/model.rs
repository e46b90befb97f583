//! Everything about a fleet that is decided before it runs.

use std::sync::Arc;

use super::governor::GovernorSpec;
use super::law::StepLaw;
use super::layout::Layout;
use super::spec::FleetSpec;
use super::step::{Slots, StepSpec};
use crate::cost::CostKind;
use crate::hardware::{Cooling, Hardware};
use crate::placement::Placement;
use crate::rng::{Domain, Stream};
use crate::scenario::Scenario;
use crate::time::SimDuration;
use crate::workload::Arrival;
use crate::world::{Change, DeviceSpec, RouterHost, ThermalSpec};

/// A fleet as a scenario describes it, with the traffic of one seed. Shared by all runs of a comparison.
#[derive(Clone, Debug)]
pub struct FleetModel {
    pub(super) fleet: FleetSpec,
    pub(super) layout: Layout,
    /// Experts of a layer.
    pub experts: u32,
    /// Experts each token is sent to.
    pub top_k: u32,
    /// MoE layers of the model.
    pub layers: u32,
    /// Where the experts of every layer of a group are.
    pub placement: Placement,
    /// Energy of an assignment as declared at the start, per expert (J).
    pub declared_costs: Vec<f64>,
    pub(super) step: StepSpec,
    pub(super) governors: GovernorSpec,
    /// Kind of device of each GPU.
    pub(super) kind: Vec<u32>,
    /// Highest clock step of each kind.
    pub(super) highest_step: Vec<u32>,
    pub(super) thermal: ThermalSpec,
    /// Laws of a sweep, `kinds x flows`.
    pub(super) laws: Arc<[StepLaw]>,
    pub(super) cooling: Option<Cooling>,
    pub(super) start_watts: Option<f64>,
    pub(super) power_cap: Option<f64>,
    pub(super) temperature_limit: Option<f64>,
    pub(super) governor_period: SimDuration,
    pub(super) poll_period: SimDuration,
    pub(super) arrivals: Arc<[Arrival]>,
    pub(super) changes: Vec<Change>,
    pub(super) router_host: RouterHost,
    pub(super) seed: u64,
}

impl FleetModel {
    /// What a scenario with a `[fleet]` says, with the traffic of one seed.
    ///
    /// # Errors
    /// A sentence that names what is missing or does not fit together.
    pub fn of(scenario: &Scenario, arrivals: Arc<[Arrival]>, seed: u64) -> Result<Self, String> {
        let fleet = scenario.fleet.clone().ok_or("the scenario has no [fleet]")?;
        let hardware = &scenario.hardware;
        let layout = Layout {
            groups: fleet.groups as usize,
            gpus_of_group: hardware.gpus as usize,
            gpus_of_node: hardware.gpus_per_node.unwrap_or(hardware.gpus).min(hardware.gpus) as usize,
            nodes_of_rack: fleet.nodes_per_rack as usize,
            rows: fleet.rows as usize,
        };
        let (kinds, kind) = kinds(hardware, &fleet, layout.gpus());
        // Physics and clocks are those of a small cluster of one device a kind; time and energy of work those of a group.
        let of_kinds = Hardware { gpus: kinds, gpus_per_node: None, ..hardware.clone() };
        let lacks = || "a fleet needs the device model: `costs.kind = \"device\"` and `hardware.profile`".to_owned();
        let top_k = scenario.model.top_k;
        let device = DeviceSpec::of(&scenario.costs, top_k, &of_kinds)?.ok_or_else(lacks)?;
        let group = DeviceSpec::of(&scenario.costs, top_k, &Hardware { variability: None, ..hardware.clone() })?;
        let group = group.ok_or_else(lacks)?;
        let thermal = ThermalSpec::of(&of_kinds, CostKind::Device, &scenario.change)?.ok_or_else(lacks)?;
        let flows = thermal.flows().len();
        let seconds = fleet.sweep.seconds();
        let law = |at: usize| {
            let network = thermal.network(at / flows, at % flows, false);
            let shares = (&thermal.heat_shares, &thermal.memory_heat_shares);
            StepLaw::new(network, shares.0, shares.1, thermal.memory_node, seconds)
        };
        let laws = (0..kinds as usize * flows).map(law).collect();
        let placement = scenario.placement().map_err(|fault| fault.to_string())?;
        let tokens = match arrivals.first() {
            Some(Arrival { at: None, tokens }) => *tokens,
            _ => fleet.step_tokens,
        };
        let (joules, _) = group.declared(scenario.model.experts, top_k, hardware.gpus, tokens);
        let limits = hardware.limits();
        Ok(Self {
            experts: scenario.model.experts,
            top_k,
            layers: scenario.model.layers,
            declared_costs: vec![joules; scenario.model.experts as usize],
            step: StepSpec {
                slots: Slots::of(&placement, layout.gpus_of_group),
                gpus_of_node: layout.gpus_of_node,
                slow_memory: limits.as_ref().map_or(1.0, |limits| limits.slowdown_factor),
                cost: group.cost,
            },
            placement,
            governor_period: limits.as_ref().map_or(fleet.sweep, |limits| limits.period),
            governors: GovernorSpec::new(limits, &device.cost.clock, &device.cost.power),
            kind,
            highest_step: device.highest_step,
            laws,
            thermal,
            cooling: hardware.cooling.clone(),
            start_watts: hardware.start_power.map(|power| power.get()),
            power_cap: device.power_cap,
            temperature_limit: hardware.temperature_limit.map(|limit| limit.get()),
            poll_period: scenario.telemetry.period(),
            arrivals,
            changes: scenario.change.clone(),
            router_host: scenario.router_host,
            seed,
            layout,
            fleet,
        })
    }

    /// GPUs of the fleet.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.layout.gpus()
    }

    /// GPUs of a group.
    #[must_use]
    pub fn gpus_of_group(&self) -> usize {
        self.layout.gpus_of_group
    }

    /// Groups, each with routers of its own.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.layout.groups
    }

    /// Whether every batch comes when the one before it is done.
    pub(super) fn is_closed(&self) -> bool {
        self.arrivals.first().is_some_and(|first| first.at.is_none())
    }

    /// Index of the law of a GPU whose node has the flow of this index.
    pub(super) fn law(&self, gpu: usize, flow: usize) -> u32 {
        self.kind[gpu] * self.thermal.flows().len() as u32 + flow as u32
    }

    /// A state of one law as another law reads it: the same temperatures.
    pub(super) fn change_law(&self, from: u32, to: u32, state: &[f64], out: &mut [f64]) {
        let network = |law: u32| {
            let flows = self.thermal.flows().len();
            self.thermal.network(law as usize / flows, law as usize % flows, false).modes()
        };
        network(to).state_from_into(network(from), state, out);
    }
}

/// How many kinds of device there are, and the kind of each GPU: all alike without variability, each its own where there are kinds enough, else
/// drawn by the seed of the variability.
fn kinds(hardware: &Hardware, fleet: &FleetSpec, gpus: usize) -> (u32, Vec<u32>) {
    let Some(variability) = hardware.variability else { return (1, vec![0; gpus]) };
    if gpus <= fleet.kinds as usize {
        return (gpus as u32, (0..gpus as u32).collect());
    }
    let draw = |gpu: usize| Stream::open(variability.seed, Domain::Hardware, gpu as u64, "kind").uniform();
    let kind = |gpu: usize| (draw(gpu) * f64::from(fleet.kinds)) as u32;
    (fleet.kinds, (0..gpus).map(|gpu| kind(gpu).min(fleet.kinds - 1)).collect())
}
