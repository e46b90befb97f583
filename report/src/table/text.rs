//! The table for a terminal, a pipe or a text file.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{CellAlignment, ContentLineStyle, LineStyle, Table, TableStyle};

use super::contents::Contents;
use super::grid::{Cell, Column, Grid, Narrowed};
use super::look::Look;
use crate::results::ReadError;

/// One line below the headings, and otherwise only space.
pub const STYLE: TableStyle = ruled('─');

const fn ruled(line: char) -> TableStyle {
    TableStyle::new()
        .header_lines(ContentLineStyle::none())
        .header_separator(LineStyle::none().fill(line).junction(line))
        .content_lines(ContentLineStyle::none())
}

/// The table of a results folder and the notes below it: means with their units, intervals of what is saved and what it costs, and energy
/// per token over time as a spark line, for all rows on one scale. Of more than 200 rows it shows the first and the best, and says where the
/// others are. The same folder and look give the same text.
///
/// ```
/// use isotherm_report::table::{Look, text};
///
/// let folder = tempfile::tempdir()?;
/// let rows = r#"[{ "router": "cool", "metrics": { "energy_j": { "mean": 1500.0, "ci95": 20.0 } } }]"#;
/// std::fs::write(folder.path().join("summary.json"), format!(r#"{{ "schema_version": 2, "rows": {rows} }}"#))?;
/// let table = text(folder.path(), Look::default())?;
/// assert!(table.contains(" cool     1.500 ± 0.020 kJ"), "{table}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If neither a summary nor runs can be read: there is nothing to show.
pub fn text(folder: &Path, look: Look) -> Result<String, ReadError> {
    let contents = Contents::of(folder, look.ascii)?;
    let mut text = String::new();
    let (mut left_out, mut has_best, mut is_shortened) = (Vec::new(), false, false);
    for (heading, grid) in contents.tables {
        has_best |= grid.has_best();
        let (table, has_short_names) = fitted(grid, look, &mut left_out);
        is_shortened |= has_short_names;
        match heading {
            Some(heading) => {
                let _ = writeln!(text, "{heading}\n\n{table}");
            }
            None => text.push_str(&table),
        }
    }
    let mut notes = contents.notes;
    if look.bold && has_best {
        notes.push("bold: the best of its column, where no other row's 95 % interval touches its own".to_owned());
    }
    let summary = folder.join("summary.json");
    if is_shortened {
        notes.push(format!("names are shortened for this terminal; whole ones are in {}", summary.display()));
    }
    if !left_out.is_empty() {
        notes.retain(|note| !left_out.iter().any(|heading| note.starts_with(&format!("{heading}: "))));
        notes.push(format!("too wide for this terminal: {}; see {}", left_out.join(", "), summary.display()));
    }
    for note in notes {
        let _ = writeln!(text, "note: {}", look.drawn(&note));
    }
    for failure in contents.failures {
        let _ = writeln!(text, "failed: {}", look.drawn(&failure));
    }
    Ok(text)
}

/// The table with names as short, and without the columns, as the room wants it; headings of columns that left are added to `left_out`.
/// Whether names were shortened is the second answer.
fn fitted(mut grid: Grid, look: Look, left_out: &mut Vec<String>) -> (String, bool) {
    let mut is_shortened = false;
    loop {
        let table = drawn(&grid, look).trim_fmt() + "\n";
        // The line below the headings is as long as the table is wide, whatever is in its cells.
        let width = table.lines().nth(1).map_or(0, |line| line.chars().count());
        let excess = look.width.map_or(0, |available| width.saturating_sub(usize::from(available)));
        match if excess == 0 { None } else { grid.narrow(excess) } {
            None => return (table, is_shortened),
            Some(Narrowed::Shortened) => is_shortened = true,
            Some(Narrowed::Left(heading)) if left_out.contains(&heading) => {}
            // What leaves later stands before it more often than not.
            Some(Narrowed::Left(heading)) => left_out.insert(0, heading),
        }
    }
}

fn drawn(grid: &Grid, look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(if look.ascii { ruled('-') } else { STYLE });
    table.set_header(grid.columns.iter().map(|column| aligned(&look.drawn(&column.shown(&column.heading)), column)));
    for row in grid.rows() {
        let cell = |(cell, column): (&Cell, &Column)| {
            let text = look.drawn(&column.shown(&cell.text));
            aligned(&if cell.is_best && look.bold { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text }, column)
        };
        table.add_row(row.into_iter().zip(&grid.columns).map(cell));
    }
    table
}

fn aligned(text: &str, column: &Column) -> comfy_table::Cell {
    let alignment = if column.is_number { CellAlignment::Right } else { CellAlignment::Left };
    comfy_table::Cell::new(text).set_alignment(alignment)
}
