//! A router's instance: every call as isotherm makes it, in memory that notices.

#![expect(unsafe_code, reason = "functions of the plugin's")]

mod answer;
mod inputs;

use std::ffi::c_void;

use isotherm_plugin_abi::{Decision, RouterContext, RouterTraits, RouterV1, Status, USES_ORACLE};

use crate::actor::Actor;
use crate::finding::{Checked, Finding, fault, succeeded};
use crate::handed::{Handed, host_of};
use crate::memory::{Access, Array};
use crate::options::Text;
use crate::scene::Scene;
use crate::sinks::{Bytes, Reports};

use answer::Outputs;
use inputs::{BatchInputs, ContextInputs, FeedbackInputs};

/// An instance of a router in a scene.
#[derive(Debug)]
pub(crate) struct RouterActor {
    table: RouterV1,
    instance: *mut c_void,
    scene: Scene,
    oracle: bool,
}

// SAFETY: the contract lets any thread call, one at a time.
unsafe impl Send for RouterActor {}

impl RouterActor {
    /// Checks the options and makes an instance, as a run does.
    pub(crate) fn create(table: &RouterV1, options: &str, scene: &Scene) -> Checked<Self> {
        let oracle = configure(table, options, scene)?.1 & USES_ORACLE != 0;
        let text = Text::new(options, scene.edge);
        let inputs = ContextInputs::new(scene);
        let context: Handed<RouterContext> = inputs.table(scene);
        let (mut instance, mut reports) = (std::ptr::null_mut(), Reports::default());
        let sink = reports.sink();
        let host = host_of(scene.generation);
        // SAFETY: all that is handed over is valid during the call, the host as long as the process.
        let status =
            unsafe { (table.create)(host, text.handed(), context.as_ptr(), &raw mut instance, &raw const sink) };
        succeeded("create", status, || reports.text())?;
        Ok(Self { table: *table, instance, scene: *scene, oracle })
    }

    /// Routes one batch; the status and what came with it are left to the caller.
    fn route(&mut self, inputs: &BatchInputs, outputs: &Outputs, step: u32) -> Checked<Handed<Decision>> {
        let batch = inputs.table(&self.scene, step);
        let decision = outputs.table(&self.scene);
        let mut reports = Reports::default();
        let sink = reports.sink();
        // SAFETY: as in `create`; outputs have the sizes that the batch states.
        let status = unsafe { (self.table.route)(self.instance, batch.as_ptr(), decision.as_ptr(), &raw const sink) };
        succeeded("route", status, || reports.text())?;
        Ok(decision)
    }

    fn feedback(&mut self, counts: &[u32], step: u32) -> Checked {
        let Some(feedback) = self.table.feedback else { return Ok(()) };
        let inputs = FeedbackInputs::new(&self.scene, counts, step);
        let table = inputs.table(&self.scene, step);
        let mut reports = Reports::default();
        let sink = reports.sink();
        // SAFETY: as in `create`.
        let status = unsafe { feedback(self.instance, table.as_ptr(), &raw const sink) };
        succeeded("feedback", status, || reports.text())
    }
}

impl Actor for RouterActor {
    fn step(&mut self, step: u32) -> Checked<Vec<u8>> {
        let inputs = BatchInputs::new(&self.scene, step, self.oracle);
        let outputs = Outputs::new(&self.scene, &inputs, self.table.flags);
        let decision = self.route(&inputs, &outputs, step)?;
        let decision = decision.read_back().map_err(Finding::Fault)?;
        let answer = outputs.check(&self.scene, &decision, self.table.flags).map_err(Finding::Fault)?;
        let counts = answer.counts(&self.scene, &inputs);
        let bytes = answer.bytes;
        drop((inputs, outputs));
        self.feedback(&counts, step)?;
        Ok(bytes)
    }

    fn save(&mut self) -> Checked<Option<Vec<u8>>> {
        self.table.save.map(|save| save_with(self.instance, save)).transpose()
    }

    fn restore(&mut self, state: &[u8]) -> Checked {
        let Some(restore) = self.table.restore else { return fault("saves and does not restore") };
        restore_with(self.instance, restore, state, &self.scene)
    }
}

impl Drop for RouterActor {
    fn drop(&mut self) {
        // SAFETY: made by `create` and destroyed once.
        unsafe { (self.table.destroy)(self.instance) };
    }
}

/// Resolved options and the flags of the traits. Without the function every object stays as it is.
pub(crate) fn configure(table: &RouterV1, options: &str, scene: &Scene) -> Checked<(String, u32)> {
    let Some(configure) = table.configure else { return Ok((options.to_owned(), 0)) };
    let text = Text::new(options, scene.edge);
    let preset = RouterTraits { struct_size: 0, flags: 0 };
    let traits = Handed::new(&preset, scene.generation, scene.edge, Access::Write);
    let (mut resolved, mut reports) = (Bytes::default(), Reports::default());
    let (sink, errors) = (resolved.sink(), reports.sink());
    // SAFETY: all that is handed over is valid during the call.
    let status = unsafe { configure(text.handed(), &raw const sink, traits.as_ptr(), &raw const errors) };
    succeeded("configure", status, || reports.text())?;
    let traits = traits.read_back().map_err(Finding::Fault)?;
    Ok((String::from_utf8_lossy(&resolved.0).into_owned(), traits.flags))
}

/// The type of `save` of all kinds.
pub(crate) type Save = unsafe extern "C" fn(
    *mut c_void,
    *const isotherm_plugin_abi::Sink,
    *const isotherm_plugin_abi::ErrorSink,
) -> Status;

/// The type of `restore` of all kinds.
pub(crate) type Restore =
    unsafe extern "C" fn(*mut c_void, *const u8, usize, *const isotherm_plugin_abi::ErrorSink) -> Status;

/// Calls `save`.
pub(crate) fn save_with(instance: *mut c_void, save: Save) -> Checked<Vec<u8>> {
    let (mut bytes, mut reports) = (Bytes::default(), Reports::default());
    let (sink, errors) = (bytes.sink(), reports.sink());
    // SAFETY: the instance lives; both sinks are valid during the call.
    let status = unsafe { save(instance, &raw const sink, &raw const errors) };
    succeeded("save", status, || reports.text())?;
    Ok(bytes.0)
}

/// Calls `restore`.
pub(crate) fn restore_with(instance: *mut c_void, restore: Restore, state: &[u8], scene: &Scene) -> Checked {
    let bytes = Array::new("the saved state", state, scene.edge, Access::Read);
    let mut reports = Reports::default();
    let errors = reports.sink();
    // SAFETY: the instance lives; the bytes are valid during the call.
    let status = unsafe { restore(instance, bytes.as_ptr(), state.len(), &raw const errors) };
    succeeded("restore", status, || reports.text())
}

/// An address for an optional array.
pub(super) fn or_null<T: crate::memory::Number>(array: Option<&Array<T>>) -> *const T {
    array.map_or(std::ptr::null(), |array| array.as_ptr().cast_const())
}
