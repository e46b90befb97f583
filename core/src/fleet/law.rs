//! One kind of GPU at one flow of its coolant, as the numbers of a step of fixed length.
//!
//! In its modes a network decays by fixed factors over a fixed interval, and constant heat adds a fixed gain: the exact solution of the
//! interval, not an approximation of it. Devices of one kind share all of these numbers.

use crate::thermal::LeakyModes;

/// A network with linear leakage over intervals of one length; see [`LeakyModes`].
#[derive(Clone, Debug, PartialEq)]
pub struct StepLaw {
    /// What is left of each mode after an interval.
    pub(super) decay: Vec<f64>,
    /// What a constant drive adds to each mode in an interval (s).
    gain: Vec<f64>,
    /// Drive of each mode per watt of everything but the memory.
    compute: Vec<f64>,
    /// Drive of each mode per watt of the memory.
    memory: Vec<f64>,
    /// Drive of each mode per degree of the inlet.
    inlet: Vec<f64>,
    /// Drive of each mode by what leaks at 0 degC.
    base: Vec<f64>,
    /// Temperature of the die per unit of each mode.
    pub(super) die: Vec<f64>,
    /// Temperature of the memory per unit of each mode.
    memory_node: Vec<f64>,
    rate: Vec<f64>,
    /// Heat stored per unit of each mode.
    stored: Vec<f64>,
    ambient_total: f64,
    /// What leaks at 0 degC (W), and how that grows with the temperature of the die (W/K).
    leaks: (f64, f64),
}

/// What went in and out of a GPU over a period (J), its inlet and its network being the same all the while.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeriodHeat {
    /// Electrical energy of leakage.
    pub leaked: f64,
    /// Growth of the heat stored in the GPU.
    pub stored: f64,
    /// Heat given to air or coolant.
    pub removed: f64,
}

/// What drove a GPU over a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Driven {
    /// Energy of everything but memory and leakage (J).
    pub compute_j: f64,
    /// Energy of the memory (J).
    pub memory_j: f64,
    /// Temperature of the inlet (degC).
    pub inlet: f64,
    /// Length of the period (s).
    pub seconds: f64,
}

impl StepLaw {
    /// The law of a network over intervals of `seconds`. The shares say at which nodes the watts of the memory and of everything else
    /// enter; the die is node 0.
    ///
    /// Leakage is that of the tangent, which the network holds: for the linear law all there is.
    #[must_use]
    pub fn new(network: &LeakyModes, shares: &[f64], memory_shares: &[f64], memory_node: usize, seconds: f64) -> Self {
        let modes = network.modes();
        let n = modes.modes();
        let zeros = vec![0.0; n];
        let stepped = |state: f64, drive: f64| {
            let mut state = vec![state; n];
            modes.settle(&mut state, &vec![drive; n], seconds);
            state
        };
        let mut base = zeros.clone();
        network.drive_into(&[], 0.0, &mut base);
        let reading = |node: usize| -> Vec<f64> {
            let unit = |mode: usize| (0..n).map(|i| if i == mode { 1.0 } else { 0.0 }).collect::<Vec<_>>();
            (0..n).map(|mode| modes.temperature(&unit(mode), node)).collect()
        };
        // 1 degC everywhere is what a degree stores; a die at 1 degC leaks a slope more than one at 0.
        let stored = modes.state(&vec![1.0; modes.nodes()]);
        let at_zero = network.leakage_power(&zeros);
        Self {
            decay: stepped(1.0, 0.0),
            gain: stepped(0.0, 1.0),
            compute: modes.drive(shares, 0.0),
            memory: modes.drive(memory_shares, 0.0),
            inlet: modes.drive(&[], 1.0),
            base,
            die: reading(0),
            memory_node: reading(memory_node),
            rate: modes.time_constants().map(f64::recip).collect(),
            leaks: (at_zero, network.leakage_power(&stored) - at_zero),
            stored,
            ambient_total: (0..modes.nodes()).map(|node| modes.ambient_conductance(node)).sum(),
        }
    }

    /// Number of modes.
    #[must_use]
    pub fn modes(&self) -> usize {
        self.decay.len()
    }

    /// The state in which everything is at one temperature (degC).
    pub(super) fn at_temperature(&self, celsius: f64) -> Vec<f64> {
        self.stored.iter().map(|of_one| of_one * celsius).collect()
    }

    /// What constant powers (W) and an inlet (degC) add to a mode in one interval.
    #[inline]
    pub(super) fn push(&self, mode: usize, compute_w: f64, memory_w: f64, inlet: f64) -> f64 {
        self.gain[mode]
            * (self.compute[mode] * compute_w
                + self.memory[mode] * memory_w
                + self.inlet[mode] * inlet
                + self.base[mode])
    }

    /// The steady state of a mode under constant powers (W) and an inlet (degC).
    pub(super) fn steady(&self, mode: usize, compute_w: f64, memory_w: f64, inlet: f64) -> f64 {
        self.push(mode, compute_w, memory_w, inlet) / (1.0 - self.decay[mode])
    }

    /// Temperature of the memory (degC) in a state.
    #[inline]
    pub(super) fn memory_temperature(&self, state: impl Iterator<Item = f64>) -> f64 {
        self.memory_node.iter().zip(state).map(|(weight, y)| weight * y).sum()
    }

    /// What leaks at a temperature of the die (W).
    #[inline]
    #[must_use]
    pub fn leakage_watts(&self, die: f64) -> f64 {
        self.leaks.0 + self.leaks.1 * die
    }

    /// Where the heat of a period went, from its ends: `states` gives each mode at the start and at the end.
    ///
    /// A mode obeys `dy/dt = u - rate y`, so its integral is what drove it less what it grew by, over its rate. That is exact however many
    /// intervals and powers the period had, and costs nothing while it lasts.
    #[must_use]
    pub fn heat(&self, driven: &Driven, states: impl Iterator<Item = (f64, f64)>) -> PeriodHeat {
        let Driven { compute_j, memory_j, inlet, seconds } = *driven;
        let mut heat = PeriodHeat::default();
        let (mut die_seconds, mut to_ambient) = (0.0, 0.0);
        for (i, (start, end)) in states.enumerate() {
            let input = self.compute[i] * compute_j
                + self.memory[i] * memory_j
                + (self.inlet[i] * inlet + self.base[i]) * seconds;
            let integral = (input - (end - start)) / self.rate[i];
            die_seconds += self.die[i] * integral;
            // What a degree of the inlet drives is also what the mode gives away.
            to_ambient += self.inlet[i] * integral;
            heat.stored += self.stored[i] * (end - start);
        }
        heat.leaked = self.leaks.0 * seconds + self.leaks.1 * die_seconds;
        heat.removed = to_ambient - self.ambient_total * inlet * seconds;
        heat
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::thermal::{LeakScratch, Leakage, LeakageLaw, RcNetwork};

    pub(crate) fn network() -> LeakyModes {
        let links = [(0, 2, 28.0), (1, 2, 12.0), (2, 3, 133.0)];
        let network = RcNetwork::new(&[5.0, 6.1, 247.0, 4756.0], &links, &[0.0, 0.0, 0.0, 195.0]).unwrap();
        let leakage = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.015, design: 41.0 };
        LeakyModes::new(&network, &[leakage], LeakageLaw::Linear).unwrap()
    }

    /// Twenty intervals of other powers against the event core's own solution of each.
    #[test]
    fn steps_and_the_heat_of_their_ends_are_those_of_the_event_core() {
        let network = network();
        let (shares, memory) = ([0.98, 0.02, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]);
        let law = StepLaw::new(&network, &shares, &memory, 1, 0.1);
        let mut state = network.modes().state(&[30.0; 4]);
        let start = state.clone();
        let mut expected = state.clone();
        let mut scratch = LeakScratch::new(&network);
        let (mut driven, mut flow) = (Driven { inlet: 27.0, ..Driven::default() }, PeriodHeat::default());
        for step in 0..20 {
            let (compute_w, memory_w) = (200.0 + 31.0 * f64::from(step % 7), 40.0 + f64::from(step));
            for (i, y) in state.iter_mut().enumerate() {
                *y = law.decay[i] * *y + law.push(i, compute_w, memory_w, 27.0);
            }
            let per_node: Vec<f64> = (0..4).map(|i| shares[i] * compute_w + memory[i] * memory_w).collect();
            let mut drive = vec![0.0; 4];
            network.drive_into(&per_node, 27.0, &mut drive);
            let heat = network.advance(&mut expected, &drive, 27.0, 0.1, &mut scratch).unwrap();
            flow.leaked += heat.leaked;
            flow.stored += heat.stored;
            flow.removed += heat.removed;
            driven.compute_j += 0.1 * compute_w;
            driven.memory_j += 0.1 * memory_w;
            driven.seconds += 0.1;
        }
        let die = |state: &[f64]| network.modes().temperature(state, 0);
        assert!((die(&state) - die(&expected)).abs() < 1e-11);
        let memory_degc = law.memory_temperature(state.iter().copied());
        assert!((memory_degc - network.modes().temperature(&state, 1)).abs() < 1e-11);
        assert!((law.leakage_watts(die(&state)) - network.leakage_power(&state)).abs() < 1e-11);
        let heat = law.heat(&driven, start.into_iter().zip(state));
        for (found, expected) in [(heat.leaked, flow.leaked), (heat.stored, flow.stored), (heat.removed, flow.removed)]
        {
            assert!((found - expected).abs() < 1e-10 * flow.leaked, "{found} and {expected}");
        }
        let entered = driven.compute_j + driven.memory_j + heat.leaked;
        assert!((entered - heat.stored - heat.removed).abs() < 1e-12 * entered);
    }

    #[test]
    fn a_steady_state_stays() {
        let law = StepLaw::new(&network(), &[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0], 1, 0.1);
        for mode in 0..4 {
            let y = law.steady(mode, 300.0, 50.0, 25.0);
            assert!((law.decay[mode] * y + law.push(mode, 300.0, 50.0, 25.0) - y).abs() < 1e-9 * y.abs().max(1.0));
        }
    }
}
