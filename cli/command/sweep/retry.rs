//! `isotherm sweep retry`: failed points once more.

use std::num::NonZeroU16;

use super::{counted, work};
use crate::args::SweepRetry;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::slurm::script::quoted;
use crate::sweep::{self, PlanFolder, Survey};

/// Puts failed points back, and does them if that was asked for.
pub(super) fn run(options: &SweepRetry) -> Result<Code, Fault> {
    let folder = PlanFolder::open(&options.folder)?;
    let put_back = sweep::retry(&folder, &Survey::of(&folder)?)?;
    if put_back.points == 0 {
        tell!("no point of a chunk that is done has failed");
        return Ok(exit::SUCCESS);
    }
    tell!("{} put back", counted(put_back.points, "failed point"));
    if options.run {
        let threads = options.threads.and_then(NonZeroU16::new);
        let code = work::do_chunks(&folder, &put_back.chunks.numbers(), threads, false)?;
        let failed = Survey::of(&folder)?.failed();
        return Ok(if code == exit::SUCCESS && failed > 0 { exit::RUN } else { code });
    }
    let chunks = put_back.chunks.as_argument();
    crate::command::print(&format!("isotherm sweep work {} --chunk {chunks}\n", quoted(&options.folder)?))?;
    Ok(exit::SUCCESS)
}
