//! The governors of all GPUs, one pass a period: power cap, thermal slowdown, hardware slowdown, slow memory.
//!
//! The rules are those of a run of one group ([`crate::world`]), with two differences that come from steps being one event: the clock that keeps the
//! cap is found in closed form from the power of the running stretch, instead of by a loop over its last second; and limits of temperature are
//! seen at the next pass instead of at the computed instant. A clock that changes is in force from the next stretch on.

use super::work::Pace;
use crate::hardware::{Clock, Limits, PowerLaw};

/// What the governors of a fleet never change.
#[derive(Clone, Debug)]
pub(super) struct GovernorSpec {
    limits: Option<Limits>,
    clock: Clock,
    power: PowerLaw,
    /// [`Clock::dynamic_weight`] by step.
    weight: Vec<f64>,
}

/// What the governors have decided, one entry per GPU.
#[derive(Clone, Debug)]
pub(super) struct Governors {
    highest: Vec<u32>,
    /// Step the power cap allows.
    cap_step: Vec<u32>,
    /// Step the software slowdown allows.
    thermal_step: Vec<u32>,
    /// Whether hardware has cut the clock.
    slowed: Vec<bool>,
    memory_slowed: Vec<bool>,
}

/// What a pass looks at of one GPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    /// Temperature of the die (degC).
    pub(super) die: f64,
    /// Temperature of the memory (degC).
    pub(super) memory: f64,
    /// Mean power of the running stretch (W), and the clock step it was drawn at; `None` while the GPU is idle.
    pub(super) drawn: Option<(f64, u32)>,
}

/// A die that has reached its shutdown temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShutDown;

impl GovernorSpec {
    pub(super) fn new(limits: Option<Limits>, clock: &Clock, power: &PowerLaw) -> Self {
        let weight = (0..clock.steps()).map(|step| clock.dynamic_weight(step)).collect();
        Self { limits, clock: clock.clone(), power: power.clone(), weight }
    }

    /// What a memory draws at rest (W).
    pub(super) fn memory_constant(&self) -> f64 {
        self.power.memory_constant.get()
    }

    /// The highest step at which power that was `watts` at step `at` keeps the cap.
    fn capped(&self, limits: &Limits, watts: f64, at: u32, die: f64) -> u32 {
        let fixed = self.power.constant.get() + self.power.memory_constant.get() + self.power.leakage_watts(die);
        let allowed = self.weight[at as usize] * (limits.power_cap.get() - fixed).max(0.0) / (watts - fixed).max(1.0);
        // A billionth forgives the rounding of a clock that just keeps the cap.
        let allowed = allowed * (1.0 + 1e-9);
        (self.weight.partition_point(|weight| *weight <= allowed) as u32).saturating_sub(1)
    }
}

impl Governors {
    pub(super) fn new(highest: Vec<u32>) -> Self {
        let none = vec![false; highest.len()];
        Self {
            cap_step: highest.clone(),
            thermal_step: highest.clone(),
            highest,
            slowed: none.clone(),
            memory_slowed: none,
        }
    }

    /// How fast a GPU may go.
    #[inline]
    pub(super) fn pace(&self, gpu: usize, spec: &GovernorSpec) -> Pace {
        let step = self.cap_step[gpu].min(self.thermal_step[gpu]);
        let step = match &spec.limits {
            Some(limits) if self.slowed[gpu] => limits.slowed_step(&spec.clock, step),
            _ => step,
        };
        Pace { step, memory_slowed: self.memory_slowed[gpu] }
    }

    /// Whether cap, software and hardware hold a GPU back.
    #[inline]
    pub(super) fn reasons(&self, gpu: usize) -> (bool, bool, bool) {
        let highest = self.highest[gpu];
        let software = self.thermal_step[gpu] < highest || self.memory_slowed[gpu];
        (self.cap_step[gpu] < highest, software, self.slowed[gpu])
    }

    /// Whether anything holds a GPU back.
    #[inline]
    pub(super) fn holds_back(&self, gpu: usize) -> bool {
        let (power_cap, software, hardware) = self.reasons(gpu);
        power_cap || software || hardware
    }

    /// One look at one GPU.
    ///
    /// # Errors
    /// [`ShutDown`] if its die is too hot to go on.
    #[inline]
    pub(super) fn look(&mut self, gpu: usize, observed: &Observed, spec: &GovernorSpec) -> Result<(), ShutDown> {
        let Some(limits) = &spec.limits else { return Ok(()) };
        let highest = self.highest[gpu];
        if let Some((watts, at)) = observed.drawn
            && (watts > limits.power_cap.get() || self.cap_step[gpu] < highest)
        {
            self.cap_step[gpu] = spec.capped(limits, watts, at, observed.die).min(highest);
        }
        let die = observed.die;
        let hysteresis = limits.software_hysteresis.get();
        if die > limits.max_operating.get() {
            let in_force = self.cap_step[gpu].min(self.thermal_step[gpu]);
            self.thermal_step[gpu] = self.thermal_step[gpu].min(in_force).saturating_sub(1);
        } else if die < limits.max_operating.get() - hysteresis && self.thermal_step[gpu] < highest {
            self.thermal_step[gpu] += 1;
        }
        let cool = limits.hardware_hysteresis.get();
        self.slowed[gpu] = with_hysteresis(self.slowed[gpu], die, limits.slowdown.get(), cool);
        self.memory_slowed[gpu] =
            with_hysteresis(self.memory_slowed[gpu], observed.memory, limits.memory_max.get(), cool);
        if die >= limits.shutdown.get() { Err(ShutDown) } else { Ok(()) }
    }
}

/// On from `limit` on, off again `hysteresis` below it.
#[inline]
fn with_hysteresis(is_on: bool, value: f64, limit: f64, hysteresis: f64) -> bool {
    value >= limit || (is_on && value > limit - hysteresis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::DeviceProfile;

    fn spec() -> (GovernorSpec, Limits) {
        let profile: DeviceProfile = toml::from_str(include_str!("../../../scenarios/hardware/h200-sxm.toml")).unwrap();
        let (limits, clock, power) = (profile.limits.unwrap(), profile.clock.unwrap(), profile.power.unwrap());
        (GovernorSpec::new(Some(limits.clone()), &clock, &power), limits)
    }

    fn observed(die: f64, drawn: Option<(f64, u32)>) -> Observed {
        Observed { die, memory: 60.0, drawn }
    }

    /// A GPU whose dynamic power goes with f V^2: one look finds the clock that keeps the cap, and the next one stays there.
    #[test]
    fn the_cap_is_kept_in_one_look() {
        let (spec, limits) = spec();
        let mut governors = Governors::new(vec![109]);
        let fixed = 52.0 + spec.power.leakage_watts(60.0);
        let watts = |step: u32| fixed + 900.0 * spec.weight[step as usize] / spec.weight[109];
        governors.look(0, &observed(60.0, Some((watts(109), 109))), &spec).unwrap();
        let step = governors.pace(0, &spec).step;
        assert!(watts(step) <= limits.power_cap.get() && watts(step + 1) > limits.power_cap.get());
        assert_eq!(governors.reasons(0), (true, false, false));
        for _ in 0..3 {
            governors.look(0, &observed(60.0, Some((watts(step), step))), &spec).unwrap();
            assert_eq!(governors.pace(0, &spec).step, step);
        }
        governors.look(0, &observed(60.0, None), &spec).unwrap();
        assert_eq!(governors.pace(0, &spec).step, step, "an idle GPU says nothing about its cap");
        governors.look(0, &observed(60.0, Some((400.0, step))), &spec).unwrap();
        assert_eq!(governors.reasons(0), (false, false, false));
    }

    #[test]
    fn slowdowns_have_hysteresis_and_a_hot_die_ends_it_all() {
        let (spec, _) = spec();
        let mut governors = Governors::new(vec![109]);
        let mut look = |die, memory| {
            let result = governors.look(0, &Observed { memory, ..observed(die, None) }, &spec);
            (result, governors.reasons(0), governors.pace(0, &spec).step)
        };
        assert_eq!(look(88.0, 60.0), (Ok(()), (false, true, false), 108));
        assert_eq!(look(86.0, 60.0).2, 108, "neither hot nor cool");
        assert_eq!(look(84.0, 60.0), (Ok(()), (false, false, false), 109));
        assert_eq!(look(89.0, 60.0), (Ok(()), (false, true, true), 42), "half the clock");
        assert!(look(86.0, 60.0).1.2, "still slowed");
        assert!(!look(84.9, 60.0).1.2);
        assert_eq!(look(60.0, 95.0).1, (false, true, false));
        assert!(look(60.0, 92.0).1.1 && !look(60.0, 90.0).1.1);
        assert_eq!(look(95.0, 60.0).0, Err(ShutDown));
    }
}
