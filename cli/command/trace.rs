//! `isotherm trace`: results as a timeline for a trace viewer.

use isotherm_report::results::{Gap, Results};
use isotherm_report::timeline::{self, TimelineError};

use crate::args::Trace as Options;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::output_file::{self, Kind, OutputFile};

/// What may be replaced.
const TIMELINE: Kind =
    Kind { what: "timeline of isotherm", example: "trace.pftrace.gz", is_one: |file| timeline::is_timeline(file) };

/// Writes the timeline.
pub(super) fn run(options: &Options) -> Result<Code, Fault> {
    let results = Results::open(&options.results).map_err(|error| Fault::Input(error.to_string()))?;
    if results.series_rows().is_none() || results.runs.is_empty() {
        return Err(Fault::Input(no_time(&results)));
    }
    let runs = options
        .choice()
        .among(&results)
        .map_err(|error| Fault::Usage(format!("{}: {error}", options.results.display())))?;
    let output = OutputFile::at(&options.output, TIMELINE)?;
    output_file::tidy_when_interrupted();
    output.write(|out| match timeline::write_as(output.path(), &results, &runs, options.format.into(), out) {
        Ok(()) => Ok(Ok(())),
        Err(TimelineError::Write(error)) => Ok(Err(error)),
        Err(TimelineError::Read(error)) => Err(Fault::Input(error.to_string())),
    })?;
    for gap in &results.gaps {
        tell!("note: {gap}");
    }
    tell!(
        "{} of {} runs are in {}; open it at https://ui.perfetto.dev",
        runs.len(),
        results.runs.len(),
        output.path().display()
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
