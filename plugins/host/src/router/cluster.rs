//! What a router is shown of the cluster, as the interface has it. Kept from batch to batch as long as the core says that nothing has changed.

use isotherm_core::dispatch::TokenSources;
use isotherm_core::id::GpuId;
use isotherm_core::router::ClusterView;

use crate::copies::numbers;
use crate::samples::SampleArrays;

/// The arrays of one cluster that the core has in another shape.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// Revision of the view that the arrays are of; 0 where that is not known.
    revision: u64,
    /// Whether nothing has been shown since [`Cluster::forget`].
    is_forgotten: bool,
    pub(super) samples: SampleArrays,
    pub(super) copies: Vec<u32>,
    pub(super) sources: Vec<u32>,
    pub(super) devices_per_node: u32,
}

impl Cluster {
    /// Makes the arrays those of `view`, unless they are already.
    #[inline]
    pub(super) fn refresh(&mut self, view: &ClusterView<'_>) {
        if view.revision == 0 || view.revision != self.revision {
            self.read(view);
        }
    }

    fn read(&mut self, view: &ClusterView<'_>) {
        self.samples.fill(view.samples);
        numbers(view.placement.map_or(&[], |placement| placement.offsets().1), &mut self.copies);
        numbers(view.sources.map_or(&[], |sources| sources.gpus()), &mut self.sources);
        let devices = view.samples.len() as u32;
        self.devices_per_node = view.sources.map_or(devices, |sources| devices_per_node(sources, devices));
        self.revision = view.revision;
    }

    /// Forgets what the arrays are of: the next view may be of another run with the same revision. That one is shown without a number, so
    /// that the library forgets, too.
    pub(super) fn forget(&mut self) {
        (self.revision, self.is_forgotten) = (0, true);
    }

    /// The number to show for the arrays as they are now, of which `revision` is the core's.
    #[inline]
    pub(super) fn shown_revision(&mut self, revision: u64) -> u64 {
        if std::mem::take(&mut self.is_forgotten) { 0 } else { revision }
    }
}

/// GPUs of a node: up to the first that is not in the node of GPU 0.
fn devices_per_node(sources: TokenSources<'_>, devices: u32) -> u32 {
    (1..devices).find(|gpu| !sources.same_node(GpuId(0), GpuId(*gpu))).unwrap_or(devices)
}

#[cfg(test)]
mod tests {
    use isotherm_core::placement::Placement;
    use isotherm_core::telemetry::Sample;
    use isotherm_core::time::SimTime;
    use isotherm_core::units::Celsius;

    use super::*;
    use isotherm_core::id::BatchId;

    fn samples(degc: f64) -> Vec<Sample> {
        vec![Sample { temperature: Some(Celsius::new(degc)), ..Sample::default() }; 6]
    }

    #[test]
    fn arrays_are_made_anew_when_the_revision_changes_or_is_not_known() {
        let placement = Placement::contiguous(6, 6);
        let gpus = [GpuId(0), GpuId(5)];
        let (cool, hot) = (samples(30.0), samples(80.0));
        let view = |samples, revision| {
            let view = ClusterView::empty().at(SimTime::ZERO, BatchId(0), &placement, samples);
            view.with_sources(TokenSources::new(&gpus, 2)).of_revision(revision)
        };
        let mut cluster = Cluster::default();
        let mut seen = |samples, revision| {
            cluster.refresh(&view(samples, revision));
            cluster.samples.temperature_degc[0]
        };
        assert_eq!([seen(&cool, 3), seen(&hot, 3), seen(&hot, 4)], [30.0, 30.0, 80.0]);
        assert_eq!([seen(&cool, 0), seen(&hot, 0)], [30.0, 80.0]);
        assert_eq!((cluster.copies.as_slice(), cluster.sources.as_slice()), (&[0, 1, 2, 3, 4, 5][..], &[0, 5][..]));
        assert_eq!(cluster.devices_per_node, 2);
        assert!(cluster.samples.power_w[0].is_nan());
    }
}
