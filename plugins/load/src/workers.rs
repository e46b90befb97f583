//! All GPUs of a load: started together, waited for together.

use std::time::Instant;

use candle_core::Device;
use isotherm_plugin::prelude::*;

use crate::device::Chosen;
use crate::layer::Layer;
use crate::options::Experts;
use crate::worker::{Starting, Worker};

/// A thread for each GPU.
#[derive(Debug)]
pub(crate) struct Workers {
    experts: u32,
    workers: Vec<Worker>,
    devices: Vec<String>,
}

impl Workers {
    /// Opens all devices at the same time.
    pub(crate) fn start(options: &Experts, shape: &LoadShape) -> Result<Self, LoadError> {
        let chosen = Chosen::of(options)?;
        check(shape)?;
        let bytes = Layer::bytes(shape, chosen.dtype);
        // The processor has one memory, however many GPUs it stands for.
        let shared = if chosen.cuda { None } else { Some(on_the_processor(chosen, shape, bytes, options.seed)?) };
        let start = |(gpu, number): (usize, &u32)| {
            let (number, shape, seed, shared) = (*number, shape.clone(), options.seed, shared.clone());
            Worker::start(gpu, move || {
                let (device, name) = chosen.open(number, if shared.is_some() { 0 } else { bytes })?;
                Ok((shared.map_or_else(|| filled(&shape, &device, chosen, seed), Ok)?, name))
            })
        };
        let starting: Vec<Starting> = shape.devices.iter().enumerate().map(start).collect::<Result<_, _>>()?;
        let ready: Vec<(Worker, String)> = starting.into_iter().map(Starting::ready).collect::<Result<_, _>>()?;
        let (workers, devices) = ready.into_iter().unzip();
        Ok(Self { experts: shape.experts, workers, devices })
    }
}

fn on_the_processor(chosen: Chosen, shape: &LoadShape, bytes: u64, seed: u64) -> Result<Layer, LoadError> {
    let (device, _) = chosen.open(0, bytes)?;
    filled(shape, &device, chosen, seed)
}

/// A layer on an open device that has worked before.
fn filled(shape: &LoadShape, device: &Device, chosen: Chosen, seed: u64) -> Result<Layer, LoadError> {
    let made = Layer::new(shape, device, chosen.dtype, seed).and_then(|layer| layer.warm_up().map(|()| layer));
    made.map_err(|error| {
        LoadError::Unfit(format!("the weights of {} experts cannot be put there: {error}", shape.experts))
    })
}

fn check(shape: &LoadShape) -> Result<(), LoadError> {
    let LoadShape { devices, experts, d_model, d_ff, matrices, .. } = shape;
    let sizes = [devices.len() as u32, *experts, *d_model, *d_ff];
    if sizes.contains(&0) || ![2, 3].contains(matrices) {
        let found = format!("{} GPUs, {experts} experts, {d_model} x {d_ff}, {matrices} matrices", sizes[0]);
        let message = format!("a layer of {found}; expected sizes of at least 1, and 2 or 3 matrices");
        return Err(LoadError::Unfit(message));
    }
    Ok(())
}

impl Load for Workers {
    fn devices(&self) -> &[String] {
        &self.devices
    }

    fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError> {
        self.check_shares(shares, seconds)?;
        let start = Instant::now();
        let mut outcome = Ok(());
        let mut keep_first = |gpu: usize, error: String| {
            if outcome.is_ok() {
                outcome = Err(LoadError::Failed(format!("GPU {gpu}: {error}")));
            }
        };
        seconds.fill(0.0);
        let mut busy = vec![false; shares.len()];
        for (gpu, (worker, share)) in self.workers.iter_mut().zip(shares).enumerate() {
            if share.is_empty() {
                continue;
            }
            match worker.order(share, start) {
                Ok(()) => busy[gpu] = true,
                Err(error) => keep_first(gpu, error),
            }
        }
        // All are waited for, also behind one that failed: none may still be at work when the next layer begins.
        for (gpu, worker) in self.workers.iter_mut().enumerate().filter(|(gpu, _)| busy[*gpu]) {
            match worker.wait() {
                Ok(taken) => seconds[gpu] = taken,
                Err(error) => keep_first(gpu, error),
            }
        }
        outcome
    }
}

impl Workers {
    fn check_shares(&self, shares: &[Share], seconds: &[f64]) -> Result<(), LoadError> {
        let gpus = self.workers.len();
        if [shares.len(), seconds.len()] != [gpus; 2] {
            let found = format!("{} shares and {} times", shares.len(), seconds.len());
            return Err(LoadError::Failed(format!("{found}; expected one of each for {gpus} GPUs")));
        }
        let wrong = |(expert, assignments): &&(ExpertId, u32)| expert.0 >= self.experts || *assignments == 0;
        for (gpu, share) in shares.iter().enumerate() {
            if let Some((expert, assignments)) = share.iter().find(wrong) {
                let found = format!("GPU {gpu} has {assignments} assignments of expert {}", expert.0);
                let expected = format!("at least 1 of experts below {}", self.experts);
                return Err(LoadError::Failed(format!("{found}; expected {expected}, for example [(e0, 16)]")));
            }
        }
        Ok(())
    }
}
