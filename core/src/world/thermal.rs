//! The thermal networks of a run: one per kind of device and flow of the coolant.

use super::spec::Change;
use crate::cost::CostKind;
use crate::hardware::{DESIGN_RISE_K, DeviceProfile, Hardware};
use crate::thermal::{LeakageError, LeakageLaw, LeakyModes};

/// What the GPUs of a run are thermally.
///
/// Devices that do not differ share their networks, which are diagonalised once; a device's own state is a vector of modes.
#[derive(Clone, Debug)]
pub struct ThermalSpec {
    /// Diagonalised networks, `classes x flows`; node 0 is the die.
    networks: Vec<LeakyModes>,
    /// The same without leakage: devices that are switched off.
    dark: Vec<LeakyModes>,
    class_of_gpu: Vec<u32>,
    /// Flows the run can come to, rising; the last one is the full flow of the start.
    flows: Vec<f64>,
    /// Share of a GPU's power, without its memory's, that enters each node.
    pub heat_shares: Vec<f64>,
    /// Share of its memory's power that enters each node.
    pub memory_heat_shares: Vec<f64>,
    /// The node whose temperature is the memory's.
    pub memory_node: usize,
    /// Temperature of the ambient, and of everything at the start (degC).
    pub ambient: f64,
}

impl ThermalSpec {
    /// The thermal part of `hardware`, if it has a profile; `changes` may bring further flows. Leakage is part of it where the
    /// cost model is `device`; a table of costs contains it.
    ///
    /// # Errors
    /// The profile's fault, as a sentence.
    pub fn of(hardware: &Hardware, costs: CostKind, changes: &[Change]) -> Result<Option<Self>, String> {
        let Some(profile) = &hardware.profile else { return Ok(None) };
        // Devices without differences are one class.
        let classes = if hardware.variability.is_some() { hardware.gpus } else { 1 };
        Self::build(hardware, &vec![profile; classes as usize], costs, changes).map(Some)
    }

    /// As [`ThermalSpec::of`] where every GPU was measured by itself: `profiles` has one entry a GPU, of which networks and leakage are taken. Ambient
    /// and heat shares are those of the first.
    ///
    /// # Errors
    /// A profile's fault, or what does not fit between them, as a sentence.
    pub fn of_each(
        hardware: &Hardware,
        profiles: &[DeviceProfile],
        costs: CostKind,
        changes: &[Change],
    ) -> Result<Self, String> {
        let Some(first) = profiles.first().filter(|_| profiles.len() == hardware.gpus as usize) else {
            return Err(format!("{} profiles are given for {} GPUs; expected one each", profiles.len(), hardware.gpus));
        };
        let nodes = |profile: &DeviceProfile| (profile.heat_shares().len(), profile.memory_node());
        if let Some(other) = profiles.iter().position(|profile| nodes(profile) != nodes(first)) {
            return Err(format!(
                "the profiles of GPU 0 and GPU {other} have other nodes; fit both with the same --nodes"
            ));
        }
        Self::build(hardware, &profiles.iter().collect::<Vec<_>>(), costs, changes)
    }

    /// One class of devices for each of `profiles`, of which there is at least one.
    fn build(
        hardware: &Hardware,
        profiles: &[&DeviceProfile],
        costs: CostKind,
        changes: &[Change],
    ) -> Result<Self, String> {
        let cooling = hardware.cooling.clone().unwrap_or_default();
        let mut flows = cooling.settings.clone();
        for most in changes.iter().filter_map(|change| change.flow) {
            flows.push(most);
        }
        flows.sort_by(f64::total_cmp);
        flows.dedup();
        let first = profiles[0];
        // Where the die will be under load: the remainder beside the tangent stays small.
        let ambient = cooling.supply.unwrap_or(first.ambient).get();
        let design = ambient + DESIGN_RISE_K;
        let (mut networks, mut dark) = (Vec::new(), Vec::new());
        for (class, profile) in (0..).zip(profiles) {
            let power = profile.power.as_ref().filter(|_| costs == CostKind::Device);
            let law = power.map_or(LeakageLaw::Linear, |power| power.leakage_law);
            for flow in &flows {
                let factors = hardware.factors(class);
                let network = profile.network_with(factors.conductance, cooling.conductance_factor(*flow))?;
                let leakage: Vec<_> =
                    power.map(|power| power.leakage_of_die(factors.leakage, design)).into_iter().collect();
                let fault = |fault: LeakageError| format!("GPU {class} at a flow of {flow}: {fault}");
                networks.push(LeakyModes::new(&network, &leakage, law).map_err(fault)?);
                dark.push(LeakyModes::new(&network, &[], LeakageLaw::Linear).map_err(fault)?);
            }
        }
        let last = profiles.len() as u32 - 1;
        Ok(Self {
            networks,
            dark,
            class_of_gpu: (0..hardware.gpus).map(|gpu| gpu.min(last)).collect(),
            flows,
            heat_shares: first.heat_shares(),
            memory_heat_shares: first.memory_heat_shares(),
            memory_node: first.memory_node(),
            ambient,
        })
    }

    /// Number of nodes of a GPU.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.heat_shares.len()
    }

    /// The network of a GPU at the flow of this index; `off` if it is switched off.
    #[must_use]
    pub fn network(&self, gpu: usize, flow: usize, off: bool) -> &LeakyModes {
        let networks = if off { &self.dark } else { &self.networks };
        &networks[self.class_of_gpu[gpu] as usize * self.flows.len() + flow]
    }

    /// Index of the highest flow that is at most `flow`.
    #[must_use]
    pub fn flow_index(&self, flow: f64) -> usize {
        self.flows.iter().rposition(|f| *f <= flow).unwrap_or(0)
    }

    /// All flows, rising.
    #[must_use]
    pub fn flows(&self) -> &[f64] {
        &self.flows
    }

    /// The flow of this index, as a part of the full flow.
    #[must_use]
    pub fn flow(&self, index: usize) -> f64 {
        self.flows[index]
    }
}
