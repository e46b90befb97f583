//! `isotherm sweep submit`: a scenario, or what is left of a plan, to SLURM. It prints the numbers of the jobs and returns.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::counted;
use crate::args::SweepSubmit;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::scenario_file::Overrides;
use crate::slurm::{Array, Job, Limits, Request, queue, script, submit, submitted};
use crate::sweep::{Cut, PlanFolder, Points, Survey, SweepPlan};

/// Plans if there is no plan, writes the scripts and gives them to SLURM.
pub(super) fn run(options: &SweepSubmit) -> Result<Code, Fault> {
    let request = match &options.slurm_options {
        Some(path) => options.request.clone().or(Request::read(path)?),
        None => options.request.clone(),
    };
    let limits = limits()?;
    let (folder, left) = planned(options, limits)?;
    if left.chunks.is_empty() {
        tell!("{}", left.why_nothing(&folder.path)?);
        return Ok(exit::SUCCESS);
    }
    if left.chunks.len() > limits.most_jobs() {
        return Err(Fault::Usage(format!(
            "{} are left of this plan, and the cluster holds {} jobs (MaxJobCount)\n  = help: plan again with more points a task, --points-per-task",
            counted(left.chunks.len(), "chunk"),
            limits.max_job_count
        )));
    }
    let program = std::env::current_exe()
        .map_err(|error| Fault::Internal(format!("the path of this program is not known: {error}")))?;
    let job = Job {
        name: folder.plan.scenario.clone(),
        program,
        plan: folder.path.clone(),
        arrays: Array::split(&left.chunks, limits.max_array_size),
        request,
        after: options.after,
    };
    if options.dry_run {
        return dry_run(&job);
    }
    submit::write(&job)?;
    if options.test_only {
        crate::command::print(&submit::test_only(&job)?)?;
        return Ok(exit::SUCCESS);
    }
    let submitted = submit::submit(&job, &left.jobs)?;
    for (id, array) in submitted.arrays.iter().zip(&job.arrays) {
        let tasks = counted(array.chunks.len(), "task");
        crate::command::print(&format!("job {id}: {tasks}, {}\n", chunks_of(array)))?;
    }
    let log = folder.path.join(script::LOGS).join(format!("merge_{}.out", submitted.merge));
    crate::command::print(&format!(
        "job {}: merges behind them; its table will be in {}\n",
        submitted.merge,
        log.display()
    ))?;
    tell!("how far it is: isotherm sweep status {}", script::quoted(&folder.path)?);
    Ok(exit::SUCCESS)
}

/// What is to be submitted of a plan.
struct Left {
    /// Chunks that are not done and that no job has.
    chunks: Vec<usize>,
    /// Jobs that have the others.
    jobs: Vec<String>,
}

impl Left {
    fn of(folder: &PlanFolder) -> Result<Self, Fault> {
        let mut chunks = Survey::of(folder)?.open_chunks().numbers();
        let submissions = submitted::read(&folder.path)?;
        let queued = queue::chunks(&submissions).unwrap_or_else(|why| {
            tell!("note: what is in the queue is not known ({why}); all that is not done is submitted");
            Default::default()
        });
        let jobs: BTreeSet<String> = queued.values().map(|task| task.job.clone()).collect();
        chunks.retain(|chunk| !queued.contains_key(chunk));
        Ok(Self { chunks, jobs: jobs.into_iter().collect() })
    }

    fn why_nothing(&self, plan: &Path) -> Result<String, Fault> {
        if self.jobs.is_empty() {
            return Ok(format!("everything is done: isotherm sweep merge {}", script::quoted(plan)?));
        }
        Ok(format!("all that is not done is in the queue already: job {}", self.jobs.join(", ")))
    }
}

/// The limits of the cluster, or SLURM's own where there is nobody to ask: a script can be looked at anywhere.
fn limits() -> Result<Limits, Fault> {
    let limits = Limits::of_cluster().unwrap_or_else(|why| {
        tell!("note: the limits of the cluster are not known ({why}); those of a fresh SLURM are taken");
        Limits::default()
    });
    if limits.most_tasks() == 0 {
        return Err(Fault::Unavailable(
            "this cluster takes no job arrays (MaxArraySize = 0)\n  = help: `isotherm sweep plan`, and one job that does it all: sbatch --wrap 'isotherm sweep work PLAN --all'"
                .to_owned(),
        ));
    }
    Ok(limits)
}

/// The plan in the folder that was named, or the one that is made of the scenario.
fn planned(options: &SweepSubmit, limits: Limits) -> Result<(PlanFolder, Left), Fault> {
    if options.what.is_dir() {
        for (given, flag) in [
            (options.out.is_some(), "--out"),
            (!options.set.is_empty(), "--set"),
            (options.points_per_task.is_some(), "--points-per-task"),
            (!options.libraries.files.is_empty(), "--plugin"),
        ] {
            if given {
                return Err(Fault::Usage(format!(
                    "{} is a plan, and frozen: {flag} is for a scenario",
                    options.what.display()
                )));
            }
        }
        let folder = PlanFolder::open(&options.what)?;
        let left = Left::of(&folder)?;
        return Ok((folder, left));
    }
    let overrides = Overrides { telemetry: None, set: &options.set, libraries: &options.libraries.files };
    let points = Points::read(&options.what, &overrides)?;
    let here = std::env::current_dir()
        .map_err(|error| Fault::Input(format!("the current directory cannot be found: {error}")))?;
    let plan = SweepPlan::of(&points, cut(options.points_per_task, points.count(), limits), here)?;
    let path = options.out.clone().unwrap_or_else(|| PathBuf::from("results").join(format!("{}-sweep", plan.scenario)));
    let path = std::path::absolute(&path).map_err(|error| Fault::Usage(format!("{}: {error}", path.display())))?;
    if options.dry_run && !PlanFolder::is_at(&path) {
        let left = Left { chunks: (0..plan.chunks).collect(), jobs: Vec::new() };
        return Ok((PlanFolder { path, plan }, left));
    }
    let (folder, _) = PlanFolder::freeze(&path, plan, &points.file().frozen)?;
    let left = Left::of(&folder)?;
    Ok((folder, left))
}

/// As many chunks as were asked for, or as many as the cluster takes in one array.
fn cut(points_per_task: Option<u32>, points: usize, limits: Limits) -> Cut {
    let asked = points_per_task.map_or(Cut::Fit, |size| Cut::PointsPerTask(size as usize));
    let most = limits.most_tasks();
    if asked.chunks(points) <= most {
        return asked;
    }
    tell!(
        "note: {} would be {}, more than this cluster takes (MaxArraySize {}, MaxJobCount {}); it gets {}",
        counted(points, "point"),
        counted(asked.chunks(points), "task"),
        limits.max_array_size,
        limits.max_job_count,
        counted(most, "task")
    );
    Cut::Chunks(most)
}

fn dry_run(job: &Job) -> Result<Code, Fault> {
    crate::command::print(&script::tasks(job)?)?;
    tell!("nothing was submitted; in {} it would be: {}", job.plan.display(), submit::by_hand(job).join("; "));
    Ok(exit::SUCCESS)
}

fn chunks_of(array: &Array) -> String {
    match array.first {
        0 => format!("chunks {}", array.indices()),
        first => format!("chunks {} counted from {first}", array.indices()),
    }
}
