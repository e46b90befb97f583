//! `acme/round-robin-hot`: the busiest experts go to the coolest GPUs, dealt like cards.
//!
//! Experts by falling load, GPUs by rising temperature; the deal runs to and fro (0 1 2 2 1 0 0 1 2 ...), so that whoever got the busiest of one round gets
//! the idlest of the next. Loads come out about even, and the coolest GPU gets what is left of the difference. At the start, when nothing is
//! known, expert e goes to GPU e mod G.
//!
//! ```text
//! [placement]
//! kind = "acme/round-robin-hot"
//! every_batches = 50
//! ```

use isotherm_plugin::prelude::*;

/// Deals the busiest experts to the coolest GPUs, and deals again every so many batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundRobinHot {
    /// Batches between two deals; 0 for one at the start only.
    #[serde(default = "RoundRobinHot::default_every_batches")]
    pub every_batches: u32,
}

impl RoundRobinHot {
    const fn default_every_batches() -> u32 {
        50
    }
}

impl PlacementPolicy for RoundRobinHot {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let gpus = coolest_first(context);
        if gpus.is_empty() {
            return Err(PlacementError::Unusable(format!("all of the {} GPUs are lost", context.gpus)));
        }
        let mut homes = vec![GpuId(0); context.experts];
        for (place, expert) in busiest_first(context).into_iter().enumerate() {
            let (round, place) = (place / gpus.len(), place % gpus.len());
            let back = !context.loads.is_empty() && round % 2 == 1;
            homes[expert] = gpus[if back { gpus.len() - 1 - place } else { place }];
        }
        Ok(Placement::single(homes))
    }

    fn rebalance(&self) -> Option<Rebalance> {
        (self.every_batches > 0).then_some(Rebalance { every_batches: self.every_batches })
    }
}

/// GPUs that are not lost, by rising temperature; those that have not been read last, and equals by number.
fn coolest_first(context: &PlacementContext<'_>) -> Vec<GpuId> {
    let degc = |gpu: &GpuId| {
        let sample = context.samples.get(gpu.index());
        sample.and_then(|sample| sample.temperature).map_or(f64::INFINITY, Celsius::get)
    };
    let mut gpus: Vec<GpuId> = (0..context.gpus as u32).map(GpuId).filter(|gpu| !context.lost.contains(gpu)).collect();
    gpus.sort_by(|a, b| degc(a).total_cmp(&degc(b)));
    gpus
}

/// Experts by falling load, equals by number.
fn busiest_first(context: &PlacementContext<'_>) -> Vec<usize> {
    let load = |expert: &usize| context.loads.get(*expert).copied().unwrap_or(0.0);
    let mut experts: Vec<usize> = (0..context.experts).collect();
    experts.sort_by(|a, b| load(b).total_cmp(&load(a)));
    experts
}

export_placement!(RoundRobinHot = "acme/round-robin-hot");

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: RoundRobinHot = RoundRobinHot { every_batches: 50 };

    fn homes(placement: &Placement) -> Vec<u32> {
        placement.iter().map(|(_, gpu)| gpu.0).collect()
    }

    fn read(degc: f64) -> Sample {
        Sample { temperature: Some(Celsius::new(degc)), ..Sample::default() }
    }

    #[test]
    fn knows_nothing_at_the_start() {
        let placement = OPTIONS.place(&PlacementContext::at_start(5, 2)).unwrap();
        assert_eq!(homes(&placement), [0, 1, 0, 1, 0]);
    }

    #[test]
    fn the_busiest_expert_goes_to_the_coolest_gpu() {
        let start = OPTIONS.place(&PlacementContext::at_start(6, 3)).unwrap();
        let samples = [read(70.0), read(50.0), read(60.0)];
        let loads = [1.0, 9.0, 3.0, 5.0, 7.0, 2.0];
        let context = PlacementContext::at_start(6, 3).measured(&loads, &[1.0; 3], &samples, &start, &[]);
        // By load: 1, 4, 3, 2, 5, 0. By temperature: 1, 2, 0, and back.
        assert_eq!(homes(&OPTIONS.place(&context).unwrap()), [1, 1, 0, 0, 2, 2]);
    }

    #[test]
    fn a_lost_gpu_gets_nothing() {
        let start = OPTIONS.place(&PlacementContext::at_start(4, 2)).unwrap();
        let samples = [read(50.0), read(60.0)];
        let context = PlacementContext::at_start(4, 2).measured(&[1.0; 4], &[1.0; 2], &samples, &start, &[GpuId(0)]);
        assert_eq!(homes(&OPTIONS.place(&context).unwrap()), [1; 4]);
        let none = context.measured(&[1.0; 4], &[1.0; 2], &samples, &start, &[GpuId(0), GpuId(1)]);
        assert!(OPTIONS.place(&none).is_err());
    }

    #[test]
    fn deals_again_unless_told_not_to() {
        assert_eq!(OPTIONS.rebalance(), Some(Rebalance { every_batches: 50 }));
        assert_eq!(RoundRobinHot { every_batches: 0 }.rebalance(), None);
    }
}
