//! The `isotherm` program: everything is a call of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    isotherm::main_impl(std::env::args_os())
}
