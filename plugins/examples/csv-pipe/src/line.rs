//! One line: when, which GPU, and what was read.

use isotherm_plugin::prelude::*;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) gpu: usize,
    pub(crate) sample: Sample,
}

const EXPECTED: &str = "expected `time_s,gpu,temperature_degc,power_w`, for example `1.5,0,61.0,350`";

/// Reads line `number` (from 1) of `file`; `None` for what carries no reading. Names of columns may stand where `nothing_yet` has been read.
pub(crate) fn parse(
    file: &str,
    number: u64,
    text: &str,
    gpus: usize,
    nothing_yet: bool,
) -> Result<Option<Reading>, InputError> {
    let text = text.trim();
    let is_heading = nothing_yet && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if text.is_empty() || text.starts_with('#') || is_heading {
        return Ok(None);
    }
    let fault = |found: String| Err(InputError::new(file, found, EXPECTED).at_line(number));
    let columns: Vec<&str> = text.split(',').map(str::trim).collect();
    let [time, gpu, degc, watts] = columns[..] else {
        return fault(format!("{} columns", columns.len()));
    };
    let Some(taken_at) = time.parse().ok().and_then(instant) else {
        return fault(format!("time_s is `{time}`"));
    };
    let gpu = match gpu.parse() {
        Ok(gpu) if gpu < gpus => gpu,
        Ok(gpu) => return fault(format!("there is no GPU {gpu}, they are 0 to {}", gpus.saturating_sub(1))),
        Err(_) => return fault(format!("gpu is `{gpu}`")),
    };
    let (Ok(degc), Ok(watts)) = (measured(degc), measured(watts)) else {
        return fault(format!("temperature_degc is `{degc}` and power_w is `{watts}`"));
    };
    let sample = Sample { taken_at, temperature: degc.map(Celsius::new), power: watts.map(Watts::new) };
    Ok(Some(Reading { gpu, sample }))
}

fn instant(seconds: f64) -> Option<SimTime> {
    SimDuration::from_seconds(seconds).map(|since_start| SimTime::ZERO + since_start)
}

/// A number, or nothing where none was measured.
fn measured(text: &str) -> Result<Option<f64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Some).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(number: u64, text: &str) -> Result<Option<Reading>, String> {
        parse("r.csv", number, text, 4, number == 1).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_is_a_reading() {
        let sample = Sample {
            taken_at: SimTime::from_nanos(1_500_000_000),
            temperature: Some(Celsius::new(61.0)),
            power: Some(Watts::new(350.0)),
        };
        assert_eq!(read(2, " 1.5, 3, 61.0, 350\r"), Ok(Some(Reading { gpu: 3, sample })));
        let unread = Sample { temperature: None, ..sample };
        assert_eq!(read(2, "1.5,0,,350"), Ok(Some(Reading { gpu: 0, sample: unread })));
    }

    #[test]
    fn what_carries_no_reading_is_passed_over() {
        for (number, text) in [(1, "time_s,gpu,temperature_degc,power_w"), (5, ""), (5, "  \r"), (5, "# rebooted")] {
            assert_eq!(read(number, text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, found) in [
            ("1.5,0,61.0", "3 columns"),
            ("1,5,0,61,350", "5 columns"),
            ("soon,0,61.0,350", "time_s is `soon`"),
            ("-1,0,61.0,350", "time_s is `-1`"),
            ("1.5,x,61.0,350", "gpu is `x`"),
            ("1.5,4,61.0,350", "there is no GPU 4, they are 0 to 3"),
            ("1.5,0,warm,350", "temperature_degc is `warm` and power_w is `350`"),
            ("1.5,0,inf,350", "temperature_degc is `inf` and power_w is `350`"),
        ] {
            assert_eq!(read(7, text), Err(format!("r.csv:7: {found}; {EXPECTED}")));
        }
    }
}
