//! Options of `isotherm trace`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isotherm_report::timeline::{Choice, Format};

/// Options of `trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// Results folder
    #[arg(value_name = "RESULTS")]
    pub results: PathBuf,
    /// Where to write the timeline, compressed if the name ends in .gz; open it at <https://ui.perfetto.dev>
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// One run by its run_id in runs.parquet, or how that begins [default: the first seed of every router at its first point]
    #[arg(long, value_name = "ID", conflicts_with_all = ["router", "seed", "point"])]
    pub run: Option<String>,
    /// Only this router
    #[arg(long, value_name = "NAME")]
    pub router: Option<String>,
    /// This seed instead of the first one
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// This sweep point instead of the first one of every router, for example router.lambda=0.1
    #[arg(long, value_name = "TEXT")]
    pub point: Option<String>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: TraceFormat,
}

/// The forms of a timeline.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum TraceFormat {
    /// Perfetto's own TrackEvents
    #[default]
    Perfetto,
    /// Chrome's JSON, for other viewers
    Chrome,
}

impl From<TraceFormat> for Format {
    fn from(format: TraceFormat) -> Self {
        match format {
            TraceFormat::Perfetto => Self::Perfetto,
            TraceFormat::Chrome => Self::Chrome,
        }
    }
}

impl Trace {
    /// Which runs are asked for.
    #[must_use]
    pub fn choice(&self) -> Choice {
        Choice {
            run: self.run.clone(),
            router: self.router.clone(),
            seed: self.seed.map(|seed| seed.to_string()),
            point: self.point.clone(),
        }
    }
}
