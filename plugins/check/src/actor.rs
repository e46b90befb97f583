//! An instance of any kind, driven step by step, so that what all kinds promise is checked once.

use isotherm_plugin_host::Functions;

use crate::finding::Checked;
use crate::load::LoadActor;
use crate::placement::PlacementActor;
use crate::router::RouterActor;
use crate::scene::Scene;
use crate::subject::Opened;
use crate::telemetry::TelemetryActor;

/// An instance in a scene. Dropping it destroys the instance.
pub(crate) trait Actor: Send {
    /// One batch with its feedback, one poll, one placement or one layer: checked, and as bytes that can be compared.
    fn step(&mut self, step: u32) -> Checked<Vec<u8>>;

    /// Saved bytes; `None` for what has no memory.
    fn save(&mut self) -> Checked<Option<Vec<u8>>>;

    /// Continues from saved bytes.
    fn restore(&mut self, state: &[u8]) -> Checked;
}

impl Opened {
    /// Makes an instance with the options that the plugin gives as an example.
    pub(crate) fn actor(&self, scene: &Scene) -> Checked<Box<dyn Actor>> {
        self.actor_with(scene, &self.options)
    }

    /// Makes an instance with these options.
    pub(crate) fn actor_with(&self, scene: &Scene, options: &str) -> Checked<Box<dyn Actor>> {
        Ok(match &self.functions {
            Functions::Router(table) => Box::new(RouterActor::create(table, options, scene)?),
            Functions::Telemetry(table) => Box::new(TelemetryActor::create(table, options, scene)?),
            Functions::Placement(table) => Box::new(PlacementActor::create(table, options, scene)?),
            Functions::Load(table) => Box::new(LoadActor::create(table, options, scene)?),
            _ => return crate::finding::fault("a kind that this checker does not know"),
        })
    }
}

/// The answers of so many steps from `first` on.
pub(crate) fn play(actor: &mut dyn Actor, first: u32, steps: u32) -> Checked<Vec<Vec<u8>>> {
    (first..first + steps).map(|step| actor.step(step).map_err(|f| f.while_in(format_args!("step {step}")))).collect()
}
