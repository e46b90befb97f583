//! `isotherm plugin`: what authors and users of plugins need.

mod bench;
mod check;
mod inspect;
mod list;
mod new;

use crate::args::Plugin;
use crate::exit::Code;
use crate::fault::Fault;

pub(super) fn run(command: &Plugin) -> Result<Code, Fault> {
    match command {
        Plugin::New(options) => new::run(options),
        Plugin::List(options) => list::run(options),
        Plugin::Inspect(options) => inspect::run(options),
        Plugin::Describe { file } => inspect::describe(file),
        Plugin::Check(options) => check::run(options),
        Plugin::CheckOne(case) => check::one(case),
        Plugin::Bench(options) => bench::run(options),
    }
}
