//! Everything that can happen in a run, and the written order of things that happen at the same instant.

use crate::engine::SimEvent;
use crate::id::{BatchId, GpuId};

/// What happens next. Closed on purpose: the `match` over it in `world` is the simulator's table of contents.
///
/// At most 16 bytes, `Copy`, no boxes: anything large is named by an id.
///
/// ```
/// use isotherm_core::event::Event;
/// assert!(size_of::<Event>() <= 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Event {
    /// A `[[change]]` of the scenario takes effect: costs move, for instance.
    ScenarioChange {
        /// Position in the scenario's list of changes.
        index: u32,
    },
    /// A batch of tokens reaches the system.
    BatchArrives {
        /// Which batch.
        batch: BatchId,
    },
    /// The layer is free and the oldest waiting batch is routed and started.
    Dispatch {
        /// Which batch.
        batch: BatchId,
    },
    /// The running batch enters its next MoE layer and is routed again, by that layer's gate.
    LayerStarts {
        /// Which batch.
        batch: BatchId,
    },
    /// A GPU finishes its share of the running batch.
    WorkDone {
        /// Which GPU.
        gpu: GpuId,
        /// The GPU's work counter when this was scheduled; another value makes the event stale.
        generation: u32,
    },
    /// The router has digested the feedback of a finished batch.
    RouterUpdated {
        /// Which batch.
        batch: BatchId,
    },
    /// A GPU's die or memory reaches or leaves one of its limits.
    ThresholdCrossed {
        /// Which GPU.
        gpu: GpuId,
        /// The GPU's prediction counter when this was scheduled; another value makes the event stale.
        generation: u32,
    },
    /// The temperatures of what cools the GPUs are refreshed, and the flow is controlled.
    CoolingStep,
    /// The software governors of all GPUs look at power and temperature.
    GovernorStep,
    /// All telemetry sources are read, in one sweep over the GPUs.
    TelemetryPoll,
    /// The run is over: everything is settled to this instant and the record is closed.
    End,
}

const _: () = assert!(size_of::<Event>() <= 16, "events are copied through every level of the queue");

impl Event {
    /// Names of the kinds of event, in the order of [`Event::kind`].
    pub const NAMES: [&'static str; 11] = [
        "scenario change",
        "batch arrives",
        "dispatch",
        "layer starts",
        "work done",
        "router updated",
        "threshold crossed",
        "cooling step",
        "governor step",
        "telemetry poll",
        "end",
    ];

    /// Which kind of event this is: a place in [`Event::NAMES`].
    #[must_use]
    pub fn kind(&self) -> usize {
        match self {
            Self::ScenarioChange { .. } => 0,
            Self::BatchArrives { .. } => 1,
            Self::Dispatch { .. } => 2,
            Self::LayerStarts { .. } => 3,
            Self::WorkDone { .. } => 4,
            Self::RouterUpdated { .. } => 5,
            Self::ThresholdCrossed { .. } => 6,
            Self::CoolingStep => 7,
            Self::GovernorStep => 8,
            Self::TelemetryPoll => 9,
            Self::End => 10,
        }
    }
}

impl SimEvent for Event {
    /// The order at equal times. All state an event reads is settled to its instant first.
    ///
    /// A poll comes after dispatch and completion of the same instant: what it reads is seen by later
    /// batches only (INV-7).
    fn phase(&self) -> u8 {
        match self {
            Self::BatchArrives { .. } => 0,
            // After an arrival and before the dispatch it may bring about: "at batch 60" means before batch 60 is routed.
            Self::ScenarioChange { .. } => 1,
            Self::Dispatch { .. } | Self::LayerStarts { .. } => 2,
            Self::WorkDone { .. } => 3,
            Self::RouterUpdated { .. } => 4,
            Self::ThresholdCrossed { .. } => 5,
            Self::CoolingStep => 6,
            Self::GovernorStep => 7,
            Self::TelemetryPoll => 8,
            Self::End => 9,
        }
    }

    fn name(&self) -> &'static str {
        Self::NAMES[self.kind()]
    }

    fn trace_word(&self) -> u64 {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        match *self {
            Self::ScenarioChange { index } => pair(0, index),
            Self::BatchArrives { batch }
            | Self::Dispatch { batch }
            | Self::LayerStarts { batch }
            | Self::RouterUpdated { batch } => pair(0, batch.0),
            Self::WorkDone { gpu, generation } | Self::ThresholdCrossed { gpu, generation } => pair(gpu.0, generation),
            Self::CoolingStep | Self::GovernorStep | Self::TelemetryPoll | Self::End => 0,
        }
    }
}
