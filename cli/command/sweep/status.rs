//! `isotherm sweep status`: how far a sweep is, as its files tell.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;

use super::counted;
use crate::args::SweepStatus;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::slurm::queue::{self, InQueue};
use crate::slurm::script::quoted;
use crate::slurm::submitted;
use crate::sweep::{ChunkState, PlanFolder, Ranges, Survey};

/// Everything that is said, for programs.
#[derive(Debug, Default, Serialize)]
struct Status {
    scenario: String,
    scenario_hash: String,
    points: Count,
    chunks: Count,
    /// Failed points that `sweep retry` puts back.
    failed_points: usize,
    /// Chunks that workers have begun.
    begun_chunks: Ranges,
    missing_chunks: Ranges,
    damaged: Vec<Damaged>,
    /// What SLURM has of it; absent where nothing was submitted, or where there is nobody to ask.
    queue: Option<InQueue>,
    /// Jobs of the plan that are not in the queue any more and have left chunks undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<Vec<String>>,
    /// What does the rest; absent if there is none.
    next: Option<String>,
    /// The plan's folder as a word for a shell.
    #[serde(skip)]
    named: String,
}

#[derive(Debug, Default, Serialize)]
struct Count {
    all: usize,
    done: usize,
    /// Kept by workers that run or have been stopped.
    begun: usize,
    missing: usize,
}

#[derive(Debug, Serialize)]
struct Damaged {
    chunk: usize,
    file: String,
    why: String,
}

/// Prints how far a sweep is.
pub(super) fn run(options: &SweepStatus) -> Result<Code, Fault> {
    let folder = PlanFolder::open(&options.folder)?;
    let survey = Survey::of(&folder)?;
    let mut status = Status::of(&folder, &survey, &quoted(&options.folder)?);
    status.ask_slurm(&folder, &survey, &quoted(&options.folder)?)?;
    crate::command::print(&if options.json { super::json(&status)? } else { status.text() })?;
    Ok(exit::SUCCESS)
}

impl Status {
    fn of(folder: &PlanFolder, survey: &Survey, named: &dyn std::fmt::Display) -> Self {
        let plan = &folder.plan;
        let mut status = Self {
            scenario: plan.scenario.clone(),
            scenario_hash: plan.scenario_hash.clone(),
            failed_points: survey.failed(),
            named: named.to_string(),
            ..Self::default()
        };
        (status.points.all, status.chunks.all) = (plan.points, plan.chunks);
        for (chunk, state) in survey.chunks.iter().enumerate() {
            let size = plan.chunk(chunk).len();
            match state {
                ChunkState::Done(_) => {
                    status.points.done += size;
                    status.chunks.done += 1;
                }
                ChunkState::Begun { kept, .. } => {
                    status.points.begun += kept;
                    status.chunks.begun += 1;
                    status.begun_chunks.push(chunk..chunk + 1);
                }
                ChunkState::Missing => status.missing_chunks.push(chunk..chunk + 1),
                ChunkState::Damaged(path, why) => {
                    status.damaged.push(Damaged { chunk, file: path.display().to_string(), why: why.clone() });
                }
            }
        }
        status.points.missing = plan.points - status.points.done - status.points.begun;
        status.chunks.missing = status.missing_chunks.count() + status.damaged.len();
        let open = survey.open_chunks();
        status.next = match (open.is_empty(), status.failed_points) {
            (false, _) => Some(format!("isotherm sweep work {named} --chunk {}", open.as_argument())),
            (true, 0) => None,
            (true, _) => Some(format!("isotherm sweep retry {named}")),
        };
        status
    }

    /// Adds what is in the queue, where SLURM was given anything: the rest is then its business.
    fn ask_slurm(&mut self, folder: &PlanFolder, survey: &Survey, named: &dyn std::fmt::Display) -> Result<(), Fault> {
        let submissions = submitted::read(&folder.path)?;
        if submissions.is_empty() {
            return Ok(());
        }
        let chunks = match queue::chunks(&submissions) {
            Ok(chunks) => chunks,
            Err(why) => {
                tell!("note: what is in the queue is not known: {why}");
                return Ok(());
            }
        };
        let mut open = survey.open_chunks().numbers();
        if !open.is_empty() {
            open.retain(|chunk| !chunks.contains_key(chunk));
            self.next = (!open.is_empty()).then(|| format!("isotherm sweep submit {named} --slurm"));
        }
        // Tasks that are gone without having done their chunks have said why.
        self.gone = (!open.is_empty()).then(|| {
            let queued: BTreeSet<&str> = chunks.values().map(|task| task.job.as_str()).collect();
            let arrays = submissions.iter().filter(|submission| submission.first_chunk.is_some());
            let jobs: BTreeSet<&str> = arrays.map(|submission| submission.job.as_str()).collect();
            jobs.difference(&queued).map(|job| (*job).to_owned()).collect()
        });
        self.queue = Some(InQueue::of(&chunks));
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let (points, chunks) = (&self.points, &self.chunks);
        let mut line = |what: &str, value: String| {
            // A string takes everything.
            let _ = writeln!(text, "{what:10}{value}");
        };
        line(
            "sweep",
            format!("{}, {} in {}", self.scenario, counted(points.all, "point"), counted(chunks.all, "chunk")),
        );
        let failed =
            if self.failed_points > 0 { format!("; {} of them failed", self.failed_points) } else { String::new() };
        line("done", format!("{} in {}{failed}", counted(points.done, "point"), counted(chunks.done, "chunk")));
        if chunks.begun > 0 {
            let (points, chunks) = (counted(points.begun, "point"), counted(chunks.begun, "chunk"));
            line("running", format!("or stopped: {points} kept in {chunks} ({})", self.begun_chunks));
        }
        if points.missing > 0 {
            line("missing", format!("{}; untouched chunks: {}", counted(points.missing, "point"), self.untouched()));
        }
        if let Some(queue) = self.queue.as_ref().filter(|queue| !queue.jobs.is_empty()) {
            let tasks = |tasks: &Ranges| if tasks.is_empty() { "none".to_owned() } else { format!("chunks {tasks}") };
            let reasons = queue.reasons.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let why = if reasons.is_empty() { reasons } else { format!(" ({reasons})") };
            let jobs = queue.jobs.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            line(
                "SLURM",
                format!("job {jobs}: {} running, {} waiting{why}", tasks(&queue.running), tasks(&queue.waiting)),
            );
        }
        if let Some(jobs) = &self.gone {
            let jobs = jobs.join(", ");
            line(
                "ended",
                format!("tasks of job {jobs} that did not do their chunks; why stands in logs/, beside the plan"),
            );
        }
        for damaged in &self.damaged {
            line(
                "damaged",
                format!("chunk {}: {}: {}; it will be done again", damaged.chunk, damaged.file, damaged.why),
            );
        }
        match &self.next {
            Some(command) => line("next", format!("`{command}`")),
            None if points.done < points.all => line("next", "wait: all that is left is in the queue".to_owned()),
            None => line("next", format!("`isotherm sweep merge {}`, if that is not done yet", self.named)),
        }
        text
    }

    fn untouched(&self) -> String {
        if self.missing_chunks.is_empty() { "none".to_owned() } else { self.missing_chunks.to_string() }
    }
}
