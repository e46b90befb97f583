//! `isotherm report`: the comparison of a results folder as a table, and as a page for a browser.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use isotherm_report::page;
use isotherm_report::results::Results;

use super::comparison::{self, Form};
use super::profile::write_whole;
use crate::args::Report;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// Name of the page in a results folder.
const PAGE: &str = "report.html";

/// How every page begins, in capitals.
const DOCTYPE: &[u8] = b"<!DOCTYPE HTML";

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
    comparison::show(folder, Form::Text)?;
    written(&path, &html)?;
    Ok(exit::SUCCESS)
}

/// Writes the page of a folder that was just filled, or says how to get one.
pub(super) fn after_run(folder: &Path, wanted: bool, quiet: bool) -> Result<(), Fault> {
    if wanted {
        return written(&folder.join(PAGE), &made(folder)?);
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

/// Writes the page, in the place of an older one but of nothing else.
fn written(path: &Path, html: &str) -> Result<(), Fault> {
    if path.exists() && !is_page(path) {
        return Err(Fault::Usage(format!(
            "{} is there already and is no page of a report\n  = help: choose another name with -o, for example -o report.html",
            path.display()
        )));
    }
    write_whole(path, html)?;
    tell!("{} ({:.1} MB): open it in a browser", path.display(), html.len() as f64 / 1e6);
    Ok(())
}

fn is_page(path: &Path) -> bool {
    let mut start = [0; DOCTYPE.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start.eq_ignore_ascii_case(DOCTYPE)
}
