//! What a router is shown of the cluster, kept between calls while the host says that it is the same.

use isotherm_core::dispatch::TokenSources;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::ClusterView;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_plugin_abi::Batch;

use super::fault::Fault;
use super::given::{array, optional};
use super::samples;

/// Samples, placement and sources as of a revision.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    revision: u64,
    samples: Vec<Sample>,
    placement: Option<Placement>,
    sources: Option<Vec<GpuId>>,
}

impl Cluster {
    /// Makes this what `batch` says, unless it is known to be already. Allocates only where something has grown or moved.
    ///
    /// # Safety
    /// The pointers of `batch` are what the interface says.
    #[expect(unsafe_code, reason = "arrays of the other side")]
    #[inline]
    pub(super) unsafe fn refresh(&mut self, batch: &Batch) -> Result<(), Fault> {
        if batch.revision != 0 && batch.revision == self.revision {
            return Ok(());
        }
        // SAFETY: as promised above.
        unsafe { self.read(batch) }
    }

    #[expect(unsafe_code, reason = "arrays of the other side")]
    unsafe fn read(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.revision = 0;
        let devices = batch.devices as usize;
        // SAFETY: as promised to `refresh`.
        let (taken, degc, watts) = unsafe {
            (
                array(batch.sample_taken_ns, devices, "sample_taken_ns")?,
                array(batch.sample_temperature_degc, devices, "sample_temperature_degc")?,
                array(batch.sample_power_w, devices, "sample_power_w")?,
            )
        };
        samples::read(taken, degc, watts, &mut self.samples);
        // SAFETY: as promised to `refresh`.
        unsafe {
            read_placement(&mut self.placement, batch.copy_first, batch.copy_device, batch.experts, batch.devices)?
        };
        // SAFETY: as promised to `refresh`.
        let sources = unsafe { optional(batch.source_devices, batch.sources as usize, "source_devices")? };
        match sources {
            None => self.sources = None,
            Some(devices) => {
                let kept = self.sources.get_or_insert_default();
                kept.clear();
                kept.extend(devices.iter().map(|device| GpuId(*device)));
            }
        }
        self.revision = batch.revision;
        Ok(())
    }

    /// The view that the author's code gets. Costs as declared at the start are known from the start, `declared`, where the host does not repeat them.
    ///
    /// # Safety
    /// The pointers of `batch` are what the interface says, and stay so during `'a`.
    #[expect(unsafe_code, reason = "arrays of the other side")]
    #[inline(always)]
    pub(super) unsafe fn view<'a>(&'a self, batch: &Batch, declared: &'a [f64]) -> Result<ClusterView<'a>, Fault> {
        let experts = batch.experts as usize;
        // SAFETY: as promised above.
        let (repeated, truth) = unsafe {
            (
                optional(batch.declared_costs, experts, "declared_costs")?,
                optional(batch.true_costs, experts, "true_costs")?,
            )
        };
        let mut view = ClusterView::empty();
        view.now = SimTime::from_nanos(batch.now_ns);
        view.batch = BatchId(batch.batch);
        view.layer = batch.layer;
        view.revision = batch.revision;
        view.declared_costs = repeated.unwrap_or(declared);
        view.placement = self.placement.as_ref();
        view.samples = &self.samples;
        view.sources = self.sources.as_ref().map(|gpus| TokenSources::new(gpus, batch.devices_per_node as usize));
        Ok(truth.map_or(view, |costs| view.with_true_costs(costs)))
    }
}

/// Makes `kept` the placement that two arrays describe; null arrays describe none.
///
/// # Safety
/// `first` is null or points to `experts` + 1 values, and `devices` to as many as the last of them says.
#[expect(unsafe_code, reason = "arrays of the other side")]
pub(super) unsafe fn read_placement(
    kept: &mut Option<Placement>,
    first: *const u32,
    devices: *const u32,
    experts: u32,
    number_of_devices: u32,
) -> Result<(), Fault> {
    // SAFETY: as promised above.
    let Some(first) = (unsafe { optional(first, experts as usize + 1, "copy_first")? }) else {
        *kept = None;
        return Ok(());
    };
    let slots = first.last().copied().unwrap_or_default() as usize;
    // SAFETY: as promised above.
    let devices = unsafe { array(devices, slots, "copy_device")? };
    if let Some(device) = devices.iter().find(|device| **device >= number_of_devices) {
        return Err(Fault::abi(format!("`copy_device` names GPU {device}, but there are {number_of_devices}")));
    }
    let same = kept.as_ref().is_some_and(|placement| {
        let (old_first, old_gpus) = placement.offsets();
        old_first == first && old_gpus.iter().map(|gpu| gpu.0).eq(devices.iter().copied())
    });
    if same {
        return Ok(());
    }
    let gpus = devices.iter().map(|device| GpuId(*device)).collect();
    let placement = Placement::from_offsets(first.to_vec(), gpus)
        .map_err(|error| Fault::abi(format!("`copy_first` and `copy_device` are no placement: {error}")))?;
    *kept = Some(placement);
    Ok(())
}
