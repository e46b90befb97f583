//! From a file's bytes to a recording: which format it is, and why it is none.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use isotherm_core::input::InputError;

use crate::header::Header;
use crate::recorder::journal_of;

use super::rows::{RowFault, require_rows};
use super::{Format, Recording, dcgm_csv, own, parquet, prometheus, smi, table};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What a file holds.
enum Content {
    Parquet,
    /// Text, and what is wrong with it if it was packed and ends early.
    Text(String, Option<InputError>),
}

fn read(file: &str) -> Result<Content, InputError> {
    let bytes = fs::read(file).map_err(|fault| unreadable(file, &fault))?;
    if bytes.starts_with(parquet::MAGIC) {
        return Ok(Content::Parquet);
    }
    let packed = bytes.starts_with(&GZIP);
    let (bytes, cut) = if packed { decompress(file, &bytes)? } else { (bytes, None) };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Content::Text(text, cut)),
        Err(fault) => {
            let good = &fault.as_bytes()[..fault.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            let expected = "expected CSV as UTF-8 text; save it again as \"CSV UTF-8\", or compress it with gzip only";
            Err(InputError::new(file, "the text is not UTF-8", expected).at_line(line as u64))
        }
    }
}

/// What wrote a file.
pub(super) fn format_of(file: &str) -> Result<Option<Format>, InputError> {
    Ok(match read(file)? {
        Content::Parquet => Some(Format::Parquet),
        Content::Text(text, _) => recognise(&text),
    })
}

/// Reads one file, which may have no rows.
pub(super) fn one(file: &str) -> Result<Recording, InputError> {
    let (text, cut) = match read(file)? {
        Content::Parquet => return parquet::read(file),
        Content::Text(text, cut) => (text, cut),
    };
    let Some(fault) = cut else { return any(file, &text) };
    // Only our own recorder promises that what is there is whole rows.
    if recognise(&text) != Some(Format::Own) {
        return Err(fault);
    }
    let mut recording = any(file, &text)?;
    recording.notes.push(format!("{}; what came before is used", fault.found));
    Ok(recording)
}

/// A recording from text.
pub(super) fn parse(file: &str, text: &str) -> Result<Recording, InputError> {
    any(file, text).and_then(require_rows)
}

/// Which format a text is, by its beginning.
pub(super) fn recognise(text: &str) -> Option<Format> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if Header::from_line(text.lines().next()?).is_some() {
        return Some(Format::Own);
    }
    if prometheus::recognises(text) {
        return Some(Format::Prometheus);
    }
    let names = names(text);
    if smi::recognises(&names) {
        Some(Format::NvidiaSmi)
    } else if dcgm_csv::recognises(&names) {
        Some(Format::DcgmCsv)
    } else {
        names.iter().any(|name| name == "t_s").then_some(Format::Columns)
    }
}

fn names(text: &str) -> Vec<String> {
    let mut cells = StringRecord::new();
    if let Some((_, line, _)) = table::lines(text).next() {
        table::split(line, &mut cells);
    }
    cells.iter().map(str::to_owned).collect()
}

fn any(file: &str, text: &str) -> Result<Recording, InputError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(InputError::new(file, "the file is empty", "expected CSV with a header; copy the file again"));
    }
    match recognise(text) {
        Some(Format::Own) => {
            let header = text.trim_start().lines().next().and_then(Header::from_line);
            match header {
                Some(Err(fault)) if text.trim_end().contains('\n') => {
                    Err(InputError::new(file, fault, "expected a file that this version of isotherm can read")
                        .at_line(1))
                }
                Some(Ok(header)) => table::read(file, text, Format::Own, Some(header), own::layout),
                Some(Err(_)) | None => Err(table::cut_in_header(file)),
            }
        }
        Some(Format::NvidiaSmi) => table::read(file, text, Format::NvidiaSmi, None, smi::layout),
        Some(Format::DcgmCsv) => dcgm_csv::read(file, text),
        Some(Format::Prometheus) => prometheus::read(file, text),
        Some(Format::Columns | Format::Parquet) | None => match known_to_be_none(text) {
            Some((found, expected)) => Err(InputError::new(file, found, expected).at_line(1)),
            None => table::read(file, text, Format::Columns, None, own::layout),
        },
    }
}

/// What people have that lacks something that cannot be guessed.
fn known_to_be_none(text: &str) -> Option<RowFault> {
    let first = text.lines().find(|line| !line.trim().is_empty())?.trim();
    let fault = |found: &str, expected: &str| Some((found.to_owned(), expected.to_owned()));
    const QUERY: &str = "expected the output of \
                         `nvidia-smi --query-gpu=timestamp,index,power.draw,temperature.gpu --format=csv -lms 100`";
    if first.starts_with("#Entity") || first.starts_with("# Entity") {
        return fault(
            "this is the output of `dcgmi dmon`, whose rows have no time",
            "expected rows with a time: record with isotherm, or export the metrics from Prometheus or as CSV",
        );
    }
    if first.starts_with('#') && first.split_whitespace().any(|word| word.trim_start_matches('#') == "gpu") {
        return fault("this is the output of `nvidia-smi dmon`, whose columns have no fixed meaning", QUERY);
    }
    let time = first.split(',').next().unwrap_or_default();
    if super::civil::instant(time.trim()).is_some() {
        return fault("this is a log of nvidia-smi without a line of names", &format!("{QUERY}, without `noheader`"));
    }
    None
}

fn unreadable(file: &str, fault: &std::io::Error) -> InputError {
    if fault.kind() != ErrorKind::NotFound {
        return InputError::new(file, format!("cannot be read ({fault})"), "expected a readable file");
    }
    let journal = journal_of(Path::new(file));
    if journal.exists() {
        return InputError::new(
            file,
            "there is no such file, for its recording was killed",
            format!("expected a finished recording; open {}, where the rows are", journal.display()),
        );
    }
    InputError::new(
        file,
        "there is no such file",
        "expected a recording as CSV, plain or gzip, or as Parquet, for example scenarios/data/h200/single-1.csv.gz; correct the path",
    )
}

/// What is packed, and what is wrong if it ends early.
fn decompress(file: &str, bytes: &[u8]) -> Result<(Vec<u8>, Option<InputError>), InputError> {
    let mut text = Vec::new();
    let Err(fault) = MultiGzDecoder::new(bytes).read_to_end(&mut text) else { return Ok((text, None)) };
    if fault.kind() != ErrorKind::UnexpectedEof {
        let found = format!("the gzip stream is damaged ({fault})");
        return Err(InputError::new(file, found, "expected what gzip wrote; copy the file again"));
    }
    let found = format!("the gzip stream ends early, after {} bytes of text", text.len());
    Ok((text, Some(InputError::new(file, found, "expected a whole file; copy the file again"))))
}
