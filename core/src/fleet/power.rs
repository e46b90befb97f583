//! What every GPU draws, and the energy that it has drawn since somebody last asked.
//!
//! Powers change when a group begins or ends a stretch, at any instant; physics is swept on a grid. A GPU whose power changed within an interval is
//! swept with the mean of that interval, so that exactly the energy it drew becomes heat.

use std::ops::Range;

use super::layout::Layout;
use super::step::Power;
use super::sweep::{Input, Sweep};
use crate::time::SimTime;

/// Powers and energies of all GPUs.
#[derive(Clone, Debug)]
pub(super) struct Powers {
    /// Power of everything but memory and leakage, and of the memory (W).
    compute: Vec<f64>,
    memory: Vec<f64>,
    /// The part that work and exchange are (W).
    work: Vec<f64>,
    /// Energy since the last account (J).
    pub(super) compute_j: Vec<f64>,
    pub(super) memory_j: Vec<f64>,
    /// Energy of work since the last account, all GPUs (J).
    pub(super) work_j: f64,
    /// Energy without leakage since governors last looked (J).
    period_j: Vec<f64>,
    /// Energy in the interval under way of groups whose power has changed in it (J).
    tick_compute: Vec<f64>,
    tick_memory: Vec<f64>,
    /// Up to when the energies of each group are added up.
    settled: Vec<SimTime>,
    /// Up to when those of the interval are, where the power has changed in it.
    touched: Vec<Option<SimTime>>,
    swept: SimTime,
}

impl Powers {
    pub(super) fn new(layout: &Layout) -> Self {
        let zeros = vec![0.0; layout.gpus()];
        Self {
            compute: zeros.clone(),
            memory: zeros.clone(),
            work: zeros.clone(),
            compute_j: zeros.clone(),
            memory_j: zeros.clone(),
            work_j: 0.0,
            period_j: zeros.clone(),
            tick_compute: zeros.clone(),
            tick_memory: zeros,
            settled: vec![SimTime::ZERO; layout.groups],
            touched: vec![None; layout.groups],
            swept: SimTime::ZERO,
        }
    }

    /// Power of a GPU without leakage (W).
    #[inline]
    pub(super) fn watts(&self, gpu: usize) -> f64 {
        self.compute[gpu] + self.memory[gpu]
    }

    /// Mean power of a GPU without leakage since this was last asked, `seconds` ago, of a settled group (W).
    #[inline]
    pub(super) fn mean_watts(&mut self, gpu: usize, seconds: f64) -> f64 {
        std::mem::take(&mut self.period_j[gpu]) / seconds
    }

    /// Adds up what a group drew up to `now`.
    pub(super) fn settle(&mut self, group: usize, layout: &Layout, now: SimTime) {
        let seconds = (now - self.settled[group]).seconds();
        if seconds == 0.0 {
            return;
        }
        self.settled[group] = now;
        let mut work = 0.0;
        for gpu in layout.group(group) {
            let (compute_j, memory_j) = (self.compute[gpu] * seconds, self.memory[gpu] * seconds);
            self.compute_j[gpu] += compute_j;
            self.memory_j[gpu] += memory_j;
            self.period_j[gpu] += compute_j + memory_j;
            work += self.work[gpu];
        }
        self.work_j += work * seconds;
    }

    /// Gives the GPUs of a group other powers from `now` on.
    pub(super) fn change(&mut self, group: usize, powers: &[Power], layout: &Layout, now: SimTime) {
        self.settle(group, layout, now);
        let gpus = layout.group(group);
        if self.touched[group].is_none() {
            self.tick_compute[gpus.clone()].fill(0.0);
            self.tick_memory[gpus.clone()].fill(0.0);
            self.touched[group] = Some(self.swept);
        }
        self.settle_tick(group, gpus.clone(), now);
        for (gpu, power) in gpus.zip(powers) {
            self.compute[gpu] = power.draw.compute_w;
            self.memory[gpu] = power.draw.memory_w;
            self.work[gpu] = power.work_w;
        }
    }

    fn settle_tick(&mut self, group: usize, gpus: Range<usize>, now: SimTime) {
        let Some(since) = self.touched[group].replace(now) else { return };
        let seconds = (now - since).seconds();
        for gpu in gpus {
            self.tick_compute[gpu] += self.compute[gpu] * seconds;
            self.tick_memory[gpu] += self.memory[gpu] * seconds;
        }
    }

    /// Sweeps the interval that ends `now`; `inlet` is that of each GPU (degC).
    pub(super) fn sweep(&mut self, sweep: &mut Sweep, inlet: &[f64], layout: &Layout, now: SimTime) {
        let seconds = (now - self.swept).seconds();
        for group in 0..layout.groups {
            if self.touched[group].is_none() {
                continue;
            }
            self.settle_tick(group, layout.group(group), now);
            for gpu in layout.group(group) {
                let (compute_w, memory_w) = (self.tick_compute[gpu] / seconds, self.tick_memory[gpu] / seconds);
                sweep.set(gpu, Input { compute_w, memory_w, inlet: inlet[gpu] });
            }
        }
        sweep.step();
        self.swept = now;
        for group in 0..layout.groups {
            if self.touched[group].take().is_some() {
                layout.group(group).for_each(|gpu| sweep.set(gpu, self.input(gpu, inlet)));
            }
        }
    }

    /// What heats and cools a GPU from now on.
    pub(super) fn input(&self, gpu: usize, inlet: &[f64]) -> Input {
        Input { compute_w: self.compute[gpu], memory_w: self.memory[gpu], inlet: inlet[gpu] }
    }
}
