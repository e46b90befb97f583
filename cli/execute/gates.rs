//! The gates of a group's batches: each computed once for all of its runs, in the memory of gates that all runs have passed.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use isotherm_core::gate::{GateBatch, GateScratch};
use isotherm_core::id::BatchId;
use isotherm_core::workload::{Arrival, TokenStream};
use isotherm_core::world::{GateWindow, WorldSpec};
use rayon::prelude::*;

use super::{Ledger, Part, time};
use crate::fault::Fault;

thread_local! {
    /// What computing the gate of a batch needs, kept for the next one.
    static SCRATCH: RefCell<GateScratch> = RefCell::default();
}

/// Where the gates of one stream come from.
pub(super) struct Gates<'a> {
    pub(super) seed: u64,
    pub(super) streams: &'a [Box<dyn TokenStream>],
    pub(super) spec: &'a WorldSpec,
    pub(super) arrivals: &'a [Arrival],
    pub(super) ledger: Option<&'a Ledger>,
}

/// Gates that nobody needs any more, of all groups: never more than there have been at a time.
static USED: Mutex<Vec<GateBatch<'static>>> = Mutex::new(Vec::new());

/// The memory of a window that all runs have left is for the gates to come.
pub(super) fn retire(window: Arc<GateWindow>) {
    if let Ok(window) = Arc::try_unwrap(window) {
        let gates = window.into_gates().filter_map(|gate| Arc::try_unwrap(gate).ok());
        USED.lock().unwrap_or_else(PoisonError::into_inner).extend(gates);
    }
}

impl Gates<'_> {
    /// Computes the gates of the batches in `chunk`, each once.
    pub(super) fn window(&self, chunk: Range<usize>) -> Result<Arc<GateWindow>, Fault> {
        let batches: Result<Vec<_>, Fault> = chunk
            .into_par_iter()
            .map(|index| {
                let batch = BatchId(index as u32);
                let layers: Result<Vec<_>, Fault> =
                    self.streams.par_iter().map(|stream| self.gate(batch, stream.as_ref())).collect();
                Ok((batch, layers?))
            })
            .collect();
        Ok(Arc::new(GateWindow::of_layers(batches?)))
    }

    fn gate(&self, batch: BatchId, stream: &dyn TokenStream) -> Result<Arc<GateBatch<'static>>, Fault> {
        let memory = |scratch: &mut GateScratch| {
            if let Some(used) = USED.lock().unwrap_or_else(PoisonError::into_inner).pop() {
                scratch.reuse(used);
            }
            scratch.logits()
        };
        let mut logits = SCRATCH.with_borrow_mut(memory);
        let tokens = self.arrivals[batch.index()].tokens as usize;
        time(self.ledger, Part::Stream, || stream.logits_into(batch, tokens, &mut logits))
            .map_err(|error| Fault::Runs(format!("error: {batch} of seed {}: {error}", self.seed)))?;
        let (experts, top_k) = (self.spec.experts as usize, self.spec.top_k as usize);
        let gate = |scratch: &mut GateScratch| GateBatch::with_scratch(experts, top_k, logits, scratch);
        Ok(Arc::new(time(self.ledger, Part::Gate, || SCRATCH.with_borrow_mut(gate))))
    }
}
