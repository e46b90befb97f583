//! How long the expert work of a Mixtral layer takes on the GPUs of this machine: the load alone, without isotherm.
//!
//! ```sh
//! load-bench                                  # GPU 0
//! load-bench --gpus 2 --repeats 50            # and how work is split between two
//! load-bench --options '{"device": "cpu"}' --shape 8,256,512 --repeats 3
//! ```

use std::process::ExitCode;

use isotherm_load::Experts;
use isotherm_plugin::prelude::*;
use isotherm_plugin::serde_json;

const TOKENS: [u32; 7] = [1, 4, 16, 64, 256, 1024, 4096];
const USAGE: &str = "load-bench [--gpus N] [--repeats N] [--shape EXPERTS,D_MODEL,D_FF] [--options JSON]";

fn main() -> ExitCode {
    match Bench::from_arguments(std::env::args().skip(1)).and_then(|bench| bench.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    shape: LoadShape,
    repeats: usize,
    options: Experts,
}

impl Bench {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let shape = LoadShape { devices: vec![0], experts: 8, top_k: 2, d_model: 4096, d_ff: 14336, matrices: 3 };
        let mut bench = Self { shape, repeats: 20, options: Experts::default() };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().unwrap_or_default();
            let wrong = || format!("{flag} {value}: expected {USAGE}");
            match flag.as_str() {
                "--gpus" => bench.shape.devices = (0..value.parse().map_err(|_| wrong())?).collect(),
                "--repeats" => bench.repeats = value.parse().ok().filter(|repeats| *repeats > 0).ok_or_else(wrong)?,
                "--options" => bench.options = serde_json::from_str(&value).map_err(|e| format!("{}; {e}", wrong()))?,
                "--shape" => {
                    let sizes: Vec<u32> = value.split(',').filter_map(|size| size.parse().ok()).collect();
                    let [experts, d_model, d_ff] = sizes[..] else { return Err(wrong()) };
                    bench.shape = LoadShape { experts, d_model, d_ff, ..bench.shape };
                }
                _ => return Err(wrong()),
            }
        }
        Ok(bench)
    }

    fn run(&self) -> Result<(), String> {
        let mut load = self.options.build(&self.shape).map_err(|error| error.to_string())?;
        let LoadShape { experts, d_model, d_ff, .. } = self.shape;
        println!("{experts} experts of 3 x {d_model} x {d_ff}, median of {} repeats", self.repeats);
        for (gpu, device) in load.devices().iter().enumerate() {
            println!("GPU {gpu}: {device}");
        }
        println!("\n{:>14} {:>12} {:>12} {:>10}", "tokens/expert", "GPU", "seconds", "TFLOP/s");
        for gpu in 0..self.shape.devices.len() {
            for tokens in TOKENS {
                let mut shares = vec![Share::new(); self.shape.devices.len()];
                shares[gpu] = self.share(tokens);
                let seconds = self.median(&mut *load, &shares)?[gpu];
                println!(
                    "{tokens:>14} {gpu:>12} {seconds:>12.6} {:>10.1}",
                    self.operations(&shares[gpu]) / seconds / 1e12
                );
            }
        }
        if self.shape.devices.len() > 1 {
            self.splits(&mut *load)?;
        }
        Ok(())
    }

    /// The same work split between the first two GPUs.
    fn splits(&self, load: &mut dyn Load) -> Result<(), String> {
        println!("\n{:>14} {:>12} {:>12} {:>12}", "tokens/expert", "split", "GPU 0 [s]", "GPU 1 [s]");
        for tokens in TOKENS.into_iter().filter(|tokens| *tokens >= 16) {
            for percent in [50, 90] {
                let mut shares = vec![Share::new(); self.shape.devices.len()];
                let first = tokens * percent / 100;
                (shares[0], shares[1]) = (self.share(first), self.share(tokens - first));
                let seconds = self.median(load, &shares)?;
                println!("{tokens:>14} {percent:>9}/{:<2} {:>12.6} {:>12.6}", 100 - percent, seconds[0], seconds[1]);
            }
        }
        Ok(())
    }

    fn share(&self, tokens: u32) -> Share {
        (0..self.shape.experts).map(|expert| (ExpertId(expert), tokens)).collect()
    }

    fn operations(&self, share: &Share) -> f64 {
        let LoadShape { d_model, d_ff, matrices, .. } = self.shape;
        let rows: f64 = share.iter().map(|(_, tokens)| f64::from(*tokens)).sum();
        2.0 * rows * f64::from(d_model) * f64::from(d_ff) * f64::from(matrices)
    }

    /// The median of each GPU's seconds. The first time does not count.
    fn median(&self, load: &mut dyn Load, shares: &[Share]) -> Result<Vec<f64>, String> {
        let mut taken = vec![Vec::with_capacity(self.repeats); shares.len()];
        let mut seconds = vec![0.0; shares.len()];
        for repeat in 0..=self.repeats {
            load.execute(shares, &mut seconds).map_err(|error| error.to_string())?;
            if repeat > 0 {
                taken.iter_mut().zip(&seconds).for_each(|(taken, seconds)| taken.push(*seconds));
            }
        }
        Ok(taken
            .into_iter()
            .map(|mut taken| {
                taken.sort_by(f64::total_cmp);
                taken[taken.len() / 2]
            })
            .collect())
    }
}
