//! `isotherm validate`: all faults of scenarios and of the files they name, without running anything.

use crate::args::Validate;
use crate::execute::Comparison;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::scenario_file::{Overrides, ScenarioFile};

/// Checks every scenario, also after one had faults; the exit code is that of the first fault.
pub(super) fn run(options: &Validate) -> Result<Code, Fault> {
    let mut code = exit::SUCCESS;
    for path in &options.scenarios {
        let libraries = &options.libraries.files;
        let overrides = Overrides { telemetry: options.telemetry.as_ref(), set: &options.set, libraries };
        let checked = ScenarioFile::read_as(path, &overrides).and_then(|file| {
            let runs = Comparison::prepare(&file)?.runs().len();
            Ok((file.resolved, runs))
        });
        match checked {
            Ok((resolved, _)) if options.resolved => super::print(&resolved)?,
            Ok((_, runs)) => super::print(&format!("{}: no faults, makes {runs} runs\n", path.display()))?,
            Err(fault) => {
                tell!("{fault}");
                if code == exit::SUCCESS {
                    code = fault.code();
                }
            }
        }
    }
    Ok(code)
}
