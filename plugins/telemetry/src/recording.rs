//! Recordings of GPU telemetry: CSV text, plain or gzip, to rows in time order per device.
//!
//! The header decides which column is which. Read are `t_s` (time (s), any origin), `gpu` (index; one GPU where there is
//! no such column), `temp_c` (die (degC)) and `power_mw` (mW); of these `t_s` and `temp_c` must be there, and all other
//! columns are ignored. An empty cell is a value that was not measured. The recordings in `scenarios/data/h200` are an
//! example.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use isotherm_core::input::InputError;

/// One recorded file: its devices by ascending GPU index.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The path as the scenario has it.
    pub(crate) file: String,
    /// From the first row of the file to its last (ns).
    pub(crate) length: u64,
    pub(crate) devices: Vec<Device>,
}

/// The rows of one GPU, as columns of the same length; NaN stands for an empty cell here and nowhere else.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// Time since the first row of the file, never decreasing (ns).
    pub(crate) times: Vec<u64>,
    /// Temperature of the die (degC).
    pub(crate) temperatures: Vec<f64>,
    /// Power (mW).
    pub(crate) milliwatts: Vec<f64>,
}

/// The rows of one GPU while they are read, with times as they are written.
#[derive(Default)]
struct Raw {
    times: Vec<i64>,
    temperatures: Vec<f64>,
    milliwatts: Vec<f64>,
}

/// Positions of the columns in a row.
struct Columns {
    time: usize,
    temperature: usize,
    gpu: Option<usize>,
    power: Option<usize>,
}

impl Recording {
    /// Reads a file whole; gzip is recognised by its first two bytes, whatever the name.
    ///
    /// # Errors
    /// [`InputError`] with the line where there is one.
    pub(crate) fn open(file: &str) -> Result<Self, InputError> {
        let bytes = fs::read(file).map_err(|fault| match fault.kind() {
            ErrorKind::NotFound => InputError::new(
                file,
                "there is no such file",
                "expected a recording as CSV, plain or gzip; correct the path in `files`",
            ),
            _ => InputError::new(
                file,
                format!("cannot be read ({fault})"),
                "expected a readable CSV file, plain or gzip",
            ),
        })?;
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) { decompress(file, &bytes)? } else { bytes };
        let text = str::from_utf8(&bytes).map_err(|fault| {
            InputError::new(
                file,
                "the text is not UTF-8",
                "expected CSV as UTF-8 text; save it again as \"CSV UTF-8\", or compress it with gzip only",
            )
            .at_line(line_at(&bytes, fault.valid_up_to()))
        })?;
        Self::parse(file, text)
    }

    /// The recording in `text`; `file` is for messages.
    fn parse(file: &str, text: &str) -> Result<Self, InputError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(InputError::new(file, "the file is empty", "expected CSV with a header; copy the file again"));
        }
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|fault| csv_fault(file, text, &fault))?;
        let columns = Columns::find(header)
            .map_err(|(found, expected)| InputError::new(file, found, expected).at_line(line_of_row(text, 0)))?;

        let mut devices: BTreeMap<u32, Raw> = BTreeMap::new();
        let mut row = StringRecord::new();
        while reader.read_record(&mut row).map_err(|fault| csv_fault(file, text, &fault))? {
            columns.read(&row, &mut devices).map_err(|(found, expected)| {
                let start = row.position().map_or(0, |position| position.byte() as usize);
                InputError::new(file, found, expected).at_line(line_of_row(text, start))
            })?;
        }
        Self::from_rows(file, devices)
    }

    /// Moves the origin of time to the first row.
    fn from_rows(file: &str, devices: BTreeMap<u32, Raw>) -> Result<Self, InputError> {
        let first = devices.values().filter_map(|raw| raw.times.first()).min();
        let last = devices.values().filter_map(|raw| raw.times.last()).max();
        let (Some(&first), Some(&last)) = (first, last) else {
            return Err(InputError::new(
                file,
                "there are no rows under the header",
                "expected at least one reading, for example \"0.0,0,41\" under \"t_s,gpu,temp_c\"",
            ));
        };
        let devices = devices.into_values().map(|raw| Device {
            times: raw.times.iter().map(|time| time.abs_diff(first)).collect(),
            temperatures: raw.temperatures,
            milliwatts: raw.milliwatts,
        });
        Ok(Self { file: file.to_owned(), length: last.abs_diff(first), devices: devices.collect() })
    }
}

/// What was found and what was expected, of a fault whose line the caller knows.
type RowFault = (String, String);

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, RowFault> {
        let find = |name: &str| {
            let mut places = header.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
            match (places.next(), places.next()) {
                (Some(_), Some(_)) => {
                    Err((format!("there are two columns `{name}`"), "expected every column once".to_owned()))
                }
                (place, _) => Ok(place),
            }
        };
        let required = |name: &str| {
            find(name)?.ok_or_else(|| {
                let found: Vec<&str> = header.iter().collect();
                (
                    format!("there is no column `{name}`; the columns are \"{}\"", found.join(",")),
                    "expected a first line such as \"t_s,gpu,power_mw,temp_c\" (`gpu` and `power_mw` may be missing)"
                        .to_owned(),
                )
            })
        };
        Ok(Self {
            time: required("t_s")?,
            temperature: required("temp_c")?,
            gpu: find("gpu")?,
            power: find("power_mw")?,
        })
    }

    /// Appends `row` to the device it belongs to.
    fn read(&self, row: &StringRecord, devices: &mut BTreeMap<u32, Raw>) -> Result<(), RowFault> {
        let cell = |place: usize| row.get(place).unwrap_or_default();
        let time = nanos(cell(self.time)).ok_or_else(|| {
            (
                format!("`t_s` is {}", shown(cell(self.time))),
                "expected a time in seconds, for example 1795378419.4534".to_owned(),
            )
        })?;
        let gpu = match self.gpu {
            None => 0,
            Some(place) => cell(place).parse().map_err(|_| {
                (format!("`gpu` is {}", shown(cell(place))), "expected an index from 0, for example 0".to_owned())
            })?,
        };
        let temperature = measured("temp_c", cell(self.temperature), "degrees Celsius, for example 41")?;
        let power = self.power.map_or("", cell);
        let power = measured("power_mw", power, "milliwatts, for example 80445")?;

        let raw = devices.entry(gpu).or_default();
        if let Some(last) = raw.times.last().filter(|last| **last > time) {
            let back = last.abs_diff(time) as f64 / 1e9;
            return Err((
                format!("the time of GPU {gpu} goes back by {back} s"),
                "expected the rows of each GPU in order of time; sort the file by `t_s`".to_owned(),
            ));
        }
        raw.times.push(time);
        raw.temperatures.push(temperature);
        raw.milliwatts.push(power);
        Ok(())
    }
}

fn shown(cell: &str) -> String {
    if cell.is_empty() { "empty".to_owned() } else { format!("`{cell}`, which is not one") }
}

/// A measured value, or NaN for an empty cell.
fn measured(column: &str, cell: &str, expected: &str) -> Result<f64, RowFault> {
    if cell.is_empty() {
        return Ok(f64::NAN);
    }
    cell.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| {
        (
            format!("`{column}` is `{cell}`, which is not a finite number"),
            format!("expected {expected}, or an empty cell where nothing was measured"),
        )
    })
}

/// Seconds as text to nanoseconds, exactly where the text is a plain decimal: Unix time in an `f64` is only good to
/// 240 ns. Digits past the ninth are cut off. `None` for what is no finite number or does not fit.
fn nanos(cell: &str) -> Option<i64> {
    let (sign, digits) = cell.strip_prefix('-').map_or((1, cell), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        let value = cell.parse::<f64>().ok()? * 1e9;
        // 2^63 is exactly representable; anything below it in magnitude converts without saturating.
        return (value.abs() < 9_223_372_036_854_775_808.0).then_some(value.round() as i64);
    }
    let below = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let below = below.fold(0, |sum, digit| 10 * sum + i64::from(digit - b'0'));
    whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(below).map(|nanos| sign * nanos)
}

fn decompress(file: &str, bytes: &[u8]) -> Result<Vec<u8>, InputError> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text).map_err(|fault| match fault.kind() {
        ErrorKind::UnexpectedEof => InputError::new(
            file,
            format!("the gzip stream ends early, after {} bytes of text", text.len()),
            "expected a whole file; copy the file again",
        ),
        _ => InputError::new(
            file,
            format!("the gzip stream is damaged ({fault})"),
            "expected what gzip wrote; copy the file again",
        ),
    })?;
    Ok(text)
}

/// The reader's own faults; over checked text in memory only rows of another length are left.
fn csv_fault(file: &str, text: &str, fault: &csv::Error) -> InputError {
    let line = fault.position().map(|position| line_of_row(text, position.byte() as usize));
    let fault = match fault.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => InputError::new(
            file,
            format!("the row has {len} cells and the header {expected_len}"),
            "expected one cell per column; where this is the last line, copy the file again",
        ),
        _ => InputError::new(file, format!("the CSV cannot be read ({fault})"), "expected comma-separated cells"),
    };
    match line {
        Some(line) => fault.at_line(line),
        None => fault,
    }
}

/// Line of the row that the reader began at byte `start`, which may be at line ends and empty lines before it.
fn line_of_row(text: &str, start: usize) -> u64 {
    let bytes = text.as_bytes();
    let blank = bytes.iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    line_at(bytes, start + blank)
}

/// Line of the byte at `offset`, from 1.
fn line_at(bytes: &[u8], offset: usize) -> u64 {
    1 + bytes.iter().take(offset).filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn parse(text: &str) -> Result<Recording, InputError> {
        Recording::parse("r.csv", text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// What opening a file of these bytes says, without the folder.
    fn open(bytes: &[u8]) -> Result<Recording, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        Recording::open(path).map_err(|fault| fault.to_string().replace(path, "r.csv"))
    }

    #[test]
    fn the_header_decides_where_the_columns_are() {
        let recording = parse("temp_c,extra,t_s,gpu\n41,x,5.25,1\n\n42,x,5.5,0\n,x,5.75,1\n").unwrap();
        assert_eq!(recording.length, 500_000_000);
        let [zero, one] = recording.devices.as_slice() else { panic!("{recording:?}") };
        assert_eq!((zero.times.as_slice(), zero.temperatures.as_slice()), (&[250_000_000][..], &[42.0][..]));
        assert_eq!(one.times, [0, 500_000_000]);
        assert!(one.temperatures[1].is_nan() && one.milliwatts.iter().all(|power| power.is_nan()));
    }

    #[test]
    fn a_file_without_gpu_column_is_one_device() {
        let recording = parse("\u{feff}t_s, power_mw, temp_c\r\n0, 80445, 41\r\n1, , 42\r\n").unwrap();
        assert_eq!(recording.devices.len(), 1);
        assert_eq!(recording.devices[0].milliwatts[0], 80445.0);
        assert!(recording.devices[0].milliwatts[1].is_nan());
    }

    #[test]
    fn gzip_is_recognised_by_its_bytes_and_may_have_several_members() {
        let members = [gzip("t_s,temp_c\n0,40\n"), gzip("1,41\n")].concat();
        assert_eq!(open(&members).unwrap().devices[0].temperatures, [40.0, 41.0]);
    }

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        assert_eq!(nanos("1795378419.453400001"), Some(1_795_378_419_453_400_001));
        assert_eq!(nanos("-0.5"), Some(-500_000_000));
        assert_eq!(nanos("7."), Some(7_000_000_000));
        assert_eq!(nanos(".5"), Some(500_000_000));
        assert_eq!(nanos("1.5e-3"), Some(1_500_000));
        for text in ["", "-", ".", "NaN", "inf", "1e300", "1,5", "99999999999", "12:30", "+-1", "--1", "٣"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn faults_of_the_text_name_the_line_what_was_found_and_what_was_expected() {
        let cases = [
            ("\n", "r.csv: the file is empty; expected CSV with a header; copy the file again"),
            ("\n\na,b\n", "r.csv:3: there is no column `t_s`; the columns are \"a,b\"; expected a first line such as "),
            ("time;temp\n", "r.csv:1: there is no column `t_s`; the columns are \"time;temp\"; expected a first line"),
            ("t_s,gpu\n0,0\n", "r.csv:1: there is no column `temp_c`; the columns are \"t_s,gpu\"; expected"),
            ("t_s,temp_c,t_s\n0,0,0\n", "r.csv:1: there are two columns `t_s`; expected every column once"),
            ("t_s,temp_c\n", "r.csv: there are no rows under the header; expected at least one reading"),
            ("t_s,temp_c\n0,41\n1,4x\n", "r.csv:3: `temp_c` is `4x`, which is not a finite number; expected degrees"),
            ("t_s,temp_c\n0,NaN\n", "r.csv:2: `temp_c` is `NaN`, which is not a finite number; expected degrees"),
            ("t_s,temp_c,power_mw\n0,,inf\n", "r.csv:2: `power_mw` is `inf`, which is not a finite number; expected"),
            ("t_s,temp_c\nnoon,41\n", "r.csv:2: `t_s` is `noon`, which is not one; expected a time in seconds, "),
            ("t_s,temp_c\n,41\n", "r.csv:2: `t_s` is empty; expected a time in seconds, for example 1795378419.4534"),
            ("t_s,temp_c,gpu\n0,41,-1\n", "r.csv:2: `gpu` is `-1`, which is not one; expected an index from 0, "),
            (
                "t_s,temp_c,gpu\n0,41,0\r\n\n\n5,41,1\n1,41,0\n\n0.5,41,0\n",
                "r.csv:8: the time of GPU 0 goes back by 0.5 s; expected the rows of each GPU in order of time; sort",
            ),
            (
                "t_s,temp_c\r\n0,41\r\n\r\n1\r\n",
                "r.csv:4: the row has 1 cells and the header 2; expected one cell per column; where this is the last",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn faults_of_the_file_name_it_and_the_remedy() {
        let missing = Recording::open("no/such.csv").unwrap_err().to_string();
        assert!(missing.starts_with("no/such.csv: there is no such file; "), "{missing}");

        let mut latin = b"t_s,temp_c\n0,41\n1,42".to_vec();
        latin.push(0xb0);
        let message = open(&latin).unwrap_err();
        assert!(message.starts_with("r.csv:3: the text is not UTF-8; expected CSV as UTF-8 text"), "{message}");

        let whole = gzip(&format!("t_s,temp_c\n{}", "0,41\n".repeat(1000)));
        for length in [2, 9, 12, whole.len() - 9, whole.len() - 1] {
            let message = open(&whole[..length]).unwrap_err();
            assert!(message.starts_with("r.csv: the gzip stream ends early, after "), "{length}: {message}");
            assert!(message.ends_with("copy the file again"), "{message}");
        }
        let mut damaged = whole;
        let at = damaged.len() - 6;
        damaged[at] ^= 1;
        let message = open(&damaged).unwrap_err();
        assert!(message.starts_with("r.csv: the gzip stream is damaged ("), "{message}");
    }
}
