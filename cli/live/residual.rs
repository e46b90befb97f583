//! The heat that earlier runs have left in a GPU: a rest of seconds ends before the heatsink is as cold as it was.

use isotherm_core::hardware::{Cooling, DeviceProfile};
use isotherm_core::thermal::Modes;

use super::record::LiveRun;

/// The middle of the time in which "idle" is measured, before a run (s).
const IDLE_BEFORE: f64 = 2.5;

/// How much hotter one GPU is than if it had always rested.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    modes: Modes,
    /// Temperatures above those of eternal rest when the run begins, in modes.
    state: Vec<f64>,
    /// Of the die, when its idle temperature was measured (K).
    pub at_idle: f64,
}

impl Residual {
    /// What `before`, the runs before `run` in their order, have left in `gpu`: each heated by its mean power above idle, and by the air
    /// that the GPUs upstream have warmed. Nothing where that was not measured.
    ///
    /// # Errors
    /// The profile's fault, as a sentence.
    pub fn of(
        before: &[LiveRun],
        run: &LiveRun,
        gpu: usize,
        profile: &DeviceProfile,
        cooling: Option<&Cooling>,
    ) -> Result<Self, String> {
        let modes = Modes::of(&profile.network()?);
        let shares = profile.heat_shares();
        let mut state = modes.state(&vec![0.0; modes.nodes()]);
        let rest = modes.drive(&vec![0.0; modes.nodes()], 0.0);
        let mut last: Option<i64> = None;
        for earlier in before {
            if let Some(last) = last {
                modes.settle(&mut state, &rest, seconds(earlier.began - last));
            }
            let excess: Vec<f64> = (0..earlier.gpus.len()).map(|gpu| excess(earlier, gpu)).collect();
            let own = excess.get(gpu).copied().unwrap_or(0.0);
            let heat: Vec<f64> = shares.iter().map(|share| share * own).collect();
            let warmed = cooling.map_or(0.0, |cooling| cooling.inlets(0.0, 1.0, &excess)[gpu]);
            modes.settle(&mut state, &modes.drive(&heat, warmed), earlier.wall_seconds);
            last = Some(earlier.began + (1e9 * earlier.wall_seconds) as i64);
        }
        let gap = last.map_or(0.0, |last| seconds(run.began - last));
        let early = (gap - IDLE_BEFORE).max(0.0);
        modes.settle(&mut state, &rest, early);
        let at_idle = modes.temperature(&state, 0);
        modes.settle(&mut state, &rest, gap - early);
        Ok(Self { modes, state, at_idle })
    }

    /// Of the die, the mean over the first `seconds` of the run (K).
    #[must_use]
    pub fn mean(&self, seconds: f64) -> f64 {
        let rest = self.modes.drive(&vec![0.0; self.modes.nodes()], 0.0);
        self.modes.temperature_integral(&self.state, &rest, 0, seconds) / seconds
    }

    /// Of the die, after `seconds` of the run (K).
    #[must_use]
    pub fn after(&self, seconds: f64) -> f64 {
        let rest = self.modes.drive(&vec![0.0; self.modes.nodes()], 0.0);
        let mut state = self.state.clone();
        self.modes.settle(&mut state, &rest, seconds);
        self.modes.temperature(&state, 0)
    }
}

/// Mean power of a GPU above its idle power in a run (W).
fn excess(run: &LiveRun, gpu: usize) -> f64 {
    let idle = run.idle.get(gpu).and_then(|idle| idle.watts);
    let joules = run.gpus.get(gpu).and_then(|gpu| gpu.joules());
    joules.zip(idle).map_or(0.0, |(joules, idle)| joules / run.wall_seconds.max(1e-9) - idle)
}

fn seconds(nanos: i64) -> f64 {
    (nanos as f64 * 1e-9).max(0.0)
}
