//! Running a comparison: groups of runs on the same tokens, in parallel, with results that do not depend on the threads.
//!
//! A *group* is one world at one seed: its routers meet the same token stream, so the gate product of a batch is computed once and
//! shared. Groups run in parallel, and inside a group batches and runs do. Runs themselves are single-threaded, and everything is
//! collected and added up in the order of the plan.
//!
//! Live telemetry is another matter: its runs go one after the other, by the clock (`paced`), and what they saw is kept (`seen`).

mod clock;
mod crowd;
mod fleet;
mod frontier;
mod gates;
mod group;
mod lateness;
mod ledger;
mod paced;
pub(crate) mod seen;
mod warm_up;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use isotherm_core::record::RunRecord;
use isotherm_core::scenario::{BaselineOf, Variant};
use isotherm_core::telemetry::TelemetryError;
use isotherm_core::tier::Tier;
use isotherm_core::workload::{Arrival, TokenStream, WorkloadContext, WorkloadError};
use isotherm_core::world::WorldSpec;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::results::{Finished, Streams, Summary};
use crate::scenario_file::{ScenarioFile, hex};
use crate::statistics::Interval;
pub use clock::{Clock, Lag, WallClock};
use group::Group;
pub(crate) use lateness::Lags;
pub(crate) use ledger::time;
pub use ledger::{Ledger, Part, PartSpent, TimeSpent};
use paced::Live;
use seen::Records;
pub use seen::{LiveRecordSpec, SeenRun};

/// One run of a comparison: a router, at one point, with one seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// Position of its world in the plan.
    pub world: usize,
    /// Position of its router in the world's variants.
    pub variant: usize,
    /// Its seed.
    pub seed: u64,
    /// Content hash of everything that decides its result: 16 hexadecimal digits.
    pub id: String,
}

/// What became of a run.
pub type Outcome = Result<RunRecord, String>;

/// What became of the runs of a point; entries are empty where it was stopped before their end.
pub type PointOutcome = Result<Vec<Option<Outcome>>, Fault>;

/// A comparison that is ready to run: everything it needs was found in order.
pub struct Comparison<'a> {
    file: &'a ScenarioFile,
    /// All runs, in the order of the plan: world, seed, router.
    runs: Vec<Run>,
    groups: Vec<Group>,
    /// What live runs are held to.
    clock: Arc<dyn Clock>,
    /// Results folder in which live runs leave what they saw.
    records: Option<PathBuf>,
}

/// How long live runs take, which nothing can hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveTime {
    /// Runs still to come, one after the other.
    pub runs: usize,
    /// The time until their last batches have arrived; `None` where a batch arrives when the one before it is done.
    pub at_least: Option<Duration>,
}

/// Everything a comparison produced.
#[derive(Debug)]
pub struct Completed {
    /// The runs and their records, in the order of the plan.
    pub finished: Vec<Finished>,
    /// Means and intervals over seeds.
    pub summary: Summary,
    /// How late the live runs were, those of an earlier start included; `None` where there are none or nothing was recorded.
    pub lag: Option<Lag>,
}

/// Watches a comparison from outside; all methods may be called from any thread.
pub trait Watch: Sync {
    /// `batches` more batches of some run are done.
    fn batches_done(&self, batches: u64) {
        let _ = batches;
    }
    /// Whether another point may begin; those in hand go on to their end either way.
    fn may_begin(&self) -> bool {
        true
    }
    /// Where to write down what takes how long; nobody wants to know by default.
    fn ledger(&self) -> Option<&Ledger> {
        None
    }
    /// All runs of a group are done: the moment to keep their records.
    ///
    /// # Errors
    /// A fault ends the comparison.
    fn keep(&self, runs: &[(&Run, &Outcome)]) -> Result<(), Fault> {
        let _ = runs;
        Ok(())
    }
}

/// Watches nothing.
impl Watch for () {}

impl<'a> Comparison<'a> {
    /// Builds every stream, router and source of the scenario once, so that faults of data files are found before anything runs.
    ///
    /// # Errors
    /// [`Fault::Input`] for a data file, [`Fault::Scenario`] for an option that does not fit.
    pub fn prepare(file: &'a ScenarioFile) -> Result<Self, Fault> {
        let comparison = Self::prepare_points(file, &(0..usize::MAX))?;
        same_tokens(file)?;
        Ok(comparison)
    }

    /// [`Comparison::prepare`] of some points only: a point is a world at a seed, counted in the order of the plan.
    ///
    /// # Errors
    /// As [`Comparison::prepare`].
    pub fn prepare_points(file: &'a ScenarioFile, points: &Range<usize>) -> Result<Self, Fault> {
        let comparison = Self::list_points(file, points)?;
        let mut last = None;
        for world in comparison.groups.iter().map(|group| group.world) {
            if last.replace(world) != Some(world) {
                check_world(file, world)?;
            }
        }
        Ok(comparison)
    }

    /// [`Comparison::prepare_points`] without a look at any data file: what the runs are, for whoever has their results.
    ///
    /// # Errors
    /// [`Fault::Internal`] if a scenario cannot be written as text.
    pub fn list_points(file: &'a ScenarioFile, points: &Range<usize>) -> Result<Self, Fault> {
        let (mut runs, mut groups, mut first) = (Vec::new(), Vec::new(), 0);
        for (world, plan) in file.plan.worlds.iter().enumerate() {
            let here = first..first + plan.scenario.seeds as usize;
            first = here.end;
            let wanted = here.start.max(points.start)..here.end.min(points.end);
            if wanted.is_empty() {
                continue;
            }
            let identities = Identities::of(file, world)?;
            for point in wanted {
                let seed = plan.scenario.seed.wrapping_add((point - here.start) as u64);
                let from = runs.len();
                let of_point = (0..plan.variants.len()).map(|variant| {
                    let id = identities.run_id(variant, seed);
                    Run { world, variant, seed, id }
                });
                runs.extend(of_point);
                groups.push(Group { world, seed, runs: from..runs.len() });
            }
        }
        Ok(Self { file, runs, groups, clock: Arc::new(WallClock::default()), records: None })
    }

    /// The runs of each point, as positions among [`Comparison::runs`].
    pub fn points(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.groups.iter().map(|group| group.runs.clone())
    }

    /// Holds live runs to this clock instead of the one on the wall.
    #[must_use]
    pub fn paced_by(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Lets live runs leave what they saw in `telemetry/` of this results folder.
    #[must_use]
    pub fn recording_in(self, results: &Path) -> Self {
        Self { records: Some(results.to_owned()), ..self }
    }

    /// What the live runs that are not `known` will take; `None` if there are none.
    #[must_use]
    pub fn live_time(&self, known: &[Option<RunRecord>]) -> Option<LiveTime> {
        let (mut runs, mut at_least) = (0, Some(Duration::ZERO));
        for group in self.groups.iter().filter(|group| self.is_live(group)) {
            let left = known[group.runs.clone()].iter().filter(|record| record.is_none()).count();
            let last = arrivals(self.file, group.world, group.seed).ok().and_then(|all| all.last()?.at);
            at_least = at_least.zip(last).map(|(sum, last)| sum + Duration::from_nanos(last.nanos()) * left as u32);
            runs += left;
        }
        (runs > 0).then_some(LiveTime { runs, at_least })
    }

    fn is_live(&self, group: &Group) -> bool {
        self.file.plan.worlds[group.world].scenario.telemetry.is_live()
    }

    /// The runs in the order of the plan.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Batches of all runs together.
    #[must_use]
    pub fn total_batches(&self) -> u64 {
        let batches = |group: &Group| arrivals(self.file, group.world, group.seed).map_or(0, |list| list.len() as u64);
        self.groups.iter().map(|group| group.runs.len() as u64 * batches(group)).sum()
    }

    /// Runs everything on the current rayon pool, without files, progress or interruption.
    ///
    /// # Errors
    /// [`Fault`] if the whole comparison cannot go on; a run that fails is in the result.
    pub fn run_all(&self) -> Result<Completed, Fault> {
        let outcomes = self.run(vec![None; self.runs.len()], &(), &AtomicBool::new(false))?;
        self.complete(outcomes, Interval::default())
    }

    /// Runs what is not yet in `known` (one entry per run). Live runs that are in it keep their records; where it is empty, records begin
    /// anew. Entries stay empty where `stop` was set before their turn.
    ///
    /// # Errors
    /// As [`Comparison::run_all`].
    pub fn run(
        &self,
        known: Vec<Option<RunRecord>>,
        watch: &impl Watch,
        stop: &AtomicBool,
    ) -> Result<Vec<Option<Outcome>>, Fault> {
        let mut outcomes = Vec::with_capacity(self.runs.len());
        for point in self.run_points(known, watch, stop)? {
            outcomes.extend(point?);
        }
        Ok(outcomes)
    }

    /// [`Comparison::run`] with the outcomes of each point by themselves: a point that cannot go on ends no other.
    ///
    /// # Errors
    /// [`Fault`] if live runs cannot go on.
    pub fn run_points(
        &self,
        known: Vec<Option<RunRecord>>,
        watch: &impl Watch,
        stop: &AtomicBool,
    ) -> Result<Vec<PointOutcome>, Fault> {
        // Live groups come last, when nothing else keeps the machine busy.
        let mut by_group: Vec<Option<PointOutcome>> = self
            .groups
            .par_iter()
            .map(|group| {
                if self.is_live(group) {
                    return None;
                }
                let taken: Vec<Option<RunRecord>> = known[group.runs.clone()].to_vec();
                if stop.load(Ordering::Relaxed) || !watch.may_begin() {
                    return Some(Ok(taken.into_iter().map(|record| record.map(Ok)).collect()));
                }
                Some(group.run(self.file, &self.runs[group.runs.clone()], taken, watch, stop))
            })
            .collect();
        if by_group.iter().any(Option::is_none) {
            let records = Records::open(self.records.clone(), known.iter().any(Option::is_some))?;
            let mut live = Live { clock: self.clock.as_ref(), records, stop };
            for (group, outcomes) in self.groups.iter().zip(&mut by_group).filter(|(_, outcomes)| outcomes.is_none()) {
                let taken = known[group.runs.clone()].to_vec();
                let runs = &self.runs[group.runs.clone()];
                *outcomes = Some(Ok(group.run_paced(self.file, runs, taken, watch, &mut live)?));
            }
        }
        Ok(by_group.into_iter().flatten().collect())
    }

    /// Adds the outcomes of all runs up, with intervals of this sort.
    ///
    /// # Errors
    /// [`Fault::Internal`] if a run is missing.
    pub fn complete(&self, outcomes: Vec<Option<Outcome>>, interval: Interval) -> Result<Completed, Fault> {
        crate::results::completed(self.file, self.with_outcomes(outcomes)?, interval, self.records.as_deref())
    }

    /// Every run with what became of it, as [`ResultsWriter`](crate::results::ResultsWriter) takes them.
    ///
    /// # Errors
    /// [`Fault::Internal`] if a run is missing.
    pub fn with_outcomes(&self, outcomes: Vec<Option<Outcome>>) -> Result<Vec<(Run, Outcome)>, Fault> {
        let outcomes: Option<Vec<Outcome>> = outcomes.into_iter().collect();
        let outcomes = outcomes.ok_or_else(|| Fault::Internal("a run is missing".to_owned()))?;
        Ok(self.runs.iter().cloned().zip(outcomes).collect())
    }
}

/// The sweep point of a run: `key=value`, separated by spaces.
pub(crate) fn point_of(file: &ScenarioFile, run: &Run) -> String {
    let plan = &file.plan.worlds[run.world];
    let point = plan.point.iter().chain(&plan.variants[run.variant].point);
    point.map(|at| format!("{}={}", at.axis, at.value)).collect::<Vec<_>>().join(" ")
}

/// A baseline of another point says something only on the same tokens.
fn same_tokens(file: &ScenarioFile) -> Result<(), Fault> {
    if file.plan.worlds.is_empty() {
        return Ok(());
    }
    let first = first_tokens(file)?;
    (0..file.plan.worlds.len()).try_for_each(|world| same_tokens_as(&first, file, world))
}

/// The token stream of the first world of a plan.
pub(crate) fn first_tokens(file: &ScenarioFile) -> Result<String, Fault> {
    Ok(Streams::of(file, 0)?.id(file.plan.worlds[0].scenario.seed))
}

/// Refuses a world that is measured against the first one of the sweep and has other tokens than that.
pub(crate) fn same_tokens_as(first: &str, file: &ScenarioFile, world: usize) -> Result<(), Fault> {
    let plan = &file.plan.worlds[world];
    if plan.scenario.compare.baseline != BaselineOf::FirstPoint
        || Streams::of(file, world)?.id(plan.scenario.seed) == first
    {
        return Ok(());
    }
    let point: Vec<String> = plan.point.iter().map(|at| format!("{} = {}", at.axis, at.value)).collect();
    Err(Fault::Scenario(format!(
        "error: compare.baseline: the point {} has other tokens than the first one\n  = help: sweep over something else than seed, model, workload, arrivals and tier, or set `baseline = \"each-point\"`",
        point.join(", ")
    )))
}

/// The batches of one seed.
pub(crate) fn arrivals(file: &ScenarioFile, world: usize, seed: u64) -> Result<Arc<[Arrival]>, Fault> {
    let batches =
        file.plan.worlds[world].scenario.arrivals.batches(seed).map_err(|error| workload_fault("arrivals", &error))?;
    if batches.is_empty() {
        return Err(Fault::Scenario(
            "error: the arrivals give no batch\n  = help: ask for at least one batch".to_owned(),
        ));
    }
    let scenario = &file.plan.worlds[world].scenario;
    let model = scenario.model;
    let gates = u64::from(model.experts) * u64::from(model.layers);
    let most = batches.iter().map(|batch| u64::from(batch.tokens)).max().unwrap_or(0);
    if scenario.tier.kind == Tier::Token && most * gates > MOST_LOGITS {
        return Err(Fault::Scenario(format!(
            "error: a batch of {most} tokens has {} logits over {} experts in {} layers, more than {MOST_LOGITS}\n  = help: make more batches of fewer tokens",
            most * gates,
            model.experts,
            model.layers
        )));
    }
    Ok(batches.into())
}

/// Logits of one batch at most: 1 GiB of them. A few batches are in memory at a time.
const MOST_LOGITS: u64 = 1 << 28;

/// The token streams of one seed, one per MoE layer of the model.
pub(crate) fn streams(
    file: &ScenarioFile,
    world: usize,
    seed: u64,
    batches: &[Arrival],
) -> Result<Vec<Box<dyn TokenStream>>, Fault> {
    let scenario = &file.plan.worlds[world].scenario;
    let (experts, top_k) = (scenario.model.experts as usize, scenario.model.top_k as usize);
    (0..scenario.model.layers)
        .map(|layer| WorkloadContext { experts, top_k, seed, batches, layer })
        .map(|context| scenario.workload.build(&context).map_err(|error| workload_fault("workload", &error)))
        .collect()
}

fn workload_fault(section: &str, error: &WorkloadError) -> Fault {
    match error {
        WorkloadError::Input(fault) => Fault::Input(fault.to_string()),
        WorkloadError::Option { option, message } => Fault::Scenario(format!("error: {section}.{option}: {message}")),
        other => Fault::Runs(format!("error: {section}: {other}")),
    }
}

/// What never changes in the runs of one world and seed.
pub(crate) fn world_spec(file: &ScenarioFile, world: usize, arrivals: &Arc<[Arrival]>) -> Result<WorldSpec, Fault> {
    WorldSpec::of(&file.plan.worlds[world].scenario, Arc::clone(arrivals))
        .map_err(|message| Fault::Scenario(format!("error: hardware: {message}")))
}

/// Builds what the runs of a world need, once. The first seed stands for all: what depends on the seed cannot fail on one and not on another.
pub(crate) fn check_world(file: &ScenarioFile, world: usize) -> Result<(), Fault> {
    let scenario = &file.plan.worlds[world].scenario;
    let arrivals = arrivals(file, world, scenario.seed)?;
    let streams = streams(file, world, scenario.seed, &arrivals)?;
    warm_up::check(scenario, &arrivals)?;
    let gpus = match &scenario.fleet {
        Some(fleet) => {
            fleet::check_streams(&streams)?;
            fleet.gpus(scenario.hardware.gpus)
        }
        None => scenario.hardware.gpus as usize,
    };
    // Hardware is looked for when a run begins: complete results can be shown where there is none.
    if !scenario.telemetry.is_live()
        && let Err(TelemetryError::Input(fault)) = scenario.telemetry.build(gpus, scenario.seed)
    {
        return Err(Fault::Input(fault.to_string()));
    }
    Ok(())
}

/// What decides the ids of the runs of one world: hashes over everything but the seed, one per variant.
struct Identities {
    before_seed: Vec<Sha256>,
}

impl Identities {
    fn of(file: &ScenarioFile, world: usize) -> Result<Self, Fault> {
        let plan = &file.plan.worlds[world];
        let internal = |error: toml::ser::Error| Fault::Internal(error.to_string());
        let mut table = toml::Table::try_from(&plan.scenario).map_err(internal)?;
        for key in ["name", "description", "seed", "seeds", "compare"] {
            table.remove(key);
        }
        let mut text = format!("isotherm {}\n{table}", env!("CARGO_PKG_VERSION"));
        let plugins = file.plugins.iter().map(|plugin| &plugin.sha256);
        for sha256 in file.data_files.iter().map(|data| &data.sha256).chain(plugins) {
            text.push_str(sha256);
        }
        let of_variant = |variant: &Variant| {
            let mut router = toml::Table::try_from(variant.spec.as_ref()).map_err(internal)?;
            router.extend(toml::Table::try_from(&variant.options).map_err(internal)?);
            let hash = Sha256::new_with_prefix(text.as_bytes());
            Ok(hash.chain_update(router.to_string().as_bytes()))
        };
        Ok(Self { before_seed: plan.variants.iter().map(of_variant).collect::<Result<_, Fault>>()? })
    }

    /// A run's id: a hash of contents, not a position, so that adding a seed or a router renames no other run.
    fn run_id(&self, variant: usize, seed: u64) -> String {
        let hash = self.before_seed[variant].clone();
        hex(&hash.chain_update(seed.to_le_bytes()).finalize()[..8])
    }
}
