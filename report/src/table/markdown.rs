//! The table for a README, an issue or a notebook.

use std::fmt::Write as _;
use std::path::Path;

use super::contents::Contents;
use super::grid::{Cell, Grid};
use crate::results::ReadError;

/// The table of a results folder as GitHub's Markdown, the best of each column in bold, with the notes as a list below it. Names cannot
/// break out of their cells.
///
/// # Errors
/// As [`text`](super::text()).
pub fn markdown(folder: &Path) -> Result<String, ReadError> {
    let contents = Contents::of(folder, false)?;
    let mut text = String::new();
    let mut has_best = false;
    for (heading, grid) in contents.tables {
        if let Some(heading) = heading {
            let _ = writeln!(text, "{heading}:\n");
        }
        has_best |= grid.has_best();
        text.push_str(&table(&grid));
        text.push('\n');
    }
    let mut notes = contents.notes;
    if has_best {
        notes.push("bold: the best of its column, where no other row's 95 % interval touches its own".to_owned());
    }
    for note in notes {
        let _ = writeln!(text, "- {}", escaped(&note));
    }
    for failure in contents.failures {
        let _ = writeln!(text, "- failed: {}", escaped(&failure));
    }
    Ok(text)
}

fn table(grid: &Grid) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let cell = |cell: &Cell| match escaped(&cell.text) {
        text if cell.is_best => format!("**{text}**"),
        text => text,
    };
    let mut text = line(grid.columns.iter().map(|column| escaped(&column.heading)).collect());
    let aligned = |is_number: bool| if is_number { "--:" } else { ":--" };
    text.push_str(&format!("|{}|\n", grid.columns.iter().map(|c| aligned(c.is_number)).collect::<Vec<_>>().join("|")));
    for row in grid.rows() {
        text.push_str(&line(row.into_iter().map(cell).collect()));
    }
    text
}

/// Text that Markdown leaves alone.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
