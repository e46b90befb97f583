//! Advancing a leaking device: closed form for the linear law, exponential time differencing for the rest of the exponential one.

use super::decay::{Decay, LANES};
use super::leakage::{LeakFlow, LeakageError, LeakageLaw, LeakyModes, Source};
use super::modes::{Modes, dot};
use super::settle::{Quad, quad};

/// Buffers of one interval. One serves all devices of all kinds that are not larger than the one it was made for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeakScratch {
    /// Drive with the remainders at the step's start.
    drive: Vec<f64>,
    /// Predicted state.
    next: Vec<f64>,
    /// Integral of each mode.
    area: Vec<f64>,
    /// What the change of the remainders adds to the drive over the step.
    ramp: Vec<f64>,
    phi2: Vec<f64>,
    phi3: Vec<f64>,
    /// Per source: remainder at the step's start and at its predicted end (W).
    before: Vec<f64>,
    after: Vec<f64>,
}

impl LeakScratch {
    /// Buffers for devices of this kind.
    #[must_use]
    pub fn new(leaky: &LeakyModes) -> Self {
        let mut scratch = Self::default();
        scratch.fit(leaky);
        scratch
    }

    fn fit(&mut self, leaky: &LeakyModes) {
        let n = leaky.modes.modes();
        for list in [&mut self.drive, &mut self.next, &mut self.area, &mut self.ramp, &mut self.phi2, &mut self.phi3]
            .into_iter()
        {
            list.resize(n, 0.0);
        }
        self.before.resize(leaky.sources.len(), 0.0);
        self.after.resize(leaky.sources.len(), 0.0);
    }
}

/// An interval this many steps long, or steps this short against the interval, is a runaway that has not reached its bound yet.
const MAX_STEPS: u32 = 1_000_000;
const SHORTEST: f64 = 1e-12;

impl LeakyModes {
    /// Advances `state` by `seconds` under a constant `drive` of [`LeakyModes::drive_into`] and returns where the energy went.
    /// `ambient` (degC) is the one in `drive`.
    ///
    /// The linear law is exact. The exponential law takes steps whose error estimate is below the tolerance: a predictor with the
    /// remainder frozen, then `h phi2 (r1 - r0)`, whose size is the estimate. Within a step the remainder is a straight line
    /// in time, of which the step is the exact solution; so the energies balance to rounding whatever the step.
    /// An interval cut in two gives the same state only within the tolerance.
    ///
    /// # Errors
    /// [`LeakageError::Runaway`]; `state` is then the last one below the bound, or the first one past it.
    pub fn advance(
        &self,
        state: &mut [f64],
        drive: &[f64],
        ambient: f64,
        seconds: f64,
        scratch: &mut LeakScratch,
    ) -> Result<LeakFlow, LeakageError> {
        scratch.fit(self);
        match self.law {
            LeakageLaw::Linear => Ok(self.advance_linear(state, drive, ambient, seconds, scratch)),
            LeakageLaw::Exponential => self.advance_exponential(state, drive, ambient, seconds, scratch),
        }
    }

    fn advance_linear(
        &self,
        state: &mut [f64],
        drive: &[f64],
        ambient: f64,
        seconds: f64,
        scratch: &mut LeakScratch,
    ) -> LeakFlow {
        let n = self.modes.modes();
        scratch.drive[..n].copy_from_slice(drive);
        predict(&self.modes, state, seconds, scratch);
        let mut flow = LeakFlow { steps: 1, ..LeakFlow::default() };
        self.take(state, ambient, seconds, scratch, &mut flow);
        flow
    }

    /// Takes the step in `scratch` over: the state, and the energies of everything but the remainders.
    fn take(&self, state: &mut [f64], ambient: f64, h: f64, scratch: &LeakScratch, flow: &mut LeakFlow) {
        let n = self.modes.modes();
        let area = &scratch.area[..n];
        flow.removed += dot(&self.modes.ambient_of_mode, area) - self.modes.ambient_total * ambient * h;
        flow.leaked += self.tangent_energy(area, h);
        flow.first_node += self.modes.temperature(area, 0);
        for ((weight, next), now) in self.modes.stored_of_mode.iter().zip(&scratch.next).zip(state.iter()) {
            flow.stored += weight * (next - now);
        }
        state.copy_from_slice(&scratch.next[..n]);
    }

    fn tangent_energy(&self, area: &[f64], seconds: f64) -> f64 {
        let energy = |s: &Source| s.base * seconds + s.slope * self.modes.temperature(area, s.leakage.node);
        self.sources.iter().map(energy).sum()
    }

    fn advance_exponential(
        &self,
        state: &mut [f64],
        drive: &[f64],
        ambient: f64,
        seconds: f64,
        scratch: &mut LeakScratch,
    ) -> Result<LeakFlow, LeakageError> {
        let mut flow = LeakFlow::default();
        let (mut done, mut step) = (0.0, seconds);
        while done < seconds {
            let left = seconds - done;
            let last = step >= left;
            let h = if last { left } else { step };
            let error = self.try_step(state, drive, h, scratch);
            let stretch = (0.8 * self.tolerance / error).sqrt();
            flow.steps += 1;
            // A NaN or an infinite estimate is no small one.
            let small = error <= self.tolerance;
            if !small {
                step = h * if stretch.is_finite() { stretch.max(0.2) } else { 0.2 };
                if step < SHORTEST * seconds || flow.steps > MAX_STEPS {
                    return Err(self.runaway(state, done));
                }
                continue;
            }
            self.take(state, ambient, h, scratch, &mut flow);
            flow.leaked += scratch.before.iter().zip(&scratch.after).map(|(r0, r1)| 0.5 * h * (r0 + r1)).sum::<f64>();
            done = if last { seconds } else { done + h };
            let hottest = |s: &Source| self.modes.temperature(state, s.leakage.node) > self.bound;
            if self.sources.iter().any(hottest) || flow.steps > MAX_STEPS {
                return Err(self.runaway(state, done));
            }
            step = h * stretch.clamp(0.2, 5.0);
        }
        Ok(flow)
    }

    /// Fills `scratch` with the state `h` later, the integrals, and the remainders at both ends; returns the error estimate (K).
    fn try_step(&self, state: &[f64], drive: &[f64], h: f64, scratch: &mut LeakScratch) -> f64 {
        let n = self.modes.modes();
        let modes = &self.modes;
        scratch.drive[..n].copy_from_slice(drive);
        for (source, r0) in self.sources.iter().zip(&mut scratch.before) {
            *r0 = source.remainder(modes.temperature(state, source.leakage.node));
            modes.add_power(&mut scratch.drive[..n], source.leakage.node, *r0);
        }
        predict(modes, state, h, scratch);
        scratch.ramp[..n].fill(0.0);
        for ((source, r0), r1) in self.sources.iter().zip(&scratch.before).zip(&mut scratch.after) {
            *r1 = source.remainder(modes.temperature(&scratch.next[..n], source.leakage.node));
            modes.add_power(&mut scratch.ramp[..n], source.leakage.node, *r1 - r0);
        }
        for i in 0..n {
            let bend = h * scratch.phi2[i] * scratch.ramp[i];
            scratch.next[i] += bend;
            scratch.area[i] += h * h * scratch.phi3[i] * scratch.ramp[i];
            scratch.ramp[i] = bend;
        }
        let ramp = &scratch.ramp[..n];
        let size = |s: &Source| modes.temperature(ramp, s.leakage.node).abs();
        // Not `f64::max`, which would lose a NaN.
        self.sources.iter().map(size).fold(0.0, |a, b| if b <= a { a } else { b })
    }

    fn runaway(&self, state: &[f64], after_seconds: f64) -> LeakageError {
        let mut worst = (0, f64::NEG_INFINITY);
        for source in &self.sources {
            let temperature = self.modes.temperature(state, source.leakage.node);
            if temperature > worst.1 {
                worst = (source.leakage.node, temperature);
            }
        }
        LeakageError::Runaway { node: worst.0, temperature: worst.1, after_seconds, bound: self.bound }
    }
}

/// State and integrals `h` later under `scratch.drive`, and the functions the correction needs.
fn predict(modes: &Modes, state: &[f64], h: f64, scratch: &mut LeakScratch) {
    crate::simd::dispatch(
        #[inline(always)]
        || {
            for at in (0..modes.n).step_by(LANES) {
                let block = Quad::load(&modes.rate, state, &scratch.drive[..modes.n], at, h);
                let (change, area) = (block.change(h), block.integral(h));
                block.store(&change, &mut scratch.next);
                let Decay { phi2, phi3, .. } = block.decay;
                let (from, len) = (at, quad(&modes.rate, at).1);
                scratch.area[from..from + len].copy_from_slice(&area[..len]);
                scratch.phi2[from..from + len].copy_from_slice(&phi2[..len]);
                scratch.phi3[from..from + len].copy_from_slice(&phi3[..len]);
            }
        },
    );
}
