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
    let results = opened(folder)?;
    let html = page::html(&results);
    let output = OutputFile::at(&path, A_PAGE)?;
    comparison::show_table(&results)?;
    output_file::tidy_when_interrupted();
    written(&output, &html)?;
    Ok(exit::SUCCESS)
}

/// Prints the table of a folder that was just filled and writes its page.
pub(super) fn table_and_page(folder: &Path) -> Result<(), Fault> {
    let results = opened(folder)?;
    comparison::show_table(&results)?;
    page_of(&results)
}

/// Writes the page of a folder that was just filled.
pub(super) fn only_page(folder: &Path) -> Result<(), Fault> {
    page_of(&opened(folder)?)
}

/// Says how to get a page.
pub(super) fn suggest_page(folder: &Path, quiet: bool) {
    if !quiet && std::io::stderr().is_terminal() {
        let words = folder.to_str().and_then(|path| shlex::try_quote(path).ok());
        tell!("for a page to look at: isotherm report {}", words.as_deref().unwrap_or("RESULTS"));
    }
}

fn opened(folder: &Path) -> Result<Results, Fault> {
    Results::open(folder).map_err(|error| Fault::Input(error.to_string()))
}

fn page_of(results: &Results) -> Result<(), Fault> {
    written(&OutputFile::at(&results.path.join(PAGE), A_PAGE)?, &page::html(results))
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
