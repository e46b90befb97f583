//! What crosses between GPUs, and what that takes: over NVLink within a node, over the network between nodes.

use serde::{Deserialize, Serialize};

use crate::hardware::{Fabric, Interconnect};

/// What leaves and enters one GPU, one way: within its node, and from or to other nodes. In assignments, or in experts that move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Leaves for GPUs of the same node.
    pub out_near: f64,
    /// Leaves for other nodes.
    pub out_far: f64,
    /// Comes from GPUs of the same node.
    pub in_near: f64,
    /// Comes from other nodes.
    pub in_far: f64,
}

impl Flow {
    /// Adds what leaves.
    pub fn add_out(&mut self, near: bool, number: f64) {
        *(if near { &mut self.out_near } else { &mut self.out_far }) += number;
    }

    /// Adds what enters.
    pub fn add_in(&mut self, near: bool, number: f64) {
        *(if near { &mut self.in_near } else { &mut self.in_far }) += number;
    }
}

/// What an exchange takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// Time (s).
    pub seconds: f64,
    /// Energy at each GPU (J).
    pub joules: Vec<f64>,
}

/// The ways between GPUs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ways {
    near: Fabric,
    far: Fabric,
    /// Whether all GPUs are in one node.
    one_node: bool,
}

impl Ways {
    pub(super) fn of(interconnect: &Interconnect, one_node: bool) -> Self {
        Self { near: *interconnect.between(true), far: *interconnect.between(false), one_node }
    }

    /// Time of an exchange (s): the busiest port of each fabric decides, and both fabrics run side by side. `part` says what of a GPU's
    /// outgoing and incoming number goes out and in.
    ///
    /// The fabric that reaches all GPUs has its latency even where nothing crosses it: its kernels are launched.
    pub(super) fn seconds(&self, flows: &[Flow], bytes: f64, part: impl Fn(f64, f64) -> (f64, f64)) -> f64 {
        let busiest = |of: fn(&Flow) -> (f64, f64)| {
            (flows.iter().map(of).map(|(out, into)| part(out, into)))
                .map(|(out, into)| out.max(into))
                .fold(0.0, f64::max)
        };
        let time = |fabric: &Fabric, busiest: f64, reaches_all: bool| {
            if busiest > 0.0 || reaches_all { fabric.all_to_all_seconds(bytes * busiest, 0.0) } else { 0.0 }
        };
        let near = time(&self.near, busiest(|flow| (flow.out_near, flow.in_near)), self.one_node);
        let far = time(&self.far, busiest(|flow| (flow.out_far, flow.in_far)), !self.one_node);
        near.max(far)
    }

    /// Energy at a GPU of what leaves and enters it (J).
    pub(super) fn joules(&self, flow: &Flow, bytes: f64) -> f64 {
        self.near.joules(bytes * (flow.out_near + flow.in_near)) + self.far.joules(bytes * (flow.out_far + flow.in_far))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interconnect() -> Interconnect {
        Interconnect {
            nvlink: Fabric { latency_s: 13e-6, bytes_per_s: 268e9, joules_per_byte: 3.2e-10 },
            network: Some(Fabric { latency_s: 30e-6, bytes_per_s: 45e9, joules_per_byte: 4.5e-10 }),
            waiting_w: 40.0,
        }
    }

    /// Uniform traffic of T tokens at k experts over G GPUs of a node: every GPU sends and gets T k / G (1 - 1/G), in closed form.
    #[test]
    fn uniform_traffic_within_a_node_takes_what_the_closed_form_says() {
        let (gpus, assignments, bytes) = (8, 2048.0 * 2.0, 8192.0);
        let crossing = assignments / gpus as f64 * (1.0 - 1.0 / gpus as f64);
        let flows = vec![Flow { out_near: crossing, in_near: crossing, ..Flow::default() }; gpus];
        let ways = Ways::of(&interconnect(), true);
        let seconds = ways.seconds(&flows, bytes, |out, into| (out, into));
        assert!((seconds / (13e-6 + bytes * crossing / 268e9) - 1.0).abs() < 1e-14);
        assert!((ways.joules(&flows[0], bytes) / (3.2e-10 * bytes * 2.0 * crossing) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn both_fabrics_run_side_by_side_and_the_busiest_port_decides() {
        let ways = Ways::of(&interconnect(), false);
        let flow = |out_near, in_far| Flow { out_near, in_far, ..Flow::default() };
        let seconds = |flows: &[Flow]| ways.seconds(flows, 1e6, |out, into| (out, into));
        assert_eq!(seconds(&[flow(0.0, 9.0), flow(1.0, 4.0)]), 30e-6 + 9e6 / 45e9);
        assert_eq!(seconds(&[flow(500.0, 9.0)]), 13e-6 + 500e6 / 268e9);
        assert_eq!(seconds(&[flow(0.0, 0.0)]), 30e-6, "an exchange of nothing is launched all the same");
    }
}
