//! DCGM's fields as CSV, as dashboards export them: a column of time and a column for each field, or for each field and GPU.

use csv::StringRecord;
use isotherm_core::input::InputError;

use crate::dcgm::{Field, names};

use super::civil;
use super::dcgm::{Device, Points};
use super::number::nanos;
use super::table::{lines, split};
use super::{Format, Recording};

/// Names of columns of time, GPU and host in exports; in lower case.
const TIMES: [&str; 5] = ["time", "timestamp", "date", "ts", "t_s"];
const GPUS: [&str; 3] = ["gpu", "index", "gpu_id"];
const HOSTS: [&str; 2] = ["hostname", "instance"];

/// A column of a field.
struct Column<'a> {
    place: usize,
    name: &'a str,
    field: &'static Field,
    /// The labels in the column's name, where it has such: `DCGM_FI_DEV_GPU_TEMP{gpu="0"}`.
    device: Option<Device>,
}

/// Whether the names are of such a file.
pub(super) fn recognises(names: &[String]) -> bool {
    names.iter().any(|name| metric(name).and_then(names::of_name).is_some())
}

pub(super) fn read(file: &str, text: &str) -> Result<Recording, InputError> {
    let mut lines = lines(text);
    let mut cells = StringRecord::new();
    let (first, header, _) = lines.next().unwrap_or_default();
    split(header, &mut cells);
    let names: Vec<String> = cells.iter().map(str::to_owned).collect();
    let at = |line: u64, found: String, expected: &str| InputError::new(file, found, expected).at_line(line);
    let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.to_lowercase().as_str()));
    let time = find(&TIMES).ok_or_else(|| {
        let found = format!("there is no column of time; the columns are \"{}\"", names.join(","));
        at(first, found, "expected a column `Time` or `timestamp`: values without a time cannot be replayed")
    })?;
    let (gpu, host) = (find(&GPUS), find(&HOSTS));
    let columns: Vec<Column<'_>> = names.iter().enumerate().filter_map(|(place, name)| column(place, name)).collect();

    let mut points = Points::default();
    let used = |place: usize| place == time || Some(place) == gpu || Some(place) == host;
    let unknown = names.iter().enumerate().filter(|(place, name)| column(*place, name).is_none() && !used(*place));
    points.notes.extend(unknown.map(|(_, name)| format!("column `{name}` is not known and not used")));
    for (line, text, ended) in lines {
        split(text, &mut cells);
        if cells.len() != names.len() {
            if !ended {
                points.notes.push(format!("the last row (line {line}) is incomplete and left out"));
                break;
            }
            let found = format!("the row has {} cells and the header {}", cells.len(), names.len());
            return Err(at(
                line,
                found,
                "expected one cell per column; where this is the last line, copy the file again",
            ));
        }
        let cell = |place: usize| cells.get(place).unwrap_or_default();
        let text = |place: Option<usize>| place.map_or("", cell).to_owned();
        let instant = instant(cell(time)).ok_or_else(|| {
            let found = format!("`{}` is `{}`, which is no time", names[time], cell(time));
            at(line, found, "expected seconds or milliseconds since 1970, or a date such as 2026-11-26 17:05:01")
        })?;
        let mut row = (text(host), text(gpu));
        if row.1.is_empty() {
            row.1 = "0".to_owned();
        }
        for column in &columns {
            let device = column.device.as_ref().unwrap_or(&row);
            points.add(device, instant, (column.name, column.field), cell(column.place), line);
        }
    }
    Ok(points.finish(file, Format::DcgmCsv, names.clone(), Some(first)))
}

/// The metric's name in a column's name, which may have labels around it.
fn metric(name: &str) -> Option<&str> {
    let start = name.find("DCGM_FI_DEV_").or_else(|| name.find("dcgm_"))?;
    let rest = &name[start..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

fn column(place: usize, name: &str) -> Option<Column<'_>> {
    let metric = metric(name)?;
    let (field, _) = names::of_name(metric)?;
    let host = label(name, "Hostname").or_else(|| label(name, "hostname")).or_else(|| label(name, "instance"));
    let device = label(name, "gpu").map(|gpu| (host.unwrap_or_default().to_owned(), gpu.to_owned()));
    Some(Column { place, name: metric, field, device })
}

/// The value of a label in `name{gpu="0", Hostname="a"}`.
fn label<'a>(name: &'a str, label: &str) -> Option<&'a str> {
    let labels = name.split_once('{')?.1.trim_end_matches('}');
    labels.split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == label).then(|| value.trim().trim_matches('"'))
    })
}

/// Seconds, milliseconds from 1973 on, or a date.
fn instant(text: &str) -> Option<i64> {
    const MILLISECONDS: f64 = 1e11;
    match text.parse::<f64>() {
        Ok(number) if number.abs() >= MILLISECONDS => super::number::shifted(text, 6).map(|nanos| nanos as i64),
        Ok(_) => nanos(text),
        Err(_) => civil::instant(text),
    }
}
