//! The cases: small, of fixed work, one for each part that a run's time goes to.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use isotherm::execute::Comparison;
use isotherm::scenario_file::ScenarioFile;
use isotherm_core::fleet::{Input, StepLaw, Sweep};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::population::{GateSample, Population};
use isotherm_core::queue::{EventQueue, Wheel};
use isotherm_core::rng::{Domain, Stream, fill_standard_normal};
use isotherm_core::thermal::{Leakage, LeakageLaw, LeakyModes, Modes, RcNetwork};
use isotherm_core::tier::{Tier, TierSpec};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::workload::{TokenStream, WorkloadContext, WorkloadSpec};
use isotherm_report::{page, results::Results};

use crate::callgrind::counted_section;
use crate::registry::{Layer, TOKENS, logits};

type Case = fn() -> Result<(), String>;

/// Names, as they stand in `counts.toml`, and what they do.
const CASES: [(&str, Case); 23] = [
    ("queue/hold-100", || hold(100)),
    ("queue/hold-10000", || hold(10_000)),
    ("thermal/settle", settle),
    ("thermal/crossing", crossing),
    ("draw/normal", draw),
    ("draw/logits-64", || stream_logits("source = \"logits\"", 64)),
    ("gate/product-8", || stream_logits("source = \"hidden\"", 8)),
    ("gate/product-64", || stream_logits("source = \"hidden\"", 64)),
    ("gate/reference-8", || reference(8, 2)),
    ("gate/reference-64", || reference(64, 8)),
    ("route/energy-penalty-8", || route("energy-penalty", 8, 2)),
    ("route/energy-penalty-64", || route("energy-penalty", 64, 8)),
    ("route/ttt-8", || route("ttt", 8, 2)),
    ("route/ttt-64", || route("ttt", 64, 8)),
    ("route/sinkhorn-64", || route("sinkhorn", 64, 8)),
    ("tier/counts-256", || tier(Tier::Counts)),
    ("tier/mean-field-256", || tier(Tier::MeanField)),
    ("fleet/sweep", sweep),
    ("scenario/parse", parse),
    ("run/table", || run("classic.toml", &["arrivals.batches=10", "arrivals.seq_length=16"])),
    ("run/device", || run("device.toml", &["arrivals.batches=40", "arrivals.tokens=64"])),
    ("run/fleet", || run("fleet-small.toml", &["fleet.duration=\"10 s\"", "fleet.window=\"5 s\"", "tier.sample=1024"])),
    ("report/page", report),
];

pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    CASES.iter().map(|(name, _)| *name)
}

/// Prepares a case and does it once under the eyes of callgrind.
pub(crate) fn one(name: &str) -> Result<(), String> {
    match CASES.iter().find(|(case, _)| *case == name) {
        Some((_, case)) => case(),
        None => Err(format!("there is no case `{name}`")),
    }
}

/// 20,000 times the earliest event is put back later, among `pending`.
fn hold(pending: u64) -> Result<(), String> {
    let mut stream = Stream::open(7, Domain::Workload, 0, "counts");
    let mut increment = move || SimDuration::from_nanos((stream.exponential() * 1e9) as u64);
    let drawn: Vec<SimDuration> = (0..20_000).map(|_| increment()).collect();
    let mut queue = Wheel::<[u64; 2]>::default();
    (0..pending).for_each(|number| queue.push(SimTime::ZERO + increment(), [number, !number]));
    counted_section(|| {
        for delay in &drawn {
            if let Some((at, event)) = queue.pop() {
                queue.push(at + *delay, event);
            }
        }
        black_box(&queue);
    });
    Ok(())
}

/// Die, memory, package and heat sink.
fn device() -> Result<Modes, String> {
    let links = [(0, 2, 60.0), (1, 2, 25.0), (2, 3, 80.0)];
    let network = RcNetwork::new(&[12.0, 30.0, 200.0, 1500.0], &links, &[0.0, 0.0, 0.5, 22.0]);
    network.map(|network| Modes::of(&network)).map_err(|error| error.to_string())
}

const AMBIENT_DEGC: f64 = 30.0;

/// A thousand GPUs settle over 10 ms, and change their power.
fn settle() -> Result<(), String> {
    let modes = device()?;
    let mut states: Vec<Vec<f64>> = (0..1000).map(|gpu| modes.state(&[40.0 + f64::from(gpu % 50); 4])).collect();
    let mut drive = modes.drive(&[600.0, 60.0, 0.0, 0.0], AMBIENT_DEGC);
    counted_section(|| {
        for (gpu, state) in states.iter_mut().enumerate() {
            black_box(modes.settle_with_heat(state, &drive, AMBIENT_DEGC, black_box(0.01)));
            modes.add_power(&mut drive, 0, if gpu % 2 == 0 { 50.0 } else { -50.0 });
            black_box(modes.temperature(state, 0));
        }
    });
    Ok(())
}

/// Five hundred predictions of a limit that will be reached, and as many of one that will not.
fn crossing() -> Result<(), String> {
    let modes = device()?;
    let drive = modes.drive(&[600.0, 60.0, 0.0, 0.0], AMBIENT_DEGC);
    let steady = modes.steady(&drive, 0);
    let states: Vec<Vec<f64>> = (0..500).map(|gpu| modes.state(&[30.0 + f64::from(gpu) * 0.01; 4])).collect();
    counted_section(|| {
        for state in &states {
            for limit in [0.5 * (AMBIENT_DEGC + steady), steady + 1.0] {
                black_box(modes.first_crossing(state, &drive, 0, black_box(limit), true, 3600.0));
            }
        }
    });
    Ok(())
}

/// A hundred thousand normal deviates.
fn draw() -> Result<(), String> {
    let mut deviates = vec![0.0; 100_000];
    counted_section(|| fill_standard_normal([7, 11], 0, black_box(&mut deviates)));
    Ok(())
}

/// One batch of a Gaussian stream, hidden states and product included where it has them.
fn stream_logits(source: &str, experts: usize) -> Result<(), String> {
    let text = format!("kind = \"gaussian\"\nd_model = 512\n{source}");
    let spec: Box<dyn WorkloadSpec> = toml::from_str(&text).map_err(|error| error.to_string())?;
    let context = WorkloadContext { experts, top_k: 2, seed: 7, batches: &[], layer: 0 };
    let stream: Box<dyn TokenStream> = spec.build(&context).map_err(|error| error.to_string())?;
    counted_section(|| stream.logits(BatchId(3), 512)).map(drop).map_err(|error| error.to_string())
}

/// The gate of one batch with its reference routing.
fn reference(experts: usize, top_k: usize) -> Result<(), String> {
    let logits = logits(experts);
    counted_section(|| black_box(GateBatch::from_logits(experts, top_k, logits)));
    Ok(())
}

/// The third decision of a router and its learning step.
fn route(kind: &str, experts: usize, top_k: usize) -> Result<(), String> {
    let mut layer = Layer::new(experts, top_k);
    let found = layer.routers().into_iter().find(|(name, _)| *name == kind);
    let (_, mut router) = found.ok_or_else(|| format!("no router is called `{kind}`"))?;
    (0..2).for_each(|_| layer.step(router.as_mut()));
    counted_section(|| layer.step(router.as_mut()));
    assert_eq!(layer.routing.counts.iter().sum::<u32>() as usize, TOKENS * top_k, "every token has its experts");
    Ok(())
}

/// Twenty batches without tokens, 256 experts, top-8, and the law they are drawn from.
fn tier(kind: Tier) -> Result<(), String> {
    let mut logits = vec![0.0; 1024 * 256];
    fill_standard_normal([7, 11], 0, &mut logits);
    let sample = Arc::new(GateSample::new(GateBatch::from_logits(256, 8, logits), None));
    let mut population = Population::new(sample, &TierSpec::new(kind));
    let mut counts = [0; 256];
    counted_section(|| {
        for batch in 0..20 {
            population.draw(2048, &mut Stream::open(1, Domain::Workload, batch, "counts"), &mut counts);
        }
    });
    assert_eq!(counts.iter().sum::<u32>(), 2048 * 8, "every token has its experts");
    Ok(())
}

/// A thousand GPUs, fifty intervals on.
fn sweep() -> Result<(), String> {
    let links = [(0, 2, 60.0), (1, 2, 25.0), (2, 3, 80.0)];
    let network = RcNetwork::new(&[12.0, 30.0, 200.0, 1500.0], &links, &[0.0, 0.0, 0.0, 22.0]);
    let network = network.map_err(|error| error.to_string())?;
    let leakage = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.01, design: 41.0 };
    let network = LeakyModes::new(&network, &[leakage], LeakageLaw::Linear).map_err(|error| error.to_string())?;
    let law = StepLaw::new(&network, &[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0], 1, 0.1);
    let mut sweep = Sweep::new(Arc::new([law]), &[0; 1000], Input { inlet: 25.0, ..Input::default() }, false);
    (0..1000)
        .for_each(|gpu| sweep.set(gpu, Input { compute_w: 300.0 + gpu as f64 * 0.1, memory_w: 50.0, inlet: 25.0 }));
    sweep.step();
    counted_section(|| (0..50).for_each(|_| sweep.step()));
    black_box(sweep.die(7));
    Ok(())
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

/// A scenario with a device profile, from text to plan.
fn parse() -> Result<(), String> {
    let path = scenario("device.toml");
    counted_section(|| ScenarioFile::read(&path, &[])).map(drop).map_err(|error| error.to_string())
}

/// All runs of a scenario, on this thread; what is written is left out.
fn run(name: &str, set: &[&str]) -> Result<(), String> {
    let set: Vec<String> = set.iter().chain(&["seeds=1"]).map(|assignment| (*assignment).to_owned()).collect();
    let file = ScenarioFile::read(&scenario(name), &set).map_err(|error| error.to_string())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    let pool = pool.map_err(|error| error.to_string())?;
    let completed = pool.install(|| {
        let comparison = Comparison::prepare(&file)?;
        counted_section(|| comparison.run_all())
    });
    completed.map(drop).map_err(|error| error.to_string())
}

/// The page of a small results folder.
fn report() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = folder.path().join("results");
    let run = ["isotherm", "run", "--quiet", "--threads", "1", "--set", "seeds=2", "--set", "arrivals.batches=10"];
    let run = run.map(std::ffi::OsString::from).into_iter();
    let places = ["--out".into(), out.clone().into_os_string(), scenario("classic.toml").into_os_string()];
    isotherm::main_impl(run.chain(places));
    let results = Results::open(&out).map_err(|error| error.to_string())?;
    counted_section(|| black_box(page::html(&results)));
    Ok(())
}
