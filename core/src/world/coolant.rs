//! What takes the heat of the GPUs away, refreshed from time to time: inlet temperatures, loop, fans and their energy.

use serde::{Deserialize, Serialize};

use super::devices::GpuHeat;
use super::{RunError, ThermalSpec, World};
use crate::engine::Schedule;
use crate::event::Event;
use crate::hardware::Cooling;
use crate::hardware::kernel::Draw;
use crate::id::GpuId;
use crate::queue::EventQueue;
use crate::time::SimTime;

/// State of the cooling of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Coolant {
    refreshed_at: SimTime,
    /// Temperature of the air or coolant supplied to the node (degC).
    supply: f64,
    /// Setting the control has chosen.
    setting: usize,
    /// The most flow there is.
    most: f64,
    /// Heat given off by each GPU up to the last refresh (J); empty where nothing is refreshed.
    removed_before: Vec<f64>,
    /// Heat each GPU gave off during the last period (W); empty where nothing is refreshed.
    heat: Vec<f64>,
    /// Energy of GPUs and router up to the last refresh (J).
    drawn_before: f64,
}

/// The heat that a run has left in its hardware: temperatures of GPUs, streams and loop, and how the fans are set. Other runs of the same hardware may
/// start from it ([`Start::From`](super::Start)).
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    gpus: GpuHeat,
    coolant: Coolant,
}

impl Coolant {
    pub(super) fn new(gpus: usize, cooling: Option<&Cooling>, thermal: Option<&ThermalSpec>) -> Self {
        let of_cooling = if cooling.is_some() { gpus } else { 0 };
        Self {
            refreshed_at: SimTime::ZERO,
            supply: thermal.map_or(0.0, |thermal| thermal.ambient),
            setting: cooling.map_or(0, |cooling| cooling.settings.len() - 1),
            most: 1.0,
            removed_before: vec![0.0; of_cooling],
            heat: vec![0.0; of_cooling],
            drawn_before: 0.0,
        }
    }
}

impl World {
    /// Puts all GPUs in the steady state of `watts` each, streams included.
    pub(super) fn start_warm(&mut self, watts: f64) {
        let Some(thermal) = &self.spec.thermal else { return };
        let memory = self.spec.device.as_ref().map_or(0.0, |device| device.cost.power.memory_constant.get()).min(watts);
        let power = Draw { compute_w: watts - memory, memory_w: memory };
        let heat = vec![watts; self.spec.gpus as usize];
        let supply = self.state.coolant.supply;
        let inlets = match &self.spec.cooling {
            Some(cooling) => cooling.inlets(supply, thermal.flow(self.state.devices.flow()), &heat),
            None => vec![supply; heat.len()],
        };
        self.state.devices.start_warm(power, &inlets, thermal);
        if self.spec.cooling.is_some() {
            self.state.coolant.heat = heat;
        }
    }

    /// What is warm at `now`; `None` where nothing has a temperature of its own.
    pub(crate) fn heat(&mut self, now: SimTime) -> Result<Option<Heat>, RunError> {
        self.settle_all(now)?;
        let warm = Heat { gpus: self.state.devices.heat(), coolant: self.state.coolant.clone() };
        Ok(self.spec.thermal.is_some().then_some(warm))
    }

    /// Starts where another run of the same hardware was.
    pub(super) fn start_from(&mut self, heat: &Heat) {
        let Some(thermal) = &self.spec.thermal else { return };
        self.state.devices.start_from(&heat.gpus, thermal);
        let coolant = &mut self.state.coolant;
        (coolant.supply, coolant.setting) = (heat.coolant.supply, heat.coolant.setting);
        coolant.heat.clone_from(&heat.coolant.heat);
    }

    /// Closes the period since the last refresh and sets flow and inlet temperatures for the next one.
    pub(super) fn cooling_step<Q: EventQueue<Event>>(
        &mut self,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let Some(period) = self.spec.cooling.as_ref().map(|cooling| cooling.period) else { return Ok(()) };
        self.account_cooling(schedule.now())?;
        self.set_cooling(schedule);
        schedule.after(period, Event::CoolingStep);
        Ok(())
    }

    /// The scenario changes the supply or the most flow there is, now.
    pub(super) fn change_cooling<Q: EventQueue<Event>>(
        &mut self,
        supply: Option<f64>,
        most: Option<f64>,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        self.account_cooling(schedule.now())?;
        let coolant = &mut self.state.coolant;
        coolant.supply = supply.unwrap_or(coolant.supply);
        coolant.most = most.unwrap_or(coolant.most);
        self.set_cooling(schedule);
        Ok(())
    }

    /// Adds up what cooling cost since the last refresh; moves the loop and the control on.
    pub(super) fn account_cooling(&mut self, now: SimTime) -> Result<(), RunError> {
        let spec = std::sync::Arc::clone(&self.spec);
        let (Some(cooling), Some(thermal)) = (&spec.cooling, &spec.thermal) else { return Ok(()) };
        self.settle_all(now)?;
        let (devices, coolant) = (&mut self.state.devices, &mut self.state.coolant);
        let seconds = (now - coolant.refreshed_at).seconds();
        if seconds == 0.0 {
            return Ok(());
        }
        coolant.refreshed_at = now;
        for (gpu, watts) in coolant.heat.iter_mut().enumerate() {
            *watts = (devices.removed_joules[gpu] - coolant.removed_before[gpu]) / seconds;
        }
        coolant.removed_before.clone_from(&devices.removed_joules);
        let drawn = devices.joules.iter().sum::<f64>() + self.state.record.router_joules;
        let fans = cooling.fan_watts(thermal.flow(devices.flow())) * seconds;
        let other = cooling.other_power.get() * seconds;
        let heat = coolant.heat.iter().sum::<f64>() * seconds + fans + other;
        let energy = self.state.record.facility.get_or_insert_default();
        energy.fans += fans;
        energy.other += other;
        energy.distribution += cooling.distribution_loss * (drawn - coolant.drawn_before + fans + other);
        energy.chillers += cooling.cop.map_or(0.0, |cop| heat / cop);
        coolant.drawn_before = drawn;
        if let Some(water) = &cooling.coolant {
            coolant.supply = water.after(coolant.supply, heat / seconds, seconds);
        }
        if cooling.control.is_some() {
            let hottest = devices.temperature.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            coolant.setting = cooling.next_setting(coolant.setting, hottest);
        }
        Ok(())
    }

    /// Brings flow and inlet temperatures in line with supply, setting and the heat of the last period.
    fn set_cooling<Q: EventQueue<Event>>(&mut self, schedule: &mut Schedule<'_, Event, Q>) {
        let (Some(cooling), Some(thermal)) = (&self.spec.cooling, &self.spec.thermal) else { return };
        let (devices, coolant) = (&mut self.state.devices, &mut self.state.coolant);
        let flow = thermal.flow_index(cooling.settings[coolant.setting].min(coolant.most));
        if flow != devices.flow() {
            devices.set_flow(flow, thermal);
        }
        let energy = self.state.record.facility.get_or_insert_default();
        let inlets = &mut self.scratch.inlets;
        inlets.resize(coolant.heat.len(), 0.0);
        cooling.inlets_into(coolant.supply, thermal.flow(flow), &coolant.heat, inlets);
        for (gpu, &inlet) in inlets.iter().enumerate() {
            energy.inlet_step = energy.inlet_step.max((inlet - devices.inlet(gpu)).abs());
            devices.set_inlet(gpu, inlet, thermal);
        }
        for gpu in 0..self.spec.gpus {
            self.predict_crossing(GpuId(gpu), schedule);
        }
    }
}
