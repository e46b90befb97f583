//! How far a profile is off recorded layers, in time and energy.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::{Batch, Work};
use serde::Serialize;

use super::{Beside, Device, LayerPhase, Operation, Phases};

/// Errors of predicted layers.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    /// One entry per layer of the file.
    pub layers: Vec<PhaseError>,
    /// Largest relative error of time.
    pub worst_time: f64,
    /// Largest relative error of energy, of all GPUs together.
    pub worst_energy: f64,
    /// What was left out.
    pub notes: Vec<String>,
}

/// One layer, measured and predicted.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseError {
    /// Name in the file.
    pub name: String,
    /// Measured time (s).
    pub seconds: f64,
    /// Predicted time (s).
    pub predicted_seconds: f64,
    /// Relative error of time.
    pub time_error: f64,
    /// Measured energy of all GPUs (J).
    pub joules: f64,
    /// Predicted energy of all GPUs (J).
    pub predicted_joules: f64,
    /// Relative error of energy.
    pub energy_error: f64,
    /// Measured power of each GPU (W).
    pub watts: Vec<f64>,
    /// Predicted power of each GPU (W).
    pub predicted_watts: Vec<f64>,
    /// Predicted clock of each GPU (MHz).
    pub predicted_mhz: Vec<f64>,
}

/// Compares the profile's layers with recorded ones. GPUs that wait for each other burn idle power until the slowest is done
/// and the exchange is over.
///
/// # Errors
/// A sentence where the profile lacks `[kernel]`, `[power]` or `[clock]`, or has numbers that cannot be.
pub fn check_phases(profile: &DeviceProfile, phases: &Phases) -> Result<PhaseReport, String> {
    if profile.power.is_none() || profile.clock.is_none() {
        return Err(format!("the profile `{}` has no [power] or no [clock]: no energy to compare", profile.name));
    }
    phases.shape.check()?;
    let device = Device::new(profile)?;
    let layers: Vec<PhaseError> =
        phases.layers.iter().map(|layer| compare(layer, &predict(&device, phases, layer))).collect();
    let worst = |error: fn(&PhaseError) -> f64| layers.iter().map(error).fold(0.0, |a: f64, e| a.max(e.abs()));
    let (worst_time, worst_energy) = (worst(|l| l.time_error), worst(|l| l.energy_error));
    Ok(PhaseReport { layers, worst_time, worst_energy, notes: phases.notes.clone() })
}

/// A layer as the model sees it.
pub(super) struct Predicted {
    /// Time (s).
    pub seconds: f64,
    /// Each GPU.
    pub gpus: Vec<Operation>,
}

/// Predicts one layer. Where GPUs wait for each other, the slowest and the exchange set the period; the others' clocks follow
/// from their mean power within it.
pub(super) fn predict(device: &Device<'_>, phases: &Phases, layer: &LayerPhase) -> Predicted {
    let model = device.kernels.of(phases.shape.implementation);
    let works: Vec<Work> =
        layer.counts.iter().map(|counts| model.work(&phases.shape, Batch::exchanged(counts, 1))).collect();
    let mut gpus: Vec<Operation> = works.iter().map(|work| device.operate(work)).collect();
    if !layer.synchronous {
        return Predicted { seconds: slowest(&gpus), gpus };
    }
    let (exchange, joules) = exchange(device, phases, layer);
    let waiting_w = device.profile.interconnect.as_ref().map_or(0.0, |interconnect| interconnect.waiting_w);
    // A GPU that waits may run faster than one that never does: three rounds settle who is the slowest.
    for _ in 0..3 {
        let period = slowest(&gpus) + exchange;
        let each = works.iter().zip(&joules);
        gpus = each
            .map(|(work, joules)| device.operate_beside(work, Beside { period, waiting_w, joules: *joules }))
            .collect();
    }
    Predicted { seconds: slowest(&gpus) + exchange, gpus }
}

fn slowest(gpus: &[Operation]) -> f64 {
    gpus.iter().map(|gpu| gpu.seconds).fold(0.0, f64::max)
}

/// Time in which the tokens go to their experts and back, and what that costs each GPU (J). Every GPU is home to an equal part of the
/// batch, of which each GPU gets the same share.
fn exchange(device: &Device<'_>, phases: &Phases, layer: &LayerPhase) -> (f64, Vec<f64>) {
    let rows: Vec<f64> = layer.counts.iter().map(|c| c.iter().map(|n| f64::from(*n)).sum()).collect();
    let Some(interconnect) = &device.profile.interconnect else { return (0.0, vec![0.0; rows.len()]) };
    let (gpus, total) = (rows.len() as f64, rows.iter().sum::<f64>());
    let one_way = phases.shape.bytes_exchanged_per_assignment() / 2.0;
    let ways = |here: f64| ((total - here) / gpus * one_way, (here - here / gpus) * one_way);
    let seconds =
        rows.iter().map(|here| ways(*here)).map(|(out, into)| interconnect.nvlink.all_to_all_seconds(out, into));
    let joules = rows.iter().map(|here| ways(*here)).map(|(out, into)| 2.0 * interconnect.nvlink.joules(out + into));
    (2.0 * seconds.fold(0.0, f64::max), joules.collect())
}

fn compare(layer: &LayerPhase, predicted: &Predicted) -> PhaseError {
    let predicted_watts: Vec<f64> =
        predicted.gpus.iter().map(|gpu| gpu.draw.map_or(0.0, |draw| draw.total())).collect();
    let joules = layer.joules.iter().sum::<f64>();
    let predicted_joules = predicted_watts.iter().sum::<f64>() * predicted.seconds;
    PhaseError {
        name: layer.name.clone(),
        seconds: layer.seconds,
        predicted_seconds: predicted.seconds,
        time_error: predicted.seconds / layer.seconds - 1.0,
        joules,
        predicted_joules,
        energy_error: predicted_joules / joules - 1.0,
        watts: layer.joules.iter().map(|j| j / layer.seconds).collect(),
        predicted_watts,
        predicted_mhz: predicted.gpus.iter().map(|gpu| gpu.mhz).collect(),
    }
}
