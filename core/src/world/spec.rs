//! What a run is made of and what never changes in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cost::CostTable;
use crate::gate::GateBatch;
use crate::hardware::Hardware;
use crate::id::{BatchId, GpuId};
use crate::thermal::Modes;
use crate::time::{SimDuration, SimTime};
use crate::workload::Arrival;

/// A `[[change]]` of the scenario: from `at` or `at_batch` on, the hot pool is another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Instant at which it happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<SimDuration>,
    /// It happens just before this batch is routed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_batch: Option<u32>,
    /// The new hot pool; in a table of two classes the costs move with it.
    pub hot: Vec<u32>,
}

/// What the router itself costs: the `[router_host]` section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterHost {
    /// Time per floating-point operation of the router (s); delays the start of the batch.
    #[serde(default)]
    pub seconds_per_operation: f64,
    /// Energy per floating-point operation of the router (J).
    #[serde(default)]
    pub joules_per_operation: f64,
}

/// Everything about a run that is decided before it starts.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// Experts of the layer.
    pub experts: u32,
    /// Experts each token is sent to.
    pub top_k: u32,
    /// Joules and seconds per assignment.
    pub costs: CostTable,
    /// GPU of each expert.
    pub gpu_of_expert: Vec<GpuId>,
    /// Number of GPUs.
    pub gpus: u32,
    /// Power of a waiting GPU (W).
    pub idle_watts: f64,
    /// What a GPU is thermally; `None` where temperatures are prescribed by the telemetry source.
    pub thermal: Option<ThermalSpec>,
    /// Die temperature above which time is counted (degC).
    pub temperature_limit: Option<f64>,
    /// Batches to come, in order.
    pub arrivals: Arc<[Arrival]>,
    /// Changes, in the order of the scenario.
    pub changes: Vec<Change>,
    /// Time between two telemetry polls.
    pub poll_period: SimDuration,
    /// What the router itself costs.
    pub router_host: RouterHost,
    /// Whether the router is shown the truth.
    pub oracle: bool,
}

/// The thermal network all GPUs of a run have.
#[derive(Clone, Debug)]
pub struct ThermalSpec {
    /// The diagonalised network; node 0 is the die.
    pub modes: Modes,
    /// Share of a GPU's power that enters each node.
    pub heat_shares: Vec<f64>,
    /// Temperature of the ambient, and of everything at the start (degC).
    pub ambient: f64,
}

impl ThermalSpec {
    /// The thermal part of `hardware`, if it has a profile.
    ///
    /// # Errors
    /// The profile's fault, as a sentence.
    pub fn of(hardware: &Hardware) -> Result<Option<Self>, String> {
        let Some(profile) = &hardware.profile else { return Ok(None) };
        Ok(Some(Self {
            modes: Modes::of(&profile.network()?),
            heat_shares: profile.heat_shares(),
            ambient: profile.ambient.get(),
        }))
    }
}

/// The gate batches at hand: a window of the stream, shared by the runs of a comparison.
///
/// A run stops before a batch that is not in its window and goes on when it is given another one; so the gate product is
/// computed once per batch and memory stays bounded however long the stream is.
#[derive(Clone, Debug, Default)]
pub struct GateWindow {
    batches: BTreeMap<BatchId, Arc<GateBatch>>,
}

impl GateWindow {
    /// A window of these batches.
    pub fn new(batches: impl IntoIterator<Item = (BatchId, Arc<GateBatch>)>) -> Self {
        Self { batches: batches.into_iter().collect() }
    }

    /// The batch, if it is at hand.
    #[must_use]
    pub fn get(&self, batch: BatchId) -> Option<&Arc<GateBatch>> {
        self.batches.get(&batch)
    }
}

impl WorldSpec {
    /// When batch `batch` arrives, if that is decided by the clock.
    pub(super) fn arrival(&self, batch: BatchId) -> Option<SimTime> {
        self.arrivals.get(batch.index())?.at
    }
}
