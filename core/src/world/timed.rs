//! What the world does and a profiler wants to know the time of.

use std::sync::Arc;

use super::{RunError, World};
use crate::event::Event;
use crate::id::GpuId;
use crate::profiler::{Clock, Profiler, Section, Spent};
use crate::time::SimTime;

impl World {
    /// Lets a profiler with this clock watch all events from here on.
    pub(crate) fn profile(&mut self, clock: Arc<dyn Clock>) {
        self.profiler = Some(Box::new(Profiler::new(clock, &Event::NAMES)));
    }

    /// What the events have taken; `None` where nobody watches.
    pub(crate) fn spent(&self) -> Option<Spent> {
        self.profiler.as_ref().map(|profiler| profiler.spent())
    }

    /// When a section begins; `None` where nobody wants to know.
    #[inline]
    pub(super) fn section_begins(&self) -> Option<u64> {
        self.profiler.as_ref()?.section_begins()
    }

    #[inline]
    pub(super) fn section_ends(&mut self, section: Section, begun: Option<u64>) {
        if let Some(profiler) = &mut self.profiler {
            profiler.section_ends(section, begun);
        }
    }

    /// Brings a GPU to the instant `now`. Done for every GPU at every event: where nobody watches it is the call itself.
    #[inline]
    pub(super) fn settle(&mut self, gpu: GpuId, now: SimTime) -> Result<(), RunError> {
        let Some(begun) = self.section_begins() else {
            return self.state.devices.settle(gpu, now, self.spec.thermal.as_ref());
        };
        let outcome = self.state.devices.settle(gpu, now, self.spec.thermal.as_ref());
        self.section_ends(Section::Settle, Some(begun));
        outcome
    }

    /// Brings all GPUs to the instant `now`.
    pub(super) fn settle_all(&mut self, now: SimTime) -> Result<(), RunError> {
        let begun = self.section_begins();
        let outcome = self.state.devices.settle_all(now, self.spec.thermal.as_ref());
        self.section_ends(Section::Settle, begun);
        outcome
    }
}
