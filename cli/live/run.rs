//! The loop of a live run: route a batch by what the meters say, let the GPUs do the work, tell the router what it took.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::load::{Load, Share};
use isotherm_core::time::SimTime;
use sha2::{Digest, Sha256};

use super::clock::{Clock, nanos};
use super::decide::{Decider, Told};
use super::decisions::{Decision, DecisionLog};
use super::measured::{GpuMeasured, mean, mean_watts};
use super::monitor::Monitor;
use super::record::{Ending, Idle, LayerTimes, LiveRun};
use super::stream::{Gates, Stream};
use crate::fault::Fault;
use crate::scenario_file::{ScenarioFile, hex};

/// The last part of a rest is what "idle" means (s).
const IDLE_SECONDS: f64 = 5.0;
/// Readings still come this long after the work they speak of (s): power is the mean of a second.
const TAIL_SECONDS: f64 = 1.2;
/// Decisions are on the disk after so long (ns).
const FLUSH_NANOS: i64 = 1_000_000_000;

/// What energies per expert are made of, for the record.
pub const TOLD: &str = "energy of an expert: mean power of its GPU at the last poll less its idle power before the run, times the time since the layer \
                        before was done, for a mean has the waiting in it, by assignments; of a GPU without power readings: the declared energy of its assignments";

/// What all runs of a live comparison share.
pub struct Bench<'a> {
    /// The scenario.
    pub file: &'a ScenarioFile,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Reads the GPUs, where there is a meter.
    pub monitor: Option<&'a Monitor>,
    /// Executes the work.
    pub load: &'a mut dyn Load,
    /// Length of a run (s).
    pub seconds: f64,
    /// Rest before it (s).
    pub rest: f64,
    /// Set to end early.
    pub stop: &'a AtomicBool,
}

impl Bench<'_> {
    /// Rests, runs one router, and writes what it decided into `folder`.
    ///
    /// # Errors
    /// [`Fault`] if nothing could be run or written. A device that fails in the middle ends the run, and the record says so.
    pub fn run(&mut self, world: usize, variant: usize, folder: &Path) -> Result<LiveRun, Fault> {
        std::fs::create_dir_all(folder).map_err(|error| Fault::unwritable(folder, error))?;
        let stream = Stream::of(self.file, world)?;
        let decider = Decider::new(self.file, world, variant, &stream)?;
        let mut log = Logs::create(folder)?;
        // The first gates are computed meanwhile.
        let gates = stream.ahead();
        let idle = self.rest();
        let began = self.clock.now();
        let mut running = Running::new(began, decider, &idle, self.layers_alike(world));
        let end = began + nanos(self.seconds);
        let mut ending = Ending::Complete;
        while self.clock.now() < end {
            if self.stop.load(Ordering::Relaxed) {
                ending = Ending::Interrupted;
                break;
            }
            let gates = gates.recv().map_err(|_| Fault::Internal("the token stream ended".to_owned()))??;
            if let Err(reason) = running.batch(self, &gates, &mut log)? {
                ending = Ending::Failed(reason);
                break;
            }
        }
        let until = running.until;
        log.flush()?;
        if self.monitor.is_some() && !matches!(ending, Ending::Failed(_)) {
            self.clock.sleep(TAIL_SECONDS);
        }
        let plan = &self.file.plan.worlds[world];
        let router = &plan.variants[variant];
        let rows = self.monitor.map(Monitor::rows).unwrap_or_default();
        Ok(LiveRun {
            world,
            variant,
            router: router.label.clone(),
            point: plan.point.iter().chain(&router.point).cloned().collect(),
            ending,
            idle,
            gpus: rows.iter().map(|rows| GpuMeasured::of(rows, began, until)).collect(),
            ..running.summary()
        })
    }

    /// Layers of a batch that are all routed alike.
    fn layers_alike(&self, world: usize) -> u32 {
        self.file.plan.worlds[world].scenario.costs.layer.as_ref().map_or(1, |layer| layer.layers)
    }

    /// Lets the GPUs rest and says what they are like at the end of it.
    fn rest(&self) -> Vec<Idle> {
        let began = self.clock.now();
        if let Some(monitor) = self.monitor {
            monitor.forget(began);
        }
        // In pieces, so that Ctrl-C need not wait for all of it.
        while !self.stop.load(Ordering::Relaxed) {
            let left = self.rest - (self.clock.now() - began) as f64 * 1e-9;
            if left <= 1e-9 {
                break;
            }
            self.clock.sleep(left.min(0.5));
        }
        let (until, from) = (self.clock.now(), began.max(self.clock.now() - nanos(IDLE_SECONDS)));
        let Some(monitor) = self.monitor else { return Vec::new() };
        let idle = |rows: Vec<super::monitor::Row>| {
            let recent = || rows.iter().filter(|row| row.at >= from);
            Idle {
                die_degc: mean(recent().filter_map(|row| row.die)),
                memory_degc: mean(recent().filter_map(|row| row.memory)),
                watts: mean_watts(&rows, from, until),
            }
        };
        monitor.rows().into_iter().map(idle).collect()
    }
}

/// A run under way.
struct Running {
    began: i64,
    /// When the last layer was done.
    until: i64,
    decider: Decider,
    idle_watts: Vec<f64>,
    alike: u32,
    batch: u32,
    tokens: u64,
    layer_seconds: Vec<f64>,
    busy: Vec<f64>,
    assignments: Vec<u64>,
    regret: f64,
    shift: f64,
    routings: u64,
    hash: Sha256,
}

impl Running {
    fn new(began: i64, decider: Decider, idle: &[Idle], alike: u32) -> Self {
        Self {
            began,
            until: began,
            decider,
            idle_watts: idle.iter().map(|idle| idle.watts.unwrap_or(0.0)).collect(),
            alike,
            batch: 0,
            tokens: 0,
            layer_seconds: Vec::new(),
            busy: Vec::new(),
            assignments: Vec::new(),
            regret: 0.0,
            shift: 0.0,
            routings: 0,
            hash: Sha256::new(),
        }
    }

    /// Takes the next batch through all of its layers. The inner error ends the run.
    fn batch(&mut self, bench: &mut Bench<'_>, gates: &Gates, log: &mut Logs) -> Result<Result<(), String>, Fault> {
        let mut line = BatchLine { batch: self.batch, began: bench.clock.now() - self.began, ..BatchLine::default() };
        for (layer, gate) in gates.iter().enumerate() {
            let layer = layer as u32;
            if let Some(reason) = bench.monitor.and_then(Monitor::fault) {
                return Ok(Err(reason));
            }
            let samples = bench.monitor.map(|monitor| monitor.samples(self.began));
            let seen = samples.filter(|samples| self.decider.see(samples));
            let at = SimTime::from_nanos(u64::try_from(bench.clock.now() - self.began).unwrap_or(0));
            if let Err(reason) = self.decider.route(at, self.batch, layer, gate) {
                return Ok(Err(format!("the router: {reason}")));
            }
            let shares = self.decider.shares();
            let since = self.until;
            let worked = self.execute(bench, &shares, &mut line);
            let latest = bench.monitor.map(|monitor| monitor.samples(self.began));
            let watts = |gpu: usize| latest.as_ref()?.get(gpu)?.power;
            let told = worked.as_ref().ok().map(|seconds| {
                let now = SimTime::from_nanos(u64::try_from(self.until - self.began).unwrap_or(0));
                self.told((now, since), &shares, seconds, |gpu| watts(gpu).map(|watts| watts.get()))
            });
            let fingerprint = self.decider.fingerprint();
            log.decide(&Decision {
                batch: self.batch,
                layer,
                at,
                samples: seen,
                routing: fingerprint.clone(),
                counts: self.decider.routing().counts.to_vec(),
                told: told.clone(),
            })?;
            self.hash.update(fingerprint.as_bytes());
            line.routing.push_str(&fingerprint);
            self.count(gate, &shares);
            if let Err(reason) = worked {
                return Ok(Err(reason));
            }
            if let Some(told) = &told
                && let Err(reason) = self.decider.tell(self.batch, layer, told)
            {
                return Ok(Err(format!("the router: {reason}")));
            }
        }
        line.tokens = gates.first().map_or(0, |gate| gate.tokens());
        line.took = self.until - self.began - line.began;
        log.batch(&line, self.until)?;
        self.tokens += line.tokens as u64;
        self.batch += 1;
        Ok(Ok(()))
    }

    /// Has a routed layer executed as often as the scenario has layers like it; how long each GPU worked (s).
    fn execute(&mut self, bench: &mut Bench<'_>, shares: &[Share], line: &mut BatchLine) -> Result<Vec<f64>, String> {
        let (mut seconds, mut sum) = (vec![0.0; shares.len()], vec![0.0; shares.len()]);
        for _ in 0..self.alike {
            bench.load.execute(shares, &mut seconds).map_err(|error| format!("the load: {error}"))?;
            let slowest = seconds.iter().copied().fold(0.0, f64::max);
            self.layer_seconds.push(slowest);
            line.layers += slowest;
            sum.iter_mut().zip(&seconds).for_each(|(sum, seconds)| *sum += seconds);
        }
        self.until = bench.clock.now();
        line.gpus.resize(shares.len(), 0.0);
        self.busy.resize(shares.len(), 0.0);
        for (gpu, seconds) in sum.iter().enumerate() {
            line.gpus[gpu] += seconds;
            self.busy[gpu] += seconds;
        }
        Ok(sum)
    }

    /// What the experts took in the layer that ended at `at` and that follows one that ended at `since` (ns, Unix time); see [`TOLD`].
    fn told(
        &self,
        (at, since): (SimTime, i64),
        shares: &[Share],
        seconds: &[f64],
        watts: impl Fn(usize) -> Option<f64>,
    ) -> Told {
        let whole = (self.until - since) as f64 * 1e-9;
        let declared = self.decider.declared();
        let mut told = Told { at, joules: vec![0.0; declared.len()], seconds: vec![0.0; declared.len()] };
        for (gpu, share) in shares.iter().enumerate() {
            let all: f64 = share.iter().map(|(_, count)| f64::from(*count)).sum();
            let idle = self.idle_watts.get(gpu).copied().unwrap_or(0.0);
            let joules = watts(gpu).map(|watts| (watts - idle).max(0.0) * whole);
            for (expert, count) in share {
                let (e, count) = (expert.index(), f64::from(*count));
                told.joules[e] += joules.map_or(declared[e] * count, |joules| joules * count / all);
                told.seconds[e] += seconds[gpu] * count / all;
            }
        }
        told
    }

    /// Adds the last routing up.
    fn count(&mut self, gate: &isotherm_core::gate::GateBatch<'_>, shares: &[Share]) {
        self.assignments.resize(shares.len(), 0);
        for (sum, share) in self.assignments.iter_mut().zip(shares) {
            *sum += share.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
        }
        let fidelity = self.decider.fidelity(gate);
        self.regret += fidelity.mass_regret * gate.tokens() as f64;
        self.shift += fidelity.combine_weight_tv * gate.tokens() as f64;
        self.routings += gate.tokens() as u64;
    }

    /// What can be said of the run without a meter.
    fn summary(mut self) -> LiveRun {
        let wall = (self.until - self.began) as f64 * 1e-9;
        let worked: f64 = self.layer_seconds.iter().sum();
        let layers = self.layer_seconds.len() as u64;
        self.layer_seconds.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let last = self.layer_seconds.len().saturating_sub(1);
            self.layer_seconds.get((part * last as f64).round() as usize).copied().unwrap_or(0.0)
        };
        let all = self.assignments.iter().sum::<u64>().max(1) as f64;
        let routed = (layers / u64::from(self.alike)).max(1) as f64;
        let tokens = self.routings.max(1) as f64;
        LiveRun {
            world: 0,
            variant: 0,
            router: String::new(),
            point: Vec::new(),
            folder: String::new(),
            ending: Ending::Complete,
            batches: self.batch,
            layers,
            tokens: self.tokens,
            wall_seconds: wall,
            began: self.began,
            idle: Vec::new(),
            gpus: Vec::new(),
            layer: LayerTimes { mean: worked / (layers.max(1) as f64), p50: at(0.5), p99: at(0.99) },
            host_seconds_per_routing: ((wall - worked) / routed).max(0.0),
            busy: self.busy.iter().map(|busy| if wall > 0.0 { busy / wall } else { 0.0 }).collect(),
            share: self.assignments.iter().map(|served| *served as f64 / all).collect(),
            mass_regret: self.regret / tokens,
            combine_weight_tv: self.shift / tokens,
            routing: hex(&self.hash.finalize()[..8]),
        }
    }
}

/// Times of a batch.
#[derive(Default)]
struct BatchLine {
    batch: u32,
    /// Since the start of the run (ns).
    began: i64,
    took: i64,
    tokens: usize,
    /// Time of its layers, each as long as its slowest GPU (s).
    layers: f64,
    /// Time each GPU worked (s).
    gpus: Vec<f64>,
    routing: String,
}

/// The files a run fills.
struct Logs {
    decisions: DecisionLog,
    path: std::path::PathBuf,
    batches: BufWriter<File>,
    flushed: i64,
}

impl Logs {
    fn create(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join("batches.csv");
        let file = File::create(&path).map_err(|error| Fault::unwritable(&path, error))?;
        let decisions = DecisionLog::create(&folder.join("decisions.jsonl"))?;
        Ok(Self { decisions, path, batches: BufWriter::new(file), flushed: 0 })
    }

    fn decide(&mut self, decision: &Decision) -> Result<(), Fault> {
        self.decisions.write(decision)
    }

    fn batch(&mut self, line: &BatchLine, now: i64) -> Result<(), Fault> {
        let unwritable = |error| Fault::unwritable(&self.path, error);
        if line.batch == 0 {
            let gpus: String = (0..line.gpus.len()).map(|gpu| format!(",gpu{gpu}_s")).collect();
            writeln!(self.batches, "batch,t_s,tokens,layers_s,host_s{gpus},routing").map_err(unwritable)?;
        }
        let gpus: String = line.gpus.iter().map(|seconds| format!(",{seconds:.6}")).collect();
        let (began, took) = (line.began as f64 * 1e-9, line.took as f64 * 1e-9);
        let (batch, tokens, layers, host, routing) =
            (line.batch, line.tokens, line.layers, took - line.layers, &line.routing);
        writeln!(self.batches, "{batch},{began:.6},{tokens},{layers:.6},{host:.6}{gpus},{routing}")
            .map_err(unwritable)?;
        if now - self.flushed > FLUSH_NANOS {
            self.flushed = now;
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        self.decisions.flush()?;
        self.batches.flush().map_err(|error| Fault::unwritable(&self.path, error))
    }
}
