//! The comparison of a results folder on standard output: the same whether the folder was written just now or long ago.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use isotherm_report::results::{Gap, ReadError};
use isotherm_report::table;

use crate::fault::Fault;
use crate::look;

/// In which form a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a table for people, as the terminal can show it.
    Text,
    /// `summary.json` as it is.
    Json,
    /// All rows and metrics.
    Csv,
    /// As the table for people, for a README.
    Markdown,
}

/// Prints the comparison of a folder.
///
/// # Errors
/// [`Fault::Input`] if the folder cannot be read, [`Fault::Unwritable`] if standard output takes nothing more.
pub(super) fn show(folder: &Path, form: Form) -> Result<(), Fault> {
    match form {
        Form::Text => super::print(&table::text(folder, look::of_standard_output()).map_err(unreadable)?),
        Form::Markdown => super::print(&table::markdown(folder).map_err(unreadable)?),
        Form::Csv => written(|out| table::csv(folder, out)),
        Form::Json => written(|out| table::json(folder, out)),
    }
}

/// Runs what writes to standard output; a reader that has gone away is no error.
///
/// What is odd about the folder goes to standard error: the table itself is for another program.
fn written(write: impl FnOnce(&mut dyn io::Write) -> Result<io::Result<Vec<Gap>>, ReadError>) -> Result<(), Fault> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = write(&mut out).map_err(unreadable)?.and_then(|gaps| out.flush().map(|()| gaps));
    match written {
        Ok(gaps) => gaps.iter().for_each(|gap| tell!("note: {gap}")),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(Fault::unwritable(Path::new("standard output"), error)),
    }
    Ok(())
}

fn unreadable(error: ReadError) -> Fault {
    Fault::Input(error.to_string())
}
