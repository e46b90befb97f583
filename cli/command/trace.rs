//! `isotherm trace`: results as a timeline for a trace viewer.

use std::path::Path;

use isotherm_report::results::{Gap, Results};
use isotherm_report::timeline::{self, TimelineError};

use crate::args::Trace as Options;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// Writes the timeline beside its place, and puts it there when it is whole.
pub(super) fn run(options: &Options) -> Result<Code, Fault> {
    let results = Results::open(&options.results).map_err(|error| Fault::Input(error.to_string()))?;
    if results.series_rows().is_none() || results.runs.is_empty() {
        return Err(Fault::Input(no_time(&results)));
    }
    let runs = options
        .choice()
        .among(&results)
        .map_err(|error| Fault::Usage(format!("{}: {error}", options.results.display())))?;
    let path = &options.output;
    let unwritable = |error: std::io::Error| Fault::unwritable(path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let file = tempfile::Builder::new().prefix(".isotherm-trace").tempfile_in(folder).map_err(unwritable)?;
    super::profile::readable_by_all(file.as_file()).map_err(unwritable)?;
    timeline::write_as(path, &results, &runs, options.format.into(), file.as_file()).map_err(|error| match error {
        TimelineError::Read(error) => Fault::Input(error.to_string()),
        TimelineError::Write(error) => unwritable(error),
    })?;
    file.persist(path).map_err(|error| unwritable(error.error))?;
    for gap in &results.gaps {
        tell!("note: {gap}");
    }
    tell!(
        "{} of {} runs are in {}; open it at https://ui.perfetto.dev",
        runs.len(),
        results.runs.len(),
        path.display()
    );
    Ok(exit::SUCCESS)
}

/// Why nothing can be shown over time.
fn no_time(results: &Results) -> String {
    let about = |gap: &&Gap| ["series.parquet", "runs.parquet"].contains(&gap.file);
    let gaps: Vec<String> = results.gaps.iter().filter(about).map(Gap::to_string).collect();
    format!(
        "{}: {}\n  = help: expected a folder with runs.parquet and series.parquet, as `isotherm run SCENARIO --out FOLDER` writes it",
        results.path.display(),
        gaps.join("; ")
    )
}
