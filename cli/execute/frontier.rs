//! The frontier that the runs of a group share, where the batch alone decides what an assignment costs.

use std::ops::Range;

use isotherm_core::frontier::{Frontier, Sweep};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::record::RunRecord;
use isotherm_core::scenario::Scenario;
use isotherm_core::world::{BatchCosts, FrontierScope, GateWindow};
use rayon::prelude::*;

use super::{Ledger, Part, time};

/// Logits that one thread takes through at a time. Sums of such pieces are added in their order, whatever the threads.
const PIECE: usize = 1 << 16;

/// Costs and sums of a frontier under way.
pub(super) struct Shared {
    costs: BatchCosts,
    sum: Frontier,
}

/// Prepares the frontier of a group whose runs are `known` in part. A run that was kept without the frontier it should have is
/// forgotten, and frontiers that are not asked for are taken off: a continued comparison ends with the same bytes.
///
/// `Some` where the group still has to work one out.
pub(super) fn prepare(scenario: &Scenario, baseline: Option<usize>, known: &mut [Option<RunRecord>]) -> Option<Shared> {
    match FrontierScope::of_scenario(scenario) {
        FrontierScope::None => {
            known.iter_mut().flatten().for_each(|record| record.frontier = None);
            None
        }
        FrontierScope::Oracle => {
            for known in known {
                *known = known.take().filter(|record| record.frontier.is_some());
            }
            None
        }
        FrontierScope::Shared(costs) => {
            let has_one = known.get(baseline?)?.as_ref().is_some_and(|record| record.frontier.is_some());
            (!has_one).then(|| Shared { sum: costs.frontier(), costs })
        }
    }
}

impl Shared {
    /// Adds the batches of `chunk`, which are in the window.
    pub(super) fn add(&mut self, window: &GateWindow, chunk: Range<usize>, ledger: Option<&Ledger>) {
        let mut pieces: Vec<Vec<BatchId>> = vec![Vec::new()];
        let mut logits = 0;
        for batch in chunk.map(|index| BatchId(index as u32)) {
            if logits >= PIECE {
                pieces.push(Vec::new());
                logits = 0;
            }
            if let Some(piece) = pieces.last_mut() {
                piece.push(batch);
            }
            logits += layers(window, batch).map(|gate| gate.logits().len()).sum::<usize>();
        }
        // Each piece is timed and not all of them: a thread that waits for the others may do something else meanwhile.
        let sum = |piece: Vec<BatchId>| time(ledger, Part::Frontier, || self.piece(window, &piece));
        let sums: Vec<Frontier> = pieces.into_par_iter().map(sum).collect();
        sums.iter().for_each(|sum| self.sum.merge(sum));
    }

    fn piece(&self, window: &GateWindow, batches: &[BatchId]) -> Frontier {
        let (mut sum, mut sweep) = (self.sum.empty_like(), Sweep::default());
        for batch in batches {
            layers(window, *batch).for_each(|gate| sweep.add(gate, self.costs.at(*batch), &mut sum));
        }
        sum
    }

    /// The frontier of all batches added.
    pub(super) fn finish(self) -> Frontier {
        self.sum
    }
}

/// The gates of a batch, layer after layer.
fn layers(window: &GateWindow, batch: BatchId) -> impl Iterator<Item = &GateBatch<'static>> {
    (0..).map_while(move |layer| window.get(batch, layer)).map(AsRef::as_ref)
}
