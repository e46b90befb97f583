//! `isotherm sweep work`: what a task runs.

use std::num::NonZeroU16;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::counted;
use crate::args::SweepWork;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::slurm::requeue::{self, Requeued};
use crate::sweep::{Asked, ChunkEnd, PlanFolder, Signals, Worker};

/// Time between two lines about a chunk under way.
const SAID_EVERY: Duration = Duration::from_secs(30);

/// Does the chunks that were asked for, one after the other.
pub(super) fn run(options: &SweepWork) -> Result<Code, Fault> {
    let folder = PlanFolder::open(&options.folder)?;
    let chunks = chunks(options, folder.plan.chunks)?;
    do_chunks(&folder, &chunks, options.threads.and_then(NonZeroU16::new), options.quiet)
}

/// Does these chunks of a plan; the code says why it ended.
pub(super) fn do_chunks(
    folder: &PlanFolder,
    chunks: &[usize],
    threads: Option<NonZeroU16>,
    quiet: bool,
) -> Result<Code, Fault> {
    let signals = Signals::listen();
    let points = folder.points()?;
    let threads = threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        |threads| usize::from(threads.get()),
    );
    let pool = crate::command::run::pool(threads)?;
    for &chunk in chunks {
        let size = folder.plan.chunk(chunk).len();
        let last = Mutex::new(Instant::now());
        let progress = |done: usize| {
            let Ok(mut last) = last.lock() else { return };
            if !quiet && last.elapsed() >= SAID_EVERY {
                *last = Instant::now();
                tell!("chunk {chunk}: {done} of {size} points");
            }
        };
        let worker = Worker::new(folder, &points, &signals, &progress);
        let began = Instant::now();
        let end = pool.install(|| worker.chunk(chunk))?;
        if !quiet {
            tell!("chunk {chunk}: {}", said(&end, size, began.elapsed()));
        }
        if matches!(end, ChunkEnd::Stopped { .. }) {
            return Ok(stopped(&signals));
        }
    }
    Ok(exit::SUCCESS)
}

/// The chunks on the command line, or the one of this task.
fn chunks(options: &SweepWork, of: usize) -> Result<Vec<usize>, Fault> {
    if options.all {
        return Ok((0..of).collect());
    }
    let mut chunks: Vec<usize> = options.chunk.iter().cloned().flatten().collect();
    if chunks.is_empty() {
        let task = std::env::var("SLURM_ARRAY_TASK_ID").map_err(|_| {
            Fault::Usage(
                "which chunk is to be done?\n  = help: say --chunk N, or --all; in a SLURM array the task says it"
                    .to_owned(),
            )
        })?;
        let chunk = task.parse().map_err(|_| Fault::Usage(format!("SLURM_ARRAY_TASK_ID is `{task}`, and no chunk")))?;
        chunks.push(chunk);
    }
    match chunks.iter().find(|chunk| **chunk >= of) {
        None => Ok(chunks),
        Some(chunk) => Err(Fault::Usage(format!("there is no chunk {chunk}: the plan has {of}, from 0 to {}", of - 1))),
    }
}

fn said(end: &ChunkEnd, size: usize, took: Duration) -> String {
    let failures = |failed: usize| match failed {
        0 => String::new(),
        _ => format!("; {} failed, which `isotherm sweep retry` puts back", counted(failed, "point")),
    };
    match end {
        ChunkEnd::Already(failed) => format!("done before, {}{}", counted(size, "point"), failures(*failed)),
        ChunkEnd::Done { simulated, failed } => {
            let taken = if *simulated == size { String::new() } else { format!(", {} kept before", size - simulated) };
            format!("{} in {:.2} s{taken}{}", counted(*simulated, "point"), took.as_secs_f64(), failures(*failed))
        }
        ChunkEnd::Stopped { kept } => format!("stopped; {kept} of {} are kept", counted(size, "point")),
    }
}

/// Puts the job back into the queue where that was asked for.
fn stopped(signals: &Signals) -> Code {
    match signals.asked() {
        Asked::Interrupt => return exit::INTERRUPTED,
        Asked::Requeue => requeue(),
        Asked::End | Asked::Nothing => {}
    }
    exit::AGAIN
}

/// Asks SLURM for another start of this job. Elsewhere the exit code says it.
fn requeue() {
    match requeue::own_task() {
        Requeued::Yes => tell!("this task is back in the queue"),
        Requeued::NoTask => {}
        Requeued::NotOurs => tell!("this task is cancelled or runs elsewhere; everything finished is kept"),
        Requeued::Refused(why) => {
            tell!("this task could not be put back into the queue ({why}); everything finished is kept");
        }
    }
}
