//! Options of `plot`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use isotherm_report::figure::FIGURES;

/// Options of `plot`.
#[derive(Debug, Args)]
#[command(after_help = figures())]
pub struct Plot {
    /// Results folder
    #[arg(value_name = "RESULTS")]
    pub results: PathBuf,
    /// Folder for the pictures; those that are there already are replaced [default: RESULTS/figures]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only this figure; may be repeated [default: all that apply]
    #[arg(long, value_name = "NAME")]
    pub figure: Vec<String>,
    /// Format of the pictures; may be repeated [default: svg and png]
    #[arg(long, value_name = "FORMAT")]
    pub format: Vec<PictureFormat>,
    /// Ground and colours; names of dark pictures end in `-dark`
    #[arg(long, value_name = "THEME", default_value = "light")]
    pub theme: PictureTheme,
    /// Also write the numbers behind each figure, as NAME.csv
    #[arg(long)]
    pub csv: bool,
}

/// What a picture is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PictureFormat {
    /// Sharp at any size, text stays text
    Svg,
    /// 1,200 pixels for 85 mm
    Png,
}

/// What a picture is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PictureTheme {
    /// White
    Light,
    /// Near black
    Dark,
}

/// The figures by name, for the help.
fn figures() -> String {
    let line = |listed: &isotherm_report::figure::Listed| format!("  {:<22}{}", listed.name, listed.shows);
    let lines: Vec<String> = FIGURES.iter().map(line).collect();
    format!("Figures:\n{}", lines.join("\n"))
}
