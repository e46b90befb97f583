//! Everything that can happen in a fleet, and the order of what happens at one instant.

use crate::engine::SimEvent;

/// What happens next. Closed on purpose: the `match` over it in [`run`](super::run) is the table of contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FleetEvent {
    /// A `[[change]]` of the scenario takes effect.
    ScenarioChange { index: u32 },
    /// Traffic reaches the fleet and is shared out among its groups.
    TrafficArrives { index: u32 },
    /// A group has finished a stretch of steps.
    StretchDone { group: u32 },
    /// All GPUs go one interval on.
    Sweep,
    /// All governors look at power and temperature; what they see is kept for the results.
    Governors,
    /// What cools the GPUs is refreshed.
    Cooling,
    /// All telemetry is read.
    Poll,
    /// A window of the results ends.
    Window,
    /// The run is over.
    End,
}

const _: () = assert!(size_of::<FleetEvent>() <= 16, "events are copied through every level of the queue");

impl FleetEvent {
    /// Names of the kinds of event, in the order of [`FleetEvent::kind`].
    pub(super) const NAMES: [&'static str; 9] = [
        "scenario change",
        "traffic arrives",
        "stretch done",
        "physics sweep",
        "governors",
        "cooling",
        "telemetry poll",
        "window",
        "end",
    ];

    /// Which kind of event this is: a place in [`FleetEvent::NAMES`]. The order of the kinds is that of their phases.
    pub(super) fn kind(&self) -> usize {
        usize::from(self.phase())
    }
}

impl SimEvent for FleetEvent {
    /// Powers change before the sweep that settles them, and whatever reads a state comes after it.
    fn phase(&self) -> u8 {
        match self {
            Self::ScenarioChange { .. } => 0,
            Self::TrafficArrives { .. } => 1,
            Self::StretchDone { .. } => 2,
            Self::Sweep => 3,
            Self::Governors => 4,
            Self::Cooling => 5,
            Self::Poll => 6,
            Self::Window => 7,
            Self::End => 8,
        }
    }

    fn name(&self) -> &'static str {
        Self::NAMES[self.kind()]
    }

    fn trace_word(&self) -> u64 {
        match *self {
            Self::ScenarioChange { index } | Self::TrafficArrives { index } => u64::from(index),
            Self::StretchDone { group } => u64::from(group),
            Self::Sweep | Self::Governors | Self::Cooling | Self::Poll | Self::Window | Self::End => 0,
        }
    }
}
