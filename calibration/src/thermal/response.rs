//! What a network answers to inputs that are constant between instants: exact, mode by mode.

use isotherm_core::thermal::{Modes, RcNetwork};

/// A diagonalised network, with the weights of every mode at the nodes that have a sensor.
pub(super) struct Response {
    modes: Modes,
    rates: Vec<f64>,
    /// Per sensor: the mode's share in the temperature of the sensor's node.
    sensors: Vec<Vec<f64>>,
}

/// One input of a network.
pub(super) enum Input<'a> {
    /// Heat (W) into each node: per source the shares of the nodes and the heat in each interval, and before the first one.
    Heat(&'a [(&'a [f64], &'a [f64], f64)]),
    /// Ambient temperature (degC) in each interval, and before the first one.
    Ambient(&'a [f64], f64),
    /// One kelvin in every node at the start.
    Start,
}

impl Response {
    /// `sensors` are the nodes that are read.
    pub(super) fn new(network: &RcNetwork, sensors: &[usize]) -> Self {
        let modes = Modes::of(network);
        let rates: Vec<f64> = modes.time_constants().map(|tau| 1.0 / tau).collect();
        let unit = |mode: usize| {
            let mut state = vec![0.0; rates.len()];
            state[mode] = 1.0;
            state
        };
        let sensors = sensors
            .iter()
            .map(|node| (0..rates.len()).map(|mode| modes.temperature(&unit(mode), *node)).collect())
            .collect();
        Self { modes, rates, sensors }
    }

    /// Temperature (degC, or K per unit of the input) of each sensor at each instant, for each input alone. All but
    /// [`Input::Start`] begin in the steady state of the value before the first interval.
    pub(super) fn to(&self, steps: &[f64], inputs: &[Input<'_>]) -> Vec<Vec<Vec<f64>>> {
        let instants = steps.len() + 1;
        let mut answers = vec![vec![vec![0.0; instants]; self.sensors.len()]; inputs.len()];
        for (mode, rate) in self.rates.iter().enumerate() {
            // A mode that keeps its heat has no steady state; a network with a way out has none of them.
            let rate = rate.max(1e-9);
            let decays: Vec<f64> = steps.iter().map(|dt| libm::exp(-rate * dt)).collect();
            for (input, answer) in inputs.iter().zip(&mut answers) {
                let (goals, mut state) = self.goals(mode, rate, input, steps.len());
                for (sensor, out) in self.sensors.iter().zip(answer.iter_mut()) {
                    out[0] += sensor[mode] * state;
                }
                for (k, (decay, goal)) in decays.iter().zip(&goals).enumerate() {
                    state = goal + (state - goal) * decay;
                    for (sensor, out) in self.sensors.iter().zip(answer.iter_mut()) {
                        out[k + 1] += sensor[mode] * state;
                    }
                }
            }
        }
        answers
    }

    /// The steady states a mode strives for in each interval, and the state it begins in.
    fn goals(&self, mode: usize, rate: f64, input: &Input<'_>, intervals: usize) -> (Vec<f64>, f64) {
        let nodes = self.rates.len();
        let mut goals = vec![0.0; intervals];
        let mut start = 0.0;
        match input {
            Input::Heat(sources) => {
                for (shares, watts, before) in *sources {
                    let weight = self.modes.drive(shares, 0.0)[mode] / rate;
                    goals.iter_mut().zip(*watts).for_each(|(goal, watts)| *goal += weight * watts);
                    start += weight * before;
                }
            }
            Input::Ambient(celsius, before) => {
                let weight = self.modes.drive(&vec![0.0; nodes], 1.0)[mode] / rate;
                goals.iter_mut().zip(*celsius).for_each(|(goal, celsius)| *goal += weight * celsius);
                start = weight * before;
            }
            Input::Start => start = self.modes.state(&vec![1.0; nodes])[mode],
        }
        (goals, start)
    }

    /// Time constants of the modes, rising (s).
    pub(super) fn time_constants(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.modes.time_constants().collect();
        all.sort_by(f64::total_cmp);
        all
    }
}
