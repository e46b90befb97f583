//! What takes the heat of a fleet away: air through every node, from front to rear; a supply per row, warmed by a loop and by the row's own exhaust.
//!
//! `[hardware.cooling]` describes a node, as in a run of one node: its streams, fans and their control. In a fleet its `coolant` is the loop of a
//! row, and all nodes of a row share the supply. Of the air that a node takes in, `recirculation` is exhaust of its row:
//!
//! ```text
//! T_in = (1 - r) T_supply + r (T_in + Q_row / C_row)   so   T_in = T_supply + r / (1 - r) Q_row / C_row
//! ```
//!
//! with the heat of the row in the last period and the heat capacity of all of its streams at their flow. The air of a row mixes: this rise is
//! followed with a time constant of [`MIXING_S`]. Without it exhaust would be taken in a period later at once, and where the flow is low a row
//! would swing from period to period. Within a node the stream warms from GPU to GPU ([`Cooling::inlets`]).

use super::layout::Layout;
use crate::hardware::Cooling;
use crate::record::FacilityEnergy;

/// Time in which the air of a row mixes (s). A guess: an aisle holds what its fans move in some seconds.
const MIXING_S: f64 = 10.0;

/// State of the cooling of a fleet.
#[derive(Clone, Debug)]
pub(super) struct Coolant {
    /// Temperature supplied to each row (degC).
    pub(super) supply: Vec<f64>,
    /// The most flow there is in each row.
    pub(super) most: Vec<f64>,
    /// Setting that the control of each node has chosen.
    setting: Vec<usize>,
    /// What the nodes of each row take in above the supply (K): their own exhaust.
    rise: Vec<f64>,
    /// Heat that each GPU gave off in the last period (W).
    pub(super) heat: Vec<f64>,
    scratch: Scratch,
}

/// Sums over the nodes of each row, of one period: heat (W) and heat capacity of the air (W/K).
#[derive(Clone, Debug)]
struct Scratch {
    heat: Vec<f64>,
    capacity: Vec<f64>,
}

impl Coolant {
    /// All rows at `supply` (degC), all fans at their last setting.
    pub(super) fn new(layout: &Layout, supply: f64, cooling: Option<&Cooling>) -> Self {
        let last = cooling.map_or(0, |cooling| cooling.settings.len() - 1);
        Self {
            supply: vec![supply; layout.rows],
            most: vec![1.0; layout.rows],
            setting: vec![last; layout.nodes()],
            rise: vec![0.0; layout.rows],
            heat: vec![0.0; layout.gpus()],
            scratch: Scratch { heat: vec![0.0; layout.rows], capacity: vec![0.0; layout.rows] },
        }
    }

    /// The flow through a node, as a part of the full flow.
    pub(super) fn flow(&self, node: usize, layout: &Layout, cooling: &Cooling) -> f64 {
        cooling.settings[self.setting[node]].min(self.most[layout.row_of_node(node)])
    }

    /// Closes a period of `seconds` in which nodes had `flows`: energy of fans and chillers, loops, and the control of the fans by the
    /// hottest die of each node.
    pub(super) fn close(
        &mut self,
        seconds: f64,
        flows: &[f64],
        (layout, cooling): (&Layout, &Cooling),
        hottest: impl Fn(usize) -> f64,
        energy: &mut FacilityEnergy,
    ) {
        let other = cooling.other_power.get();
        let rows = &mut self.scratch.heat;
        rows.fill(0.0);
        for (node, flow) in flows.iter().enumerate() {
            let fans = cooling.fan_watts(*flow);
            energy.fans += fans * seconds;
            energy.other += other * seconds;
            let gpus = self.heat[layout.node(node)].iter().sum::<f64>();
            rows[layout.row_of_node(node)] += gpus + fans + other;
            if cooling.control.is_some() {
                self.setting[node] = cooling.next_setting(self.setting[node], hottest(node));
            }
        }
        for (supply, heat) in self.supply.iter_mut().zip(rows.iter()) {
            energy.chillers += cooling.cop.map_or(0.0, |cop| heat * seconds / cop);
            if let Some(water) = &cooling.coolant {
                *supply = water.after(*supply, *heat, seconds);
            }
        }
    }

    /// Temperature of the inlet of every GPU (degC) for the flows of the nodes.
    pub(super) fn inlets(&self, flows: &[f64], layout: &Layout, cooling: &Cooling, inlets: &mut [f64]) {
        for (node, flow) in flows.iter().enumerate() {
            let (row, gpus) = (layout.row_of_node(node), layout.node(node));
            let supply = self.supply[row] + self.rise[row];
            cooling.inlets_into(supply, *flow, &self.heat[gpus.clone()], &mut inlets[gpus]);
        }
    }

    /// The air of each row mixes for `seconds` with its own exhaust, of which a part of `recirculation` is taken in again.
    pub(super) fn mix(
        &mut self,
        seconds: f64,
        flows: &[f64],
        (layout, cooling): (&Layout, &Cooling),
        recirculation: f64,
    ) {
        let Some(rate) = cooling.stream_w_per_k.filter(|_| recirculation > 0.0) else { return };
        // A GPU that is in no stream of several has one of its own.
        let streams = cooling.streams.len() + layout.gpus_of_node - cooling.streams.iter().flatten().count();
        let Scratch { heat, capacity } = &mut self.scratch;
        heat.fill(0.0);
        capacity.fill(0.0);
        for (node, flow) in flows.iter().enumerate() {
            let row = layout.row_of_node(node);
            heat[row] += self.heat[layout.node(node)].iter().sum::<f64>();
            capacity[row] += streams as f64 * rate * flow;
        }
        let part = 1.0 - libm::exp(-seconds / MIXING_S);
        for (row, rise) in self.rise.iter_mut().enumerate().filter(|(row, _)| capacity[*row] > 0.0) {
            let target = recirculation / (1.0 - recirculation) * heat[row] / capacity[row];
            *rise += part * (target - *rise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::CoolantLoop;
    use crate::units::Celsius;

    const LAYOUT: Layout = Layout { groups: 1, gpus_of_group: 8, gpus_of_node: 2, nodes_of_rack: 1, rows: 2 };

    fn cooling() -> Cooling {
        Cooling { streams: vec![vec![0, 1]], stream_w_per_k: Some(50.0), ..Cooling::default() }
    }

    #[test]
    fn a_stream_warms_from_gpu_to_gpu_and_a_row_by_its_own_exhaust() {
        let (cooling, mut coolant) = (cooling(), Coolant::new(&LAYOUT, 20.0, None));
        coolant.heat = vec![500.0, 100.0, 500.0, 100.0, 0.0, 0.0, 0.0, 0.0];
        coolant.supply[1] = 25.0;
        let inlets = |coolant: &Coolant, flow: f64| {
            let mut inlets = [0.0; 8];
            coolant.inlets(&[flow; 4], &LAYOUT, &cooling, &mut inlets);
            inlets
        };
        assert_eq!(inlets(&coolant, 1.0), [20.0, 30.0, 20.0, 30.0, 25.0, 25.0, 25.0, 25.0]);
        // 1200 W in two streams of 50 W/K are 12 K; with a fifth of it taken in again, a quarter of that.
        coolant.mix(f64::INFINITY, &[1.0; 4], (&LAYOUT, &cooling), 0.2);
        assert_eq!(inlets(&coolant, 1.0)[..4], [23.0, 33.0, 23.0, 33.0]);
        assert_eq!(inlets(&coolant, 1.0)[4..], [25.0; 4]);
        // Half the flow warms twice as much.
        assert_eq!(inlets(&coolant, 0.5)[1], 43.0);
        // The aisle cools as slowly as it warms.
        coolant.heat.fill(0.0);
        coolant.mix(MIXING_S, &[1.0; 4], (&LAYOUT, &cooling), 0.2);
        assert!((coolant.rise[0] - 3.0 * (-1.0_f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn a_loop_takes_the_heat_of_its_row_alone() {
        let loop_of_row =
            CoolantLoop { capacity_j_per_k: 1000.0, exchanger_w_per_k: 100.0, facility: Celsius::new(20.0) };
        let cooling = Cooling { coolant: Some(loop_of_row.clone()), cop: Some(4.0), ..cooling() };
        let mut coolant = Coolant::new(&LAYOUT, 20.0, Some(&cooling));
        coolant.heat[..4].fill(250.0);
        let mut energy = FacilityEnergy::default();
        coolant.close(10.0, &[1.0; 4], (&LAYOUT, &cooling), |_| 50.0, &mut energy);
        assert_eq!(coolant.supply, [loop_of_row.after(20.0, 1000.0, 10.0), 20.0]);
        assert_eq!((energy.chillers, energy.fans), (2500.0, 0.0));
    }
}
