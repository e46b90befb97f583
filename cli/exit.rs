//! The exit codes of the program, in one table.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | an error of isotherm itself: please report it |
//! | 2 | the command line is wrong |
//! | 3 | a scenario is wrong |
//! | 4 | a data file (trace, recording, profile), a plugin library or a results folder to read is missing or wrong |
//! | 5 | results cannot be written |
//! | 6 | one or more runs failed, the others are kept; or cases of `plugin check` failed |
//! | 7 | a telemetry source, or SLURM, is not available: no driver, nobody listens, `sbatch` refuses |
//! | 8 | a sweep is not complete: points are missing; what there is was reported |
//! | 75 | stopped by a signal that asked for it; everything finished is kept, the same command continues |
//! | 130 | interrupted; finished runs are kept, recordings are complete up to then |

use std::process::ExitCode;

/// An exit code of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u8);

impl Code {
    /// The number the shell sees.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.0)
    }
}

/// Done.
pub const SUCCESS: Code = Code(0);
/// An error of isotherm itself.
pub const INTERNAL: Code = Code(1);
/// The command line is wrong.
pub const USAGE: Code = Code(2);
/// A scenario is wrong.
pub const SCENARIO: Code = Code(3);
/// A data file, or a results folder to read, is missing or wrong.
pub const INPUT: Code = Code(4);
/// Results cannot be written.
pub const OUTPUT: Code = Code(5);
/// One or more runs, or cases of `plugin check`, failed.
pub const RUN: Code = Code(6);
/// A telemetry source, or SLURM, is not available.
pub const UNAVAILABLE: Code = Code(7);
/// Points of a sweep are missing.
pub const INCOMPLETE: Code = Code(8);
/// Stopped by a signal, to be started again.
pub const AGAIN: Code = Code(75);
/// Interrupted by Ctrl-C.
pub const INTERRUPTED: Code = Code(130);
