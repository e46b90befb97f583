//! A load's instance: every call as a live run makes it, in memory that notices. What it measures is its own affair; that it measures is not.

#![expect(unsafe_code, reason = "functions of the plugin's")]

use std::ffi::c_void;

use isotherm_plugin_abi::{LoadContext, LoadV1, Shares};

use crate::actor::Actor;
use crate::finding::{Checked, Finding, fault, succeeded};
use crate::handed::{Handed, host_of};
use crate::memory::{Access, Array};
use crate::options::Text;
use crate::scene::Scene;
use crate::sinks::{Bytes, Reports};

/// An instance of a load in a scene.
#[derive(Debug)]
pub(crate) struct LoadActor {
    table: LoadV1,
    instance: *mut c_void,
    scene: Scene,
}

// SAFETY: the contract lets any thread call, one at a time.
unsafe impl Send for LoadActor {}

/// Work that no device takes long for.
const D_MODEL: u32 = 64;
const D_FF: u32 = 128;

impl LoadActor {
    /// Checks the options and makes an instance, as a live run does. All GPUs are the first device: there may be no other.
    pub(crate) fn create(table: &LoadV1, options: &str, scene: &Scene) -> Checked<Self> {
        configure(table, options, scene)?;
        let text = Text::new(options, scene.edge);
        let device = Array::new("device", &vec![0; scene.devices as usize], scene.edge, Access::Read);
        let context = LoadContext {
            struct_size: 0,
            devices: scene.devices,
            device: device.as_ptr(),
            experts: scene.experts,
            top_k: scene.top_k,
            d_model: D_MODEL,
            d_ff: D_FF,
            matrices: 3,
        };
        let context = Handed::new(&context, scene.generation, scene.edge, Access::Read);
        let (mut instance, mut reports) = (std::ptr::null_mut(), Reports::default());
        let sink = reports.sink();
        let host = host_of(scene.generation);
        // SAFETY: all that is handed over is valid during the call, the host as long as the process.
        let status =
            unsafe { (table.create)(host, text.handed(), context.as_ptr(), &raw mut instance, &raw const sink) };
        succeeded("create", status, || reports.text())?;
        let actor = Self { table: *table, instance, scene: *scene };
        (0..scene.devices).try_for_each(|gpu| actor.check_name(gpu))?;
        Ok(actor)
    }

    fn check_name(&self, gpu: u32) -> Checked {
        let (mut name, mut reports) = (Bytes::default(), Reports::default());
        let (sink, error) = (name.sink(), reports.sink());
        // SAFETY: as in `create`; the instance is this table's.
        let status = unsafe { (self.table.device_name)(self.instance, gpu, &raw const sink, &raw const error) };
        succeeded("device_name", status, || reports.text())?;
        match std::str::from_utf8(&name.0) {
            Ok(name) if !name.trim().is_empty() => Ok(()),
            _ => fault(format!("GPU {gpu}: the name of its device is {:?}, expected text", name.0)),
        }
    }
}

/// Where each GPU's share begins, its experts, and how many assignments of each: some GPUs have nothing to do.
fn work(scene: &Scene, step: u32) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let mut stream = scene.stream(step, "shares");
    let (mut first, mut expert, mut assignments) = (vec![0], Vec::new(), Vec::new());
    for gpu in 0..scene.devices {
        let idle = (step + gpu) % 3 == 2;
        for number in 0..scene.experts {
            if !idle && stream.uniform() < 0.5 {
                expert.push(number);
                assignments.push(1 + (stream.uniform() * 40.0) as u32);
            }
        }
        first.push(expert.len() as u32);
    }
    (first, expert, assignments)
}

impl Actor for LoadActor {
    /// The bytes say which GPUs took time, which is all that two executions have in common.
    fn step(&mut self, step: u32) -> Checked<Vec<u8>> {
        let scene = self.scene;
        let (first, expert, assignments) = work(&scene, step);
        let input = |name, values: &[u32]| Array::new(name, values, scene.edge, Access::Read);
        let given = [input("first", &first), input("expert", &expert), input("assignments", &assignments)];
        let shares = Shares {
            struct_size: 0,
            devices: scene.devices,
            first: given[0].as_ptr(),
            expert: given[1].as_ptr(),
            assignments: given[2].as_ptr(),
        };
        let shares = Handed::new(&shares, scene.generation, scene.edge, Access::Read);
        let seconds = Array::new("seconds", &vec![0.0; scene.devices as usize], scene.edge, Access::Write);
        let mut reports = Reports::default();
        let sink = reports.sink();
        // SAFETY: as in `create`; the output has an entry for each GPU.
        let status = unsafe { (self.table.execute)(self.instance, shares.as_ptr(), seconds.as_ptr(), &raw const sink) };
        succeeded("execute", status, || reports.text())?;
        seconds.check_surroundings().map_err(Finding::Fault)?;
        for (gpu, (seconds, bounds)) in seconds.values().iter().zip(first.windows(2)).enumerate() {
            let experts = bounds[1] - bounds[0];
            let kept = if experts == 0 { *seconds == 0.0 } else { seconds.is_finite() && *seconds > 0.0 };
            if !kept {
                let expected = if experts == 0 { "0" } else { "more than 0" };
                return fault(format!("GPU {gpu}: {seconds} s for work of {experts} experts, expected {expected}"));
            }
        }
        Ok(seconds.values().iter().map(|seconds| u8::from(*seconds > 0.0)).collect())
    }

    fn save(&mut self) -> Checked<Option<Vec<u8>>> {
        Ok(None)
    }

    fn restore(&mut self, _: &[u8]) -> Checked {
        fault("a load has no state to restore")
    }
}

impl Drop for LoadActor {
    fn drop(&mut self) {
        // SAFETY: made by `create` and destroyed once.
        unsafe { (self.table.destroy)(self.instance) };
    }
}

/// Resolved options; what was given where the plugin does not look at them.
pub(crate) fn configure(table: &LoadV1, options: &str, scene: &Scene) -> Checked<String> {
    let Some(configure) = table.configure else { return Ok(options.to_owned()) };
    let text = Text::new(options, scene.edge);
    let (mut resolved, mut reports) = (Bytes::default(), Reports::default());
    let (sink, errors) = (resolved.sink(), reports.sink());
    // SAFETY: all that is handed over is valid during the call.
    let status = unsafe { configure(text.handed(), &raw const sink, &raw const errors) };
    succeeded("configure", status, || reports.text())?;
    Ok(String::from_utf8_lossy(&resolved.0).into_owned())
}
