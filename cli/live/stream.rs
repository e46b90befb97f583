//! The scenario's batches, one after the other for as long as they are asked for, with their gates computed ahead.
//!
//! A scenario says how many batches there are; a live run says how long it lasts. Streams are functions of the batch's number, so
//! they simply go on; the sizes of the batches repeat.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::workload::{Arrival, TokenStream};

use crate::execute;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Batches that are computed ahead of the one that is asked for.
const AHEAD: usize = 4;

/// The gates of a batch, one a layer.
pub type Gates = Vec<GateBatch<'static>>;

/// The batches of one world.
#[derive(Clone)]
pub struct Stream {
    streams: Arc<Vec<Box<dyn TokenStream>>>,
    arrivals: Arc<[Arrival]>,
    experts: usize,
    top_k: usize,
}

impl Stream {
    /// The stream of a world with the scenario's first seed.
    ///
    /// # Errors
    /// [`Fault`] for a data file, or batches that come by the clock: a live run is a closed loop.
    pub fn of(file: &ScenarioFile, world: usize) -> Result<Self, Fault> {
        let scenario = &file.plan.worlds[world].scenario;
        let arrivals = execute::arrivals(file, world, scenario.seed)?;
        if arrivals.iter().any(|batch| batch.at.is_some()) {
            return Err(Fault::Scenario(
                "error: arrivals: a live run takes the next batch when the one before is done, and these come by the clock\n  = help: use `kind = \"closed-loop\"`".to_owned(),
            ));
        }
        let streams = Arc::new(execute::streams(file, world, scenario.seed, &arrivals)?);
        let (experts, top_k) = (scenario.model.experts as usize, scenario.model.top_k as usize);
        Ok(Self { streams, arrivals, experts, top_k })
    }

    /// The batches a simulation needs to do what a live run of `batches` batches did.
    #[must_use]
    pub fn arrivals(&self, batches: u32) -> Arc<[Arrival]> {
        (0..batches).map(|batch| Arrival { at: None, tokens: self.tokens(batch) as u32 }).collect()
    }

    /// Tokens of a batch.
    #[must_use]
    pub fn tokens(&self, batch: u32) -> usize {
        self.arrivals[batch as usize % self.arrivals.len()].tokens as usize
    }

    /// The gates of a batch.
    ///
    /// # Errors
    /// [`Fault::Runs`] if the numeric library fails.
    pub fn gates(&self, batch: u32) -> Result<Gates, Fault> {
        let gate = |stream: &dyn TokenStream| {
            let logits = stream
                .logits(BatchId(batch), self.tokens(batch))
                .map_err(|error| Fault::Runs(format!("error: batch {batch}: {error}")))?;
            Ok(GateBatch::from_logits(self.experts, self.top_k, logits))
        };
        self.streams.iter().map(|stream| gate(&**stream)).collect()
    }

    /// All batches from 0 on, computed in a thread of their own so that GPUs do not wait for them. It ends when the receiver is dropped.
    #[must_use]
    pub fn ahead(&self) -> Receiver<Result<Gates, Fault>> {
        let (sender, receiver) = sync_channel(AHEAD);
        let stream = self.clone();
        std::thread::spawn(move || {
            let mut batches = 0..u32::MAX;
            while let Some(batch) = batches.next()
                && sender.send(stream.gates(batch)).is_ok()
            {}
        });
        receiver
    }
}
