//! From a file's bytes to a recording, with the line of whatever is wrong.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use isotherm_core::input::InputError;

use super::cells::Columns;
use super::{Recording, Track};

/// The text of a file; gzip is recognised by its first two bytes, whatever the name.
///
/// # Errors
/// [`InputError`] if it cannot be read, is damaged, or is not text.
pub fn text_of(file: &str) -> Result<String, InputError> {
    let bytes = fs::read(file).map_err(|fault| match fault.kind() {
        ErrorKind::NotFound => InputError::new(
            file,
            "there is no such file",
            "expected a recording as CSV, plain or gzip, for example scenarios/data/h200/single-1.csv.gz",
        ),
        _ => InputError::new(file, format!("cannot be read ({fault})"), "expected a readable CSV file, plain or gzip"),
    })?;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) { decompress(file, &bytes)? } else { bytes };
    String::from_utf8(bytes).map_err(|_| {
        InputError::new(file, "the text is not UTF-8", "expected CSV as UTF-8 text, plain or compressed with gzip")
    })
}

fn decompress(file: &str, bytes: &[u8]) -> Result<Vec<u8>, InputError> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text).map_err(|fault| {
        InputError::new(file, format!("the gzip stream is damaged ({fault})"), "expected a whole file; copy it again")
    })?;
    Ok(text)
}

pub(super) fn parse(file: &str, text: &str) -> Result<Recording, InputError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let fault_of = |fault: csv::Error| {
        InputError::new(file, format!("the CSV cannot be read ({fault})"), "expected comma-separated cells")
    };
    let header = reader.headers().map_err(fault_of)?.clone();
    let columns =
        Columns::find(&header).map_err(|(found, expected)| InputError::new(file, found, expected).at_line(1))?;

    let mut notes: Vec<String> = Vec::new();
    for name in &columns.unknown {
        notes.push(format!("column `{name}` is not known and not used"));
    }
    let mut tracks: BTreeMap<u32, Track> = BTreeMap::new();
    let (mut row, mut bad) = (StringRecord::new(), 0);
    while reader.read_record(&mut row).map_err(fault_of)? {
        let line = row.position().map_or(0, csv::Position::line);
        if row.len() != header.len() {
            // A recorder that was stopped leaves half a line at the end.
            if line >= text.trim_end().lines().count() as u64 {
                notes.push(format!("the last row (line {line}) is incomplete and left out"));
                break;
            }
            let found = format!("the row has {} cells and the header {}", row.len(), header.len());
            return Err(InputError::new(file, found, "expected one cell for each column").at_line(line));
        }
        bad += columns
            .read(&row, &mut tracks)
            .map_err(|(found, expected)| InputError::new(file, found, expected).at_line(line))?;
    }
    if bad > 0 {
        notes.push(format!("{bad} cells hold no number and count as not measured"));
    }
    let origin = tracks.values().filter_map(|track| track.time.first()).fold(f64::INFINITY, |a, b| a.min(*b));
    if !origin.is_finite() {
        return Err(InputError::new(
            file,
            "there are no rows under the header",
            "expected readings, for example \"0.0,0,125000,41\" under \"t_s,gpu,power_mw,temp_c\"",
        ));
    }
    let mut tracks: Vec<Track> = tracks.into_values().collect();
    for track in &mut tracks {
        track.time.iter_mut().for_each(|time| *time -= origin);
    }
    Ok(Recording { file: file.to_owned(), origin, tracks, phases: Vec::new(), notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_line_what_was_found_and_what_was_expected() {
        let cases = [
            ("a,b\n1,2\n", "r.csv:1: there is no column `t_s`; the columns are \"a,b\""),
            ("t_s,power_mw\n0,1\n", "r.csv:1: there is no column `temp_c`;"),
            ("t_s,temp_c\n0,1\n", "r.csv:1: there is no column `energy_mj`, nor `power_mw` in its place;"),
            ("t_s,temp_c,temp_c\n", "r.csv:1: there are two columns `temp_c`"),
            ("t_s,power_mw,temp_c\n", "r.csv: there are no rows under the header"),
            ("t_s,power_mw,temp_c\nnoon,1,41\n", "r.csv:2: `t_s` is `noon`, which is not one"),
            ("t_s,power_mw,temp_c\n1,1,41\n2,1\n3,1,41\n", "r.csv:3: the row has 2 cells and the header 3"),
            (
                "t_s,gpu,power_mw,temp_c\n5,0,1,41\n4,1,1,41\n4.5,0,1,41\n",
                "r.csv:4: the time of GPU 0 goes back by 0.5000 s",
            ),
        ];
        for (text, expected) in cases {
            let message = parse("r.csv", text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn what_is_missing_or_odd_is_noted_and_not_fatal() {
        let text = "t_s,power_mw,temp_c,rack\n0,1000,41,7\n1,[N/A],42,7\n2,1000,4";
        let recording = parse("r.csv", text).unwrap();
        assert_eq!(recording.tracks[0].time, [0.0, 1.0]);
        assert!(recording.tracks[0].power[1].is_nan());
        assert!(recording.tracks[0].hbm_celsius.is_empty());
        let notes = recording.notes.join("; ");
        for part in ["column `rack`", "1 cells hold no number", "the last row (line 4) is incomplete"] {
            assert!(notes.contains(part), "{notes}");
        }
    }

    #[test]
    fn gpus_may_be_interleaved_in_any_order() {
        let text = "t_s,gpu,power_mw,temp_c\n5,1,1,41\n4,0,1,40\n6,0,1,40\n5.5,1,1,41\n";
        let recording = parse("r.csv", text).unwrap();
        assert_eq!(recording.origin, 4.0);
        assert_eq!((recording.tracks[0].gpu, recording.tracks[1].gpu), (0, 1));
        assert_eq!(recording.tracks[1].time, [1.0, 1.5]);
    }
}
