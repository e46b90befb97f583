//! Options of `report`.

use std::path::PathBuf;

use clap::Args;

/// Options of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// Results folder
    #[arg(value_name = "RESULTS")]
    pub results: PathBuf,
    /// Where to write the page [default: RESULTS/report.html]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print summary.json instead of the table, and write no page
    #[arg(long, conflicts_with_all = ["csv", "markdown", "output"])]
    pub json: bool,
    /// Print all rows and metrics as CSV instead of the table, and write no page
    #[arg(long, conflicts_with_all = ["markdown", "output"])]
    pub csv: bool,
    /// Print the table as Markdown, and write no page
    #[arg(long, conflicts_with = "output")]
    pub markdown: bool,
}
