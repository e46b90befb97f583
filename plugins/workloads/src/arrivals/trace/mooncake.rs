//! JSON lines in the form of the Mooncake traces.

use std::io::{BufRead, BufReader};

use isotherm_core::input::InputError;
use serde::Deserialize;

use super::{Request, Requests, timestamp};
use crate::options::open;

/// The keys that are read; others (`hash_ids`) are passed over.
#[derive(Deserialize)]
struct Line {
    timestamp: serde_json::Number,
    input_length: u64,
    output_length: u64,
}

pub(super) fn read(requests: &mut Requests<'_>) -> Result<(), InputError> {
    let file = requests.file;
    for (at, text) in BufReader::new(open(file)?).lines().enumerate() {
        if requests.full() {
            break;
        }
        let line = at as u64 + 1;
        let fault = |found: String| {
            let expected = r#"expected lines such as {"timestamp": 27482, "input_length": 6955, "output_length": 52}, the timestamp in milliseconds"#;
            InputError::new(file, found, expected).at_line(line)
        };
        let text = text.map_err(|error| fault(format!("the line cannot be read ({error})")))?;
        if text.trim().is_empty() {
            continue;
        }
        let read: Line = serde_json::from_str(&text).map_err(|error| fault(format!("not a request ({error})")))?;
        let written = read.timestamp.to_string();
        let nanos = timestamp::parse_decimal(&written, 6)
            .ok_or_else(|| fault(format!("`{written}` is not a timestamp in milliseconds")))?;
        requests.take(Request { nanos, prompt: read.input_length, output: read.output_length }, &written, line)?;
    }
    Ok(())
}
