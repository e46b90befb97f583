//! A device in its steady state: clock, power and temperature that belong together.

use isotherm_core::hardware::Clock;
use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::{Draw, Kernels, Work, busy_draw, idle_draw};
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

/// What a GPU does beside its work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beside {
    /// Time from one start of the work to the next (s); back to back where it is 0 or the work takes longer.
    pub period: f64,
    /// Power above idle while it does not work (W).
    pub waiting_w: f64,
    /// Energy of exchanges in a period (J).
    pub joules: f64,
}

/// Rounds of clock, power and temperature; a round shrinks the error about twentyfold (0.9 W/K times 0.05 K/W).
const ROUNDS: u32 = 5;
/// Change of temperature (K) that no longer matters: 0.2 W of leakage.
const SETTLED: f64 = 0.2;

/// Part of the power limit that a real governor holds on average: 690 to 693 W of 700 W in every capped phase of our two
/// recordings.
const HELD: f64 = 0.988;

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

    /// Steady operation at `work`, back to back.
    #[must_use]
    pub fn operate(&self, work: &Work) -> Operation {
        self.operate_beside(work, Beside::default())
    }

    /// Steady operation at `work` once every period, exchanging and waiting in between.
    #[must_use]
    pub fn operate_beside(&self, work: &Work, beside: Beside) -> Operation {
        let (Some(clock), Some(power)) = (&self.profile.clock, &self.profile.power) else {
            let mhz = work.reference_mhz;
            return Operation { mhz, seconds: work.seconds(mhz), draw: None, celsius: self.profile.ambient.get() };
        };
        let cap = self.profile.limits.as_ref().map_or(f64::INFINITY, |limits| limits.power_cap.get());
        let top = clock.mhz(clock.steps() - 1);
        let mean = |mhz: f64, celsius: f64| {
            let busy = busy_draw(power, clock, mhz, celsius, work);
            if beside.period <= 0.0 {
                return busy;
            }
            let idle = idle_draw(power, clock, top, celsius);
            let share = (work.seconds(mhz) / beside.period).min(1.0);
            let exchanged = beside.joules / beside.period;
            Draw {
                compute_w: share * busy.compute_w + (1.0 - share) * (idle.compute_w + beside.waiting_w) + exchanged,
                memory_w: share * busy.memory_w + (1.0 - share) * idle.memory_w,
            }
        };
        let (mut celsius, mut mhz, mut draw) = (self.profile.ambient.get() + 20.0, top, Draw::default());
        for _ in 0..ROUNDS {
            mhz = held_clock(clock, cap * HELD, |mhz| mean(mhz, celsius).total());
            draw = mean(mhz, celsius);
            let before = std::mem::replace(&mut celsius, self.celsius(draw));
            if (celsius - before).abs() < SETTLED {
                break;
            }
        }
        Operation { mhz, seconds: work.seconds(mhz), draw: Some(draw), celsius }
    }
}

/// The mean clock (MHz) at which `watts` of the clock just meets `cap`: a governor steps to and fro around it. The lowest
/// clock if even that draws too much.
///
/// Power rises smoothly with the clock, so the Illinois form of the secant rule needs about five evaluations.
fn held_clock(clock: &Clock, cap: f64, watts: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (clock.min_mhz, clock.max_mhz);
    let mut above = watts(high) - cap;
    if above <= 0.0 {
        return high;
    }
    let mut below = watts(low) - cap;
    if below >= 0.0 {
        return low;
    }
    let mut side = 0;
    for _ in 0..40 {
        let mhz = (low * above - high * below) / (above - below);
        let over = watts(mhz) - cap;
        if over.abs() < 1e-3 * cap || high - low < 0.1 {
            return mhz;
        }
        if over > 0.0 {
            (high, above) = (mhz, over);
            below *= if side > 0 { 0.5 } else { 1.0 };
            side = 1;
        } else {
            (low, below) = (mhz, over);
            above *= if side < 0 { 0.5 } else { 1.0 };
            side = -1;
        }
    }
    low
}
