//! What a controller has measured of loads and GPUs since it last placed experts.

use serde::{Deserialize, Serialize};

/// Weight of the newest share in the running mean of a GPU's speed: the last eight or so decide.
const NEWEST: f64 = 0.125;

/// Loads of experts and pace of GPUs; empty where nobody asks for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Assignments per layer and expert since the last placement.
    loads: Vec<Vec<f64>>,
    /// Batches since then.
    pub(super) batches: u32,
    /// What each GPU has done since then: time that its shares take at the highest clock (s), time that they took (s), energy that
    /// they take at the highest clock without leakage (J), energy that was drawn (J).
    shares: Vec<[f64; 4]>,
    /// Running mean of each GPU's speed relative to its highest clock.
    speeds: Vec<f64>,
}

/// One share of a GPU: what it should have taken at the highest clock, and what it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) nominal_s: f64,
    pub(super) seconds: f64,
    pub(super) nominal_joules: f64,
    pub(super) joules: f64,
}

impl Measured {
    pub(super) fn new(layers: usize, experts: usize, gpus: usize) -> Self {
        Self {
            loads: vec![vec![0.0; experts]; layers],
            batches: 0,
            shares: vec![[0.0; 4]; gpus],
            speeds: vec![1.0; gpus],
        }
    }

    /// Layers, experts and GPUs.
    pub(super) fn sizes(&self) -> [usize; 4] {
        [self.loads.len(), self.loads.iter().map(Vec::len).sum(), self.shares.len(), self.speeds.len()]
    }

    /// A batch has passed a layer.
    pub(super) fn add_loads(&mut self, layer: u32, assignments: &[u32]) {
        if let Some(loads) = self.loads.get_mut(layer as usize) {
            loads.iter_mut().zip(assignments).for_each(|(sum, n)| *sum += f64::from(*n));
        }
    }

    /// A GPU has done a share.
    pub(super) fn add_share(&mut self, gpu: usize, share: Share) {
        if share.nominal_s > 0.0 && share.seconds > 0.0 {
            let (Some(sums), Some(speed)) = (self.shares.get_mut(gpu), self.speeds.get_mut(gpu)) else { return };
            let parts = [share.nominal_s, share.seconds, share.nominal_joules, share.joules];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            *speed += NEWEST * (share.nominal_s / share.seconds - *speed);
        }
    }

    /// Assignments per expert of a layer since the last placement.
    pub(super) fn loads(&self, layer: usize) -> &[f64] {
        &self.loads[layer]
    }

    /// Running mean of each GPU's speed.
    pub(super) fn running_speeds(&self) -> &[f64] {
        &self.speeds
    }

    /// Work per second of each GPU since the last placement, relative to the mean of those that have worked; 1 where one has not.
    pub(super) fn speeds(&self) -> Vec<f64> {
        self.relative(|[nominal_s, seconds, ..]| nominal_s / seconds)
    }

    /// Energy per work of each GPU since then, in the same way.
    pub(super) fn joules(&self) -> Vec<f64> {
        self.relative(|[.., nominal_joules, joules]| joules / nominal_joules)
    }

    fn relative(&self, of: impl Fn([f64; 4]) -> f64) -> Vec<f64> {
        let each: Vec<f64> = self.shares.iter().map(|sums| of(*sums)).collect();
        let sound = |value: &&f64| value.is_finite() && **value > 0.0;
        let (sum, number) = each.iter().filter(sound).fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        each.iter().map(|value| if sound(&value) { value / (sum / number) } else { 1.0 }).collect()
    }

    /// Experts have been placed: what is measured from now on counts for the next time.
    pub(super) fn start_again(&mut self) {
        self.batches = 0;
        self.loads.iter_mut().for_each(|loads| loads.fill(0.0));
        self.shares.fill([0.0; 4]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_relative_to_the_mean_of_the_gpus_that_have_worked() {
        let mut measured = Measured::new(1, 2, 3);
        let share = |seconds, joules| Share { nominal_s: 1.0, seconds, nominal_joules: 10.0, joules };
        measured.add_share(0, share(1.0, 10.0));
        measured.add_share(2, share(2.0, 30.0));
        assert_eq!(measured.speeds(), [1.0 / 0.75, 1.0, 0.5 / 0.75]);
        assert_eq!(measured.joules(), [0.5, 1.0, 1.5]);
        assert_eq!(measured.running_speeds(), [1.0, 1.0, 1.0 - NEWEST * 0.5]);
        measured.start_again();
        assert_eq!(measured.speeds(), [1.0; 3]);
    }
}
