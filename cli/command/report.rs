//! `isotherm report`: the comparison of a results folder as a table, and as a page for a browser.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use isotherm_report::page;
use isotherm_report::results::Results;

use super::comparison::{self, Form};
use crate::args::Report;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::output_file::{self, Kind, OutputFile};

/// Name of the page in a results folder.
const PAGE: &str = "report.html";

/// How every page begins, in capitals.
const DOCTYPE: &[u8] = b"<!DOCTYPE HTML";

/// What may be replaced.
const A_PAGE: Kind = Kind { what: "page of a report", example: PAGE, is_one: is_page };

/// Prints the table, and writes the page unless only a table was asked for.
pub(super) fn run(options: &Report) -> Result<Code, Fault> {
    let folder = &options.results;
    let only = match options {
        Report { json: true, .. } => Some(Form::Json),
        Report { csv: true, .. } => Some(Form::Csv),
        Report { markdown: true, .. } => Some(Form::Markdown),
        _ => None,
    };
    if let Some(form) = only {
        comparison::show(folder, form)?;
        return Ok(exit::SUCCESS);
    }
    let path = options.output.clone().unwrap_or_else(|| folder.join(PAGE));
    let html = made(folder)?;
    let output = OutputFile::at(&path, A_PAGE)?;
    comparison::show(folder, Form::Text)?;
    output_file::tidy_when_interrupted();
    written(&output, &html)?;
    Ok(exit::SUCCESS)
}

/// Writes the page of a folder that was just filled, or says how to get one.
pub(super) fn after_run(folder: &Path, wanted: bool, quiet: bool) -> Result<(), Fault> {
    if wanted {
        return written(&OutputFile::at(&folder.join(PAGE), A_PAGE)?, &made(folder)?);
    }
    if !quiet && std::io::stderr().is_terminal() {
        let words = folder.to_str().and_then(|path| shlex::try_quote(path).ok());
        tell!("for a page to look at: isotherm report {}", words.as_deref().unwrap_or("RESULTS"));
    }
    Ok(())
}

fn made(folder: &Path) -> Result<String, Fault> {
    let results = Results::open(folder).map_err(|error| Fault::Input(error.to_string()))?;
    Ok(page::html(&results))
}

fn written(output: &OutputFile, html: &str) -> Result<(), Fault> {
    output.write(|out| Ok(out.write_all(html.as_bytes())))?;
    tell!("{} ({:.1} MB): open it in a browser", output.path().display(), html.len() as f64 / 1e6);
    Ok(())
}

fn is_page(mut file: File) -> bool {
    let mut start = [0; DOCTYPE.len()];
    file.read_exact(&mut start).is_ok() && start.eq_ignore_ascii_case(DOCTYPE)
}
