//! `isotherm plot`: the figures of a results folder.

use std::path::Path;

use isotherm_report::draw::{self, Style};
use isotherm_report::figure::{self, FIGURES, Figure, NoFigure};
use isotherm_report::palette::Theme;
use isotherm_report::results::Results;
use rayon::prelude::*;

use crate::args::{PictureFormat, PictureTheme, Plot};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::output_file::{self, write_whole};

/// Draws what was asked for, or everything that applies, and says where it is.
pub(super) fn run(options: &Plot) -> Result<Code, Fault> {
    let asked = asked(options)?;
    let results = Results::open(&options.results).map_err(|error| Fault::Input(error.to_string()))?;
    for gap in &results.gaps {
        tell!("note: {gap}");
    }
    let folder = options.out.clone().unwrap_or_else(|| options.results.join("figures"));
    // Figures are independent of each other; what is told keeps their order. They are drawn before anything is made for them, so that
    // no empty folder is left where nothing came of it.
    let drawn: Vec<Result<Drawn, Fault>> = asked.par_iter().map(|name| draw(&results, name, options)).collect();
    output_file::tidy_when_interrupted();
    let (mut written, mut failed) = (0, None);
    for drawn in drawn {
        match drawn {
            Ok(Drawn::Files { files, told }) => {
                written += write(&folder, files)?;
                told.iter().for_each(|note| tell!("note: {note}"));
            }
            Ok(Drawn::Not(why)) => tell!("left out: {why}"),
            Err(fault) => failed = failed.or(Some(fault)),
        }
    }
    match failed {
        Some(fault) => Err(fault),
        None if written == 0 => {
            Err(Fault::Input(format!("{}: no figure applies to these results", options.results.display())))
        }
        None => Ok(exit::SUCCESS),
    }
}

/// Writes the files of a figure and says where they are; how many there were.
fn write(folder: &Path, files: Vec<File>) -> Result<usize, Fault> {
    std::fs::create_dir_all(folder).map_err(|error| Fault::unwritable(folder, error))?;
    for file in &files {
        let path = folder.join(&file.name);
        write_whole(&path, &file.bytes)?;
        tell!("{}", path.display());
    }
    Ok(files.len())
}

/// The figures to draw, each once, in the order in which they are listed.
fn asked(options: &Plot) -> Result<Vec<&'static str>, Fault> {
    if let Some(name) = options.figure.iter().find(|name| FIGURES.iter().all(|listed| listed.name != **name)) {
        return Err(Fault::Usage(NoFigure::Unknown(name.clone()).to_string()));
    }
    let is_asked = |name: &str| options.figure.is_empty() || options.figure.iter().any(|asked| asked == name);
    Ok(FIGURES.iter().map(|listed| listed.name).filter(|name| is_asked(name)).collect())
}

/// What became of a figure.
enum Drawn {
    Files {
        files: Vec<File>,
        /// What a reader of them has to know.
        told: Option<String>,
    },
    /// It does not apply, for this reason.
    Not(String),
}

/// A figure in one format.
struct File {
    name: String,
    bytes: Vec<u8>,
}

fn draw(results: &Results, name: &str, options: &Plot) -> Result<Drawn, Fault> {
    match figure::build(name, results) {
        Ok(figure) => Ok(Drawn::Files { files: files(&figure, options)?, told: boxes(&figure, options) }),
        Err(NoFigure::DoesNotApply { name, why }) if options.figure.is_empty() => {
            Ok(Drawn::Not(format!("{name}: {why}")))
        }
        Err(error) => Err(Fault::Input(error.to_string())),
    }
}

fn is_asked(options: &Plot, format: PictureFormat) -> bool {
    options.format.is_empty() || options.format.contains(&format)
}

/// Which letters a PNG could not draw.
fn boxes(figure: &Figure, options: &Plot) -> Option<String> {
    const SHOWN: usize = 10;
    let letters =
        if is_asked(options, PictureFormat::Png) { draw::boxes(figure, &Style::default()) } else { Vec::new() };
    if letters.is_empty() {
        return None;
    }
    let shown: Vec<String> = letters.iter().take(SHOWN).map(|letter| format!("U+{:04X}", u32::from(*letter))).collect();
    let more = if letters.len() > SHOWN { ", ..." } else { "" };
    Some(format!(
        "{}.png has boxes for letters that its font lacks ({}{more}); take the SVG, which has them",
        figure.name,
        shown.join(", ")
    ))
}

/// A figure in all formats.
fn files(figure: &Figure, options: &Plot) -> Result<Vec<File>, Fault> {
    let (theme, suffix) = match options.theme {
        PictureTheme::Light => (Theme::Light, ""),
        PictureTheme::Dark => (Theme::Dark, "-dark"),
    };
    let style = Style { theme, width: None };
    let mut files = Vec::new();
    let mut keep = |ending: &str, bytes: Vec<u8>| files.push(File { name: format!("{}{ending}", figure.name), bytes });
    if is_asked(options, PictureFormat::Svg) {
        keep(&format!("{suffix}.svg"), draw::svg(figure, &style).into_bytes());
    }
    if is_asked(options, PictureFormat::Png) {
        let png = draw::png(figure, &style).map_err(|error| Fault::Internal(error.to_string()))?;
        keep(&format!("{suffix}.png"), png);
    }
    if options.csv {
        let mut table = Vec::new();
        figure::csv(figure, &mut table).map_err(|error| Fault::Internal(error.to_string()))?;
        keep(".csv", table);
    }
    Ok(files)
}
