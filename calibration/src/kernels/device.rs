//! A device in its steady state: clock, power and temperature that belong together.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::{Draw, Kernels, Work, busy_draw, capped_step, idle_draw};
use isotherm_core::thermal::Modes;

/// A profile, ready to say at which clock and power it does some work over and over.
///
/// The die's temperature is that of the thermal network's steady state, because leakage depends on it; without `[clock]`,
/// `[power]` or `[limits]` the device runs at the kernels' reference clock and power is not known.
#[derive(Clone, Debug)]
pub struct Device<'a> {
    /// The profile.
    pub profile: &'a DeviceProfile,
    /// Its kernels.
    pub kernels: Kernels,
    /// Warming of the die per watt of compute and of memory power (K/W).
    warming: [f64; 2],
}

/// Steady operation of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Operation {
    /// SM clock while it works (MHz).
    pub mhz: f64,
    /// Time of the work (s), without waiting.
    pub seconds: f64,
    /// Mean power over work and waiting; nothing where the profile has no power law.
    pub draw: Option<Draw>,
    /// Temperature of the die (degC).
    pub celsius: f64,
}

/// Rounds of clock, power and temperature; a round shrinks the error about twentyfold (0.9 W/K times 0.05 K/W).
const ROUNDS: u32 = 5;

impl<'a> Device<'a> {
    /// Prepares a profile.
    ///
    /// # Errors
    /// A sentence that names what is missing or not physical.
    pub fn new(profile: &'a DeviceProfile) -> Result<Self, String> {
        let kernels = profile.kernel.clone().ok_or_else(|| {
            format!("the profile `{}` has no [kernel] section, so it cannot say how long a layer takes", profile.name)
        })?;
        kernels.check()?;
        if let Some(clock) = &profile.clock {
            clock.check()?;
        }
        if let Some(power) = &profile.power {
            power.check()?;
        }
        let modes = Modes::of(&profile.network()?);
        let warming = [profile.heat_shares(), profile.memory_heat_shares()]
            .map(|share| modes.steady(&modes.drive(&share, 0.0), 0));
        Ok(Self { profile, kernels, warming })
    }

    /// Temperature of the die (degC) at a steady power.
    #[must_use]
    pub fn celsius(&self, draw: Draw) -> f64 {
        self.profile.ambient.get() + self.warming[0] * draw.compute_w + self.warming[1] * draw.memory_w
    }

    /// Steady operation at `work` once every `period` seconds, waiting in between; back to back where the work takes longer.
    #[must_use]
    pub fn operate(&self, work: &Work, period: f64) -> Operation {
        let (Some(clock), Some(power)) = (&self.profile.clock, &self.profile.power) else {
            let mhz = work.reference_mhz;
            return Operation { mhz, seconds: work.seconds(mhz), draw: None, celsius: self.profile.ambient.get() };
        };
        let cap = self.profile.limits.as_ref().map_or(f64::INFINITY, |limits| limits.power_cap.get());
        let top = clock.mhz(clock.steps() - 1);
        let mean = |mhz: f64, celsius: f64| {
            let (busy, idle) = (busy_draw(power, clock, mhz, celsius, work), idle_draw(power, clock, top, celsius));
            let share = if period > 0.0 { (work.seconds(mhz) / period).min(1.0) } else { 1.0 };
            Draw {
                compute_w: share * busy.compute_w + (1.0 - share) * idle.compute_w,
                memory_w: share * busy.memory_w + (1.0 - share) * idle.memory_w,
            }
        };
        let (mut celsius, mut mhz, mut draw) = (self.profile.ambient.get() + 20.0, top, Draw::default());
        for _ in 0..ROUNDS {
            mhz = if mean(top, celsius).total() <= cap {
                top
            } else if period > 0.0 {
                let fits = |step: &u32| mean(clock.mhz(*step), celsius).total() <= cap;
                clock.mhz((0..clock.steps()).rev().find(fits).unwrap_or(0))
            } else {
                clock.mhz(capped_step(power, clock, cap, celsius, work))
            };
            draw = mean(mhz, celsius);
            celsius = self.celsius(draw);
        }
        Operation { mhz, seconds: work.seconds(mhz), draw: Some(draw), celsius }
    }
}
