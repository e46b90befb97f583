//! A placement policy: each step makes an instance, lets it place once and destroys it, as isotherm does.

#![expect(unsafe_code, reason = "functions of the plugin's")]

use std::ffi::c_void;

use isotherm_plugin_abi::{ErrorSink, PlacementContext, PlacementTraits, PlacementV1};

use crate::actor::Actor;
use crate::finding::{Checked, Finding, fault, succeeded};
use crate::handed::{Handed, host_of};
use crate::memory::{Access, Array};
use crate::options::Text;
use crate::router::or_null;
use crate::scene::Scene;
use crate::sinks::{Bytes, Copies, Reports};

/// A policy in a scene.
#[derive(Debug)]
pub(crate) struct PlacementActor {
    table: PlacementV1,
    options: String,
    scene: Scene,
}

impl PlacementActor {
    /// Checks the options, as a run does, and makes a first instance to see that it can.
    pub(crate) fn create(table: &PlacementV1, options: &str, scene: &Scene) -> Checked<Self> {
        configure(table, options, scene)?;
        let actor = Self { table: *table, options: options.to_owned(), scene: *scene };
        drop(actor.instance()?);
        Ok(actor)
    }

    fn instance(&self) -> Checked<Instance> {
        let text = Text::new(&self.options, self.scene.edge);
        let (mut instance, mut reports) = (std::ptr::null_mut(), Reports::default());
        let sink = reports.sink();
        let host = host_of(self.scene.generation);
        // SAFETY: all that is handed over is valid during the call, the host as long as the process.
        let status = unsafe { (self.table.create)(host, text.handed(), &raw mut instance, &raw const sink) };
        succeeded("create", status, || reports.text())?;
        Ok(Instance { table: self.table, instance })
    }
}

impl Actor for PlacementActor {
    fn step(&mut self, step: u32) -> Checked<Vec<u8>> {
        let instance = self.instance()?;
        let inputs = Inputs::new(&self.scene, step);
        let context = inputs.table(&self.scene);
        let (mut copies, mut reports) = (Copies::default(), Reports::default());
        let (sink, errors): (_, ErrorSink) = (copies.sink(), reports.sink());
        // SAFETY: as in `instance`.
        let status =
            unsafe { (self.table.place)(instance.instance, context.as_ptr(), &raw const sink, &raw const errors) };
        succeeded("place", status, || reports.text())?;
        let mut copies = copies.0;
        check_copies(&self.scene, inputs.lost.values(), &copies).map_err(Finding::Fault)?;
        // In any order: what is compared is where copies are.
        copies.sort_unstable();
        Ok(copies.iter().flat_map(|(expert, device)| [expert.to_le_bytes(), device.to_le_bytes()].concat()).collect())
    }

    fn save(&mut self) -> Checked<Option<Vec<u8>>> {
        Ok(None)
    }

    fn restore(&mut self, _: &[u8]) -> Checked {
        fault("placements have no memory")
    }
}

/// Made and not yet destroyed.
struct Instance {
    table: PlacementV1,
    instance: *mut c_void,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: made by `create` and destroyed once.
        unsafe { (self.table.destroy)(self.instance) };
    }
}

/// Arrays of a context: at step 0 nothing has been measured; at every third step the last GPU is lost.
struct Inputs {
    measured: Option<Measured>,
    lost: Array<u32>,
}

struct Measured {
    loads: Array<f64>,
    speeds: Array<f64>,
    joules: Array<f64>,
    samples: (Array<u64>, Array<f64>, Array<f64>),
    copies: (Array<u32>, Array<u32>),
}

impl Inputs {
    fn new(scene: &Scene, step: u32) -> Self {
        let lost = if step % 3 == 2 && scene.devices > 1 { vec![scene.devices - 1] } else { Vec::new() };
        let measured = (step > 0 && scene.known).then(|| {
            let doubles = |name, values: &[f64]| Array::new(name, values, scene.edge, Access::Read);
            let random = |name, number, low, high| doubles(name, &scene.numbers(step, name, number, low, high));
            let (taken, temperature, power) = scene.samples(step);
            let (first, device) = scene.copies();
            Measured {
                loads: random("loads", scene.experts, 0.0, 900.0),
                speeds: random("speeds", scene.devices, 0.7, 1.3),
                joules: random("joules", scene.devices, 0.7, 1.3),
                samples: (
                    Array::new("sample_taken_ns", &taken, scene.edge, Access::Read),
                    doubles("sample_temperature_degc", &temperature),
                    doubles("sample_power_w", &power),
                ),
                copies: (
                    Array::new("copy_first", &first, scene.edge, Access::Read),
                    Array::new("copy_device", &device, scene.edge, Access::Read),
                ),
            }
        });
        Self { measured, lost: Array::new("lost", &lost, scene.edge, Access::Read) }
    }

    fn table(&self, scene: &Scene) -> Handed<PlacementContext> {
        let measured = self.measured.as_ref();
        let context = PlacementContext {
            struct_size: 0,
            experts: scene.experts,
            devices: scene.devices,
            devices_per_node: scene.devices,
            loads: or_null(measured.map(|m| &m.loads)),
            speeds: or_null(measured.map(|m| &m.speeds)),
            joules: or_null(measured.map(|m| &m.joules)),
            sample_taken_ns: or_null(measured.map(|m| &m.samples.0)),
            sample_temperature_degc: or_null(measured.map(|m| &m.samples.1)),
            sample_power_w: or_null(measured.map(|m| &m.samples.2)),
            copy_first: or_null(measured.map(|m| &m.copies.0)),
            copy_device: or_null(measured.map(|m| &m.copies.1)),
            lost: self.lost.as_ptr(),
            lost_count: self.lost.values().len() as u32,
        };
        Handed::new(&context, scene.generation, scene.edge, Access::Read)
    }
}

/// Resolved options and the batches between two placements.
pub(crate) fn configure(table: &PlacementV1, options: &str, scene: &Scene) -> Checked<(String, u32)> {
    let Some(configure) = table.configure else { return Ok((options.to_owned(), 0)) };
    let text = Text::new(options, scene.edge);
    let preset = PlacementTraits { struct_size: 0, rebalance_every_batches: 0 };
    let traits = Handed::new(&preset, scene.generation, scene.edge, Access::Write);
    let (mut resolved, mut reports) = (Bytes::default(), Reports::default());
    let (sink, errors) = (resolved.sink(), reports.sink());
    // SAFETY: all that is handed over is valid during the call.
    let status = unsafe { configure(text.handed(), &raw const sink, traits.as_ptr(), &raw const errors) };
    succeeded("configure", status, || reports.text())?;
    let traits = traits.read_back().map_err(Finding::Fault)?;
    Ok((String::from_utf8_lossy(&resolved.0).into_owned(), traits.rebalance_every_batches))
}

fn check_copies(scene: &Scene, lost: &[u32], copies: &[(u32, u32)]) -> Result<(), String> {
    let mut homes = vec![Vec::new(); scene.experts as usize];
    for (expert, device) in copies {
        let Some(home) = homes.get_mut(*expert as usize) else {
            return Err(format!("places expert {expert}, but there are {}", scene.experts));
        };
        if *device >= scene.devices {
            return Err(format!("places expert {expert} on GPU {device}, but there are {}", scene.devices));
        }
        if lost.contains(device) {
            return Err(format!("places expert {expert} on GPU {device}, which is lost"));
        }
        if home.contains(device) {
            return Err(format!("places expert {expert} on GPU {device} twice"));
        }
        home.push(*device);
    }
    match homes.iter().position(Vec::is_empty) {
        Some(expert) => Err(format!("leaves expert {expert} without a GPU")),
        None => Ok(()),
    }
}
