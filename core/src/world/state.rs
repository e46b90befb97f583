//! Everything in a run that changes, as plain data.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coolant::Coolant;
use super::devices::Devices;
use super::gauges::Gauges;
use super::governor::Governor;
use super::layer::{Job, Shares};
use super::measured::Measured;
use super::rebalance::{Moves, Moving};
use super::split::Split;
use super::watch::Watched;
use crate::id::{BatchId, ExpertId};
use crate::placement::Placement;
use crate::record::{BatchRecord, RunRecord};
use crate::telemetry::Sample;
use crate::time::SimTime;

/// The mutable part of a run, without router and telemetry source, which save themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorldState {
    /// Experts of the hot pool now.
    pub(super) hot: Vec<u32>,
    /// Energy of an assignment now, at the reference temperature, per expert (J).
    pub(super) joules: Vec<f64>,
    /// Time of an assignment now, per expert (s).
    pub(super) seconds: Vec<f64>,
    pub(super) devices: Devices,
    /// What each GPU is watched for; empty where there is no limit to reach.
    pub(super) watched: Vec<Watched>,
    /// The governor of each GPU; empty where the cost model is a table.
    pub(super) governors: Vec<Governor>,
    /// What each GPU is doing; empty where the cost model is a table.
    pub(super) jobs: Vec<Option<Job>>,
    /// Whether a layer is running that GPUs without work wait for.
    pub(super) in_layer: bool,
    /// What the GPUs did for the running batch.
    pub(super) shares: Shares,
    pub(super) coolant: Coolant,
    /// Where the experts of each layer are now. Runs that have been forked share what no event has changed.
    pub(super) placements: Vec<Arc<Placement>>,
    /// What has been measured since they were placed.
    pub(super) measured: Measured,
    /// What was read off the GPUs when the last batch was done.
    pub(super) gauges: Gauges,
    /// Weights that move before the next batch.
    pub(super) moves: Moves,
    /// Weights that are moving.
    pub(super) moving: Option<Moving>,
    /// Energy of weights that have moved since the last batch (J).
    pub(super) moved_joules: f64,
    /// The last sample of each GPU.
    pub(super) samples: Arc<Vec<Sample>>,
    /// Batches that have arrived and wait for the layer.
    pub(super) waiting: VecDeque<(BatchId, SimTime)>,
    /// Whether a dispatch is under way or a batch is running.
    pub(super) busy: bool,
    pub(super) running: Option<Running>,
    pub(super) completed: Option<Completed>,
    pub(crate) record: RunRecord,
    /// Set when the last batch is done.
    pub(super) finished: bool,
}

/// The batch the GPUs are working on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    pub(super) batch: BatchRecord,
    /// The layer it is in.
    pub(super) layer: u32,
    /// When it entered it.
    pub(super) entered: SimTime,
    /// GPUs that still work.
    pub(super) pending: u32,
    /// Which GPU serves how many assignments of which experts.
    pub(super) split: Arc<Split>,
    pub(super) completed: Completed,
}

/// What the router is told about a batch that has passed a layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Completed {
    pub(super) batch: BatchId,
    pub(super) layer: u32,
    pub(super) assignments: Vec<u32>,
    pub(super) joules: Vec<f64>,
    pub(super) seconds: Vec<f64>,
}

impl Completed {
    /// A batch that has begun a layer with these assignments and has taken nothing yet.
    pub(super) fn begin(&mut self, batch: BatchId, layer: u32, assignments: &[u32]) {
        (self.batch, self.layer) = (batch, layer);
        self.assignments.clear();
        self.assignments.extend_from_slice(assignments);
        for column in [&mut self.joules, &mut self.seconds] {
            column.clear();
            column.resize(assignments.len(), 0.0);
        }
    }
}

impl WorldState {
    /// Lengths of everything that has an entry per expert or GPU: two states of one scenario have the same.
    pub(super) fn sizes(&self) -> [usize; 14] {
        let [layers, loads, shares, speeds] = self.measured.sizes();
        [
            self.joules.len(),
            self.seconds.len(),
            self.samples.len(),
            self.watched.len(),
            self.governors.len(),
            self.jobs.len(),
            self.placements.len(),
            self.devices.count(),
            self.devices.modes(),
            layers,
            loads,
            shares,
            speeds,
            self.gauges.count(),
        ]
    }

    pub(super) fn is_hot(&self, expert: ExpertId) -> bool {
        self.hot.contains(&expert.0)
    }
}
