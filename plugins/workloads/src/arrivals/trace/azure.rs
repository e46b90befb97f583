//! CSV in the form of the Azure LLM inference traces.

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use isotherm_core::input::InputError;

use super::timestamp;
use super::{Request, Requests};
use crate::options::open;

const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

pub(super) fn read(requests: &mut Requests<'_>) -> Result<(), InputError> {
    let file = requests.file;
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(open(file)?);
    let header = reader.headers().map_err(|error| fault_of(file, &error))?.clone();
    let mut columns = [0; 3];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        *column = header.iter().position(|found| found == name).ok_or_else(|| {
            let found = format!("there is no column `{name}` among {}", header.iter().collect::<Vec<_>>().join(", "));
            InputError::new(file, found, format!("expected the columns {}", COLUMNS.join(", "))).at_line(1)
        })?;
    }
    let mut record = StringRecord::new();
    while !requests.full() && reader.read_record(&mut record).map_err(|error| fault_of(file, &error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let [timestamp, prompt, output] = columns.map(|column| record.get(column).unwrap_or_default());
        let nanos = timestamp::parse(timestamp).ok_or_else(|| {
            let found = format!("`{timestamp}` is not a timestamp");
            InputError::new(
                file,
                found,
                "expected a date and a time such as 2023-11-16 18:17:03.9799600, or seconds such as 12.5",
            )
            .at_line(line)
        })?;
        let number = |name: &str, text: &str| {
            text.parse().map_err(|_| {
                let found = format!("`{text}` is not a number of tokens ({name})");
                InputError::new(file, found, "expected a whole number of at least 0, for example 1020").at_line(line)
            })
        };
        let request = Request { nanos, prompt: number(COLUMNS[1], prompt)?, output: number(COLUMNS[2], output)? };
        requests.take(request, timestamp, line)?;
    }
    Ok(())
}

fn fault_of(file: &str, error: &csv::Error) -> InputError {
    let found = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        _ => format!("not CSV ({error})"),
    };
    let fault = InputError::new(file, found, format!("expected lines of {}", COLUMNS.join(",")));
    match error.position() {
        Some(position) => fault.at_line(position.line()),
        None => fault,
    }
}
