//! Comma-separated text with a line of names: what rows of our own format and of `nvidia-smi` have in common.

use csv::StringRecord;
use isotherm_core::input::InputError;

use crate::header::Header;
use crate::reading::Standing;
use crate::signal::Signal;

use super::cells::{self, Cell};
use super::number::shifted;
use super::rows::{Row, RowFault, Rows, Shape};
use super::{Format, Recording};

/// Where in a row everything is.
pub(super) struct Layout {
    pub(super) time: usize,
    /// Time as text to nanoseconds, and an example of such a text.
    pub(super) instant: (fn(&str) -> Option<i64>, &'static str),
    pub(super) gpu: Gpu,
    pub(super) values: Vec<Place>,
    pub(super) age_ns: Option<usize>,
    pub(super) status: Option<usize>,
    /// Columns that no one knows.
    pub(super) unknown: Vec<String>,
}

/// What tells GPUs apart.
pub(super) enum Gpu {
    /// There is one.
    One,
    /// An index.
    Index(usize),
    /// Any text; numbered in the order in which they come.
    Text(usize),
}

/// A column of a signal.
pub(super) struct Place {
    pub(super) signal: Signal,
    pub(super) place: usize,
    /// Ten to the power of this is the column's unit in the signal's.
    pub(super) places: i32,
    pub(super) age: Option<usize>,
}

impl Layout {
    fn shape(&self, outlives_clock: bool) -> Shape {
        Shape {
            signals: self.values.iter().map(|value| (value.signal, value.age.is_some())).collect(),
            has_standing: self.status.is_some(),
            has_age: self.age_ns.is_some(),
            outlives_clock,
        }
    }
}

/// A fault of the line of names.
pub(super) fn no_column(what: &str, names: &[String]) -> RowFault {
    (
        format!("there is no {what}; the columns are \"{}\"", names.join(",")),
        "expected a first line such as \"t_s,gpu,power_mw,energy_mj,temp_c,mem_temp_c\" (only `t_s` and `temp_c` must be there)"
            .to_owned(),
    )
}

/// Where a column is; two of one name are a fault.
pub(super) fn find(names: &[String], name: &str) -> Result<Option<usize>, RowFault> {
    let mut places = names.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(_), Some(_)) => Err((format!("there are two columns `{name}`"), "expected every column once".to_owned())),
        (place, _) => Ok(place),
    }
}

/// Splits a line; quotes are rare, and understood.
pub(super) fn split(line: &str, row: &mut StringRecord) {
    row.clear();
    if line.contains('"') {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(line.as_bytes());
        if reader.read_record(row).is_ok() {
            return;
        }
        row.clear();
    }
    line.split(',').for_each(|cell| row.push_field(cell.trim()));
}

/// The lines that hold something: number from 1, text without its end, whether it has its end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (u64, &str, bool)> {
    let lines = text.split_inclusive('\n').zip(1..);
    lines
        .map(|(line, number)| (number, line.trim_end_matches(['\r', '\n']), line.ends_with('\n')))
        .filter(|(_, line, _)| !line.trim().is_empty())
}

/// Reads the table in `text`, which begins with the line of names; `skipped` lines stood before it.
pub(super) fn read(
    file: &str,
    text: &str,
    format: Format,
    header: Option<Header>,
    layout: fn(&[String]) -> Result<Layout, RowFault>,
) -> Result<Recording, InputError> {
    let mut lines = lines(text).skip(usize::from(header.is_some()));
    let mut cells = StringRecord::new();
    let Some((first, names, ended)) = lines.next() else { return Err(cut_in_header(file)) };
    if header.is_some() && !ended {
        return Err(cut_in_header(file));
    }
    split(names, &mut cells);
    let names: Vec<String> = cells.iter().map(str::to_owned).collect();
    let at = |line: u64| move |(found, expected): RowFault| InputError::new(file, found, expected).at_line(line);
    let layout = layout(&names).map_err(at(first))?;
    let mut reader = Reader {
        rows: Rows::of(layout.shape(header.is_some())),
        seen: Vec::new(),
        row: Row { values: Vec::with_capacity(layout.values.len()), ..Row::default() },
    };
    reader.rows.notes.extend(layout.unknown.iter().map(|name| format!("column `{name}` is not known and not used")));

    for (line, text, ended) in lines {
        split(text, &mut cells);
        if cells.len() != names.len() || (header.is_some() && !ended) {
            if !ended {
                // A recorder that was stopped leaves half a line at the end.
                reader.rows.notes.push(format!("the last row (line {line}) is incomplete and left out"));
                break;
            }
            if format == Format::NvidiaSmi && cells.len() == 1 {
                reader.rows.notes.push(format!("line {line} is a message and no reading: {text}"));
                continue;
            }
            let found = format!("the row has {} cells and the header {}", cells.len(), names.len());
            return Err(at(line)((
                found,
                "expected one cell per column; where this is the last line, copy the file again".to_owned(),
            )));
        }
        // Logs that were put behind each other bring their names along.
        if cells.iter().eq(names.iter()) {
            continue;
        }
        reader.read(&layout, &names, &cells, line).map_err(at(line))?;
    }
    Ok(reader.rows.finish(file, format, header, (names, Some(first))))
}

pub(super) fn cut_in_header(file: &str) -> InputError {
    InputError::new(
        file,
        "the file ends within its header, so nothing was recorded",
        "expected a header, the names of the columns, and rows; record again",
    )
}

/// What reading a row needs beside the row.
struct Reader {
    rows: Rows,
    /// GPUs that are told apart by text.
    seen: Vec<String>,
    row: Row,
}

impl Reader {
    fn read(&mut self, layout: &Layout, names: &[String], cells: &StringRecord, line: u64) -> Result<(), RowFault> {
        let cell = |place: usize| cells.get(place).unwrap_or_default();
        let (instant, example) = layout.instant;
        let not_one =
            |place: usize, expected: String| (format!("`{}` is {}", names[place], shown(cell(place))), expected);
        self.row.time =
            instant(cell(layout.time)).ok_or_else(|| not_one(layout.time, format!("expected a time {example}")))?;
        self.row.gpu = match layout.gpu {
            Gpu::One => 0,
            Gpu::Index(place) => {
                let index = cell(place).parse();
                index.map_err(|_| not_one(place, "expected an index from 0, for example 0".to_owned()))?
            }
            Gpu::Text(place) => self.number(cell(place)),
        };
        self.row.values.clear();
        self.row.watts = f64::NAN;
        for value in &layout.values {
            let text = cell(value.place);
            let found = cells::read(value.signal, text, value.places);
            if found == Cell::Odd {
                self.rows.odd(value.signal, line, &names[value.place], text);
            }
            if value.signal == Signal::Power && found != Cell::Missing && layout.age_ns.is_some() {
                self.row.watts = shifted(text, -3).unwrap_or(f64::NAN);
            }
            let age = value.age.and_then(|place| cell(place).parse().ok()).unwrap_or(f64::NAN);
            self.row.values.push((found.or_nan(), age));
        }
        self.row.standing = layout.status.map_or(Standing::Present, |place| standing(cell(place)));
        self.row.age_ns = match layout.age_ns.map(|place| (place, cell(place))) {
            None | Some((_, "")) => 0,
            Some((place, text)) => {
                let age = text.parse();
                age.map_err(|_| not_one(place, "expected whole nanoseconds, for example 20000000".to_owned()))?
            }
        };
        self.rows.push(&self.row)
    }

    fn number(&mut self, name: &str) -> u32 {
        let place = self.seen.iter().position(|seen| seen == name).unwrap_or_else(|| {
            self.seen.push(name.to_owned());
            self.rows.notes.push(format!("GPU {} is {name}", self.seen.len() - 1));
            self.seen.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

fn shown(cell: &str) -> String {
    if cell.is_empty() { "empty".to_owned() } else { format!("`{cell}`, which is not one") }
}

/// The standing that a word says; a word that nobody knows says nothing.
pub(super) fn standing(word: &str) -> Standing {
    match word {
        "lost" => Standing::Lost,
        "reset" => Standing::Reset,
        _ => Standing::Present,
    }
}
