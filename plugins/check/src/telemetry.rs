//! A telemetry source's instance: every call as isotherm makes it, in memory that notices.

#![expect(unsafe_code, reason = "functions of the plugin's")]

use std::ffi::c_void;

use isotherm_plugin_abi::{Poll, Samples, TelemetryContext, TelemetryTraits, TelemetryV1};

use crate::actor::Actor;
use crate::finding::{Checked, Finding, fault, succeeded};
use crate::handed::{Handed, host_of};
use crate::memory::{Access, Array};
use crate::options::Text;
use crate::router::{restore_with, save_with};
use crate::scene::Scene;
use crate::sinks::{Bytes, Reports};

/// An instance of a source in a scene.
#[derive(Debug)]
pub(crate) struct TelemetryActor {
    table: TelemetryV1,
    instance: *mut c_void,
    scene: Scene,
    period_ns: u64,
    /// The samples of the last poll, which the next one finds in its buffers.
    last: (Vec<u64>, Vec<f64>, Vec<f64>),
}

// SAFETY: the contract lets any thread call, one at a time.
unsafe impl Send for TelemetryActor {}

impl TelemetryActor {
    /// Checks the options and makes an instance, as a run does.
    pub(crate) fn create(table: &TelemetryV1, options: &str, scene: &Scene) -> Checked<Self> {
        let (_, period_ns) = configure(table, options, scene)?;
        let text = Text::new(options, scene.edge);
        let context = TelemetryContext { struct_size: 0, devices: scene.devices, seed: scene.seed };
        let context = Handed::new(&context, scene.generation, scene.edge, Access::Read);
        let (mut instance, mut reports) = (std::ptr::null_mut(), Reports::default());
        let sink = reports.sink();
        let host = host_of(scene.generation);
        // SAFETY: all that is handed over is valid during the call, the host as long as the process.
        let status =
            unsafe { (table.create)(host, text.handed(), context.as_ptr(), &raw mut instance, &raw const sink) };
        succeeded("create", status, || reports.text())?;
        let missing = || vec![f64::NAN; scene.devices as usize];
        let last = (vec![0; scene.devices as usize], missing(), missing());
        Ok(Self { table: *table, instance, scene: *scene, period_ns, last })
    }
}

impl Actor for TelemetryActor {
    fn step(&mut self, step: u32) -> Checked<Vec<u8>> {
        let scene = self.scene;
        let input = |name, low, high| {
            let values = scene.numbers(step, name, scene.devices, low, high);
            Array::new(name, &values, scene.edge, Access::Read)
        };
        let (temperature, power) = (input("true_temperature_degc", 30.0, 95.0), input("true_power_w", 50.0, 700.0));
        let now_ns = u64::from(step) * self.period_ns;
        let poll = Poll {
            struct_size: 0,
            devices: scene.devices,
            now_ns,
            true_temperature_degc: temperature.as_ptr(),
            true_power_w: power.as_ptr(),
        };
        let poll = Handed::new(&poll, scene.generation, scene.edge, Access::Read);
        let taken = Array::new("taken_ns", &self.last.0, scene.edge, Access::Write);
        let output = |name, values: &[f64]| Array::new(name, values, scene.edge, Access::Write);
        let (temperature, power) = (output("temperature_degc", &self.last.1), output("power_w", &self.last.2));
        let samples = Samples {
            struct_size: 0,
            devices: scene.devices,
            taken_ns: taken.as_ptr(),
            temperature_degc: temperature.as_ptr(),
            power_w: power.as_ptr(),
        };
        let samples = Handed::new(&samples, scene.generation, scene.edge, Access::Write);
        let mut reports = Reports::default();
        let sink = reports.sink();
        // SAFETY: as in `create`; outputs have an entry for each GPU.
        let status = unsafe { (self.table.sample)(self.instance, poll.as_ptr(), samples.as_ptr(), &raw const sink) };
        succeeded("sample", status, || reports.text())?;
        samples.read_back().map_err(Finding::Fault)?;
        for surroundings in [taken.check_surroundings(), temperature.check_surroundings(), power.check_surroundings()] {
            surroundings.map_err(Finding::Fault)?;
        }
        self.last = (taken.values().to_vec(), temperature.values().to_vec(), power.values().to_vec());
        check_samples(now_ns, &self.last).map_err(Finding::Fault)?;
        Ok(bytes_of(&self.last))
    }

    fn save(&mut self) -> Checked<Option<Vec<u8>>> {
        self.table.save.map(|save| save_with(self.instance, save)).transpose()
    }

    fn restore(&mut self, state: &[u8]) -> Checked {
        let Some(restore) = self.table.restore else { return fault("saves and does not restore") };
        restore_with(self.instance, restore, state, &self.scene)
    }
}

impl Drop for TelemetryActor {
    fn drop(&mut self) {
        // SAFETY: made by `create` and destroyed once.
        unsafe { (self.table.destroy)(self.instance) };
    }
}

/// Resolved options and the time between two polls (ns).
pub(crate) fn configure(table: &TelemetryV1, options: &str, scene: &Scene) -> Checked<(String, u64)> {
    let text = Text::new(options, scene.edge);
    let preset = TelemetryTraits { struct_size: 0, prescribes_temperature: 0, period_ns: 0 };
    let traits = Handed::new(&preset, scene.generation, scene.edge, Access::Write);
    let (mut resolved, mut warning, mut reports) = (Bytes::default(), Bytes::default(), Reports::default());
    let (sink, warnings, errors) = (resolved.sink(), warning.sink(), reports.sink());
    // SAFETY: all that is handed over is valid during the call.
    let status = unsafe {
        (table.configure)(text.handed(), &raw const sink, traits.as_ptr(), &raw const warnings, &raw const errors)
    };
    succeeded("configure", status, || reports.text())?;
    let traits = traits.read_back().map_err(Finding::Fault)?;
    if traits.period_ns == 0 {
        return fault("leaves `period_ns` at 0; the time between two polls is at least 1 ns");
    }
    Ok((String::from_utf8_lossy(&resolved.0).into_owned(), traits.period_ns))
}

fn check_samples(now_ns: u64, (taken, temperature, power): &(Vec<u64>, Vec<f64>, Vec<f64>)) -> Result<(), String> {
    if let Some(gpu) = taken.iter().position(|taken| *taken > now_ns) {
        return Err(format!("GPU {gpu}: a sample taken at {} ns, after the poll at {now_ns} ns", taken[gpu]));
    }
    for (name, values) in [("temperature_degc", temperature), ("power_w", power)] {
        if let Some(gpu) = values.iter().position(|value| value.is_infinite()) {
            return Err(format!("GPU {gpu}: `{name}` is infinite; what has not been read is not a number"));
        }
    }
    Ok(())
}

fn bytes_of((taken, temperature, power): &(Vec<u64>, Vec<f64>, Vec<f64>)) -> Vec<u8> {
    // One pattern for all that is not a number: which of them it is says nothing.
    let bits = |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    let values = taken.iter().copied().chain(temperature.iter().map(bits)).chain(power.iter().map(bits));
    values.flat_map(u64::to_le_bytes).collect()
}
