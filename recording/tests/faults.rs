//! What is wrong with a file, with its line, what was found and what was expected.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use isotherm_core::input::InputError;
use isotherm_recording::file::Format;
use isotherm_recording::{Header, Recording, Signal};

/// As a replay asks: a temperature there must be, and what it uses must be numbers.
fn parse(text: &str) -> Result<Recording, InputError> {
    let recording = Recording::parse("r.csv", text)?;
    recording.require(&[Signal::Temperature])?;
    recording.refuse_odd(&[Signal::Temperature, Signal::Power])?;
    Ok(recording)
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
fn the_names_decide_where_the_columns_are() {
    let recording = parse("temp_c,extra,t_s,gpu\n41,x,5.25,1\n\n42,x,5.5,0\n,x,5.75,1\n").unwrap();
    assert_eq!((recording.format, recording.length()), (Format::Columns, 500_000_000));
    assert_eq!(recording.notes, ["column `extra` is not known and not used"]);
    let [zero, one] = recording.tracks.as_slice() else { panic!("{recording:?}") };
    assert_eq!((zero.times.as_slice(), zero.column(Signal::Temperature)), (&[5_500_000_000][..], Some(&[42.0][..])));
    assert_eq!(one.times, [5_250_000_000, 5_750_000_000]);
    assert!(one.column(Signal::Temperature).unwrap()[1].is_nan() && one.column(Signal::Power).is_none());
}

#[test]
fn a_file_without_a_column_of_gpus_is_one_device() {
    let recording = parse("\u{feff}t_s, power_mw, temp_c\r\n0, 80445, 41\r\n1, , 42\r\n").unwrap();
    assert_eq!(recording.tracks.len(), 1);
    let power = recording.tracks[0].column(Signal::Power).unwrap();
    assert!(power[0] == 80445.0 && power[1].is_nan());
}

#[test]
fn gzip_is_recognised_by_its_bytes_and_may_have_several_members() {
    let members = [gzip("t_s,temp_c\n0,40\n"), gzip("1,41\n")].concat();
    assert_eq!(open(&members).unwrap().tracks[0].column(Signal::Temperature), Some(&[40.0, 41.0][..]));
}

#[test]
fn faults_of_the_text_name_the_line_what_was_found_and_what_was_expected() {
    let cases = [
        ("\n", "r.csv: the file is empty; expected CSV with a header; copy the file again"),
        ("\n\na,b\n", "r.csv:3: there is no column `t_s`; the columns are \"a,b\"; expected a first line such as "),
        ("time;temp\n", "r.csv:1: there is no column `t_s`; the columns are \"time;temp\"; expected a first line"),
        ("t_s,gpu\n0,0\n", "r.csv:1: there is no column `temp_c`; the columns are \"t_s,gpu\"; expected"),
        ("t_s,power_mw\n0,0\n", "r.csv:1: there is no column `temp_c`; the columns are \"t_s,power_mw\"; expected"),
        ("t_s,temp_c,t_s\n0,0,0\n", "r.csv:1: there are two columns `t_s`; expected every column once"),
        ("t_s,temp_c\n", "r.csv: there are no rows under the header; expected at least one reading"),
        ("t_s,temp_c\n0,41\n1,4x\n", "r.csv:3: `temp_c` is `4x`, which is not a finite number; expected degrees"),
        ("t_s,temp_c\n0,NaN\n", "r.csv:2: `temp_c` is `NaN`, which is not a finite number; expected degrees"),
        ("t_s,temp_c,power_mw\n0,,inf\n", "r.csv:2: `power_mw` is `inf`, which is not a finite number; expected"),
        ("t_s,temp_c\nnoon,41\n", "r.csv:2: `t_s` is `noon`, which is not one; expected a time in seconds, "),
        ("t_s,temp_c\n,41\n", "r.csv:2: `t_s` is empty; expected a time in seconds, for example 1795378419.4534"),
        ("t_s,temp_c,gpu\n0,41,-1\n", "r.csv:2: `gpu` is `-1`, which is not one; expected an index from 0, "),
        ("t_s,temp_c,age_ns\n0,41,2.5\n", "r.csv:2: `age_ns` is `2.5`, which is not one; expected whole nanoseconds"),
        (
            "t_s,temp_c,gpu\n0,41,0\r\n\n\n5,41,1\n1,41,0\n\n0.5,41,0\n",
            "r.csv:8: the time of GPU 0 goes back by 0.5 s; expected the rows of each GPU in order of time; sort",
        ),
        (
            "t_s,temp_c\r\n0,41\r\n\r\n1\r\n",
            "r.csv:4: the row has 1 cells and the header 2; expected one cell per column; where this is the last",
        ),
        ("# {\"format\":\"other\"}\nt_s,temp_c\n0,41\n", "r.csv:1: the header cannot be read (missing field"),
    ];
    for (text, expected) in cases {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn faults_of_the_file_name_it_and_the_remedy() {
    let missing = Recording::open("no/such.csv").unwrap_err().to_string();
    assert!(missing.starts_with("no/such.csv: there is no such file; expected a recording as CSV"), "{missing}");

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

    let message = open(b"PAR1 and then nothing").unwrap_err();
    assert!(message.starts_with("r.csv: the Parquet file cannot be read ("), "{message}");
}

#[test]
fn what_is_missing_or_odd_is_noted_and_not_fatal_to_those_who_show_notes() {
    let text = "t_s,power_mw,temp_c,rack\n0,1000,41,7\n1,4x,[N/A],7\n2,1000,4";
    let recording = Recording::parse("r.csv", text).unwrap();
    assert_eq!(recording.tracks[0].times.len(), 2);
    assert!(recording.tracks[0].column(Signal::Power).unwrap()[1].is_nan());
    assert_eq!(
        recording.notes,
        [
            "column `rack` is not known and not used",
            "the last row (line 4) is incomplete and left out",
            "1 cells hold no number and count as not measured; the first is `4x` under `power_mw` in line 3",
        ]
    );
    let message = recording.require(&[Signal::Energy, Signal::PowerMean]).unwrap_err().to_string();
    assert!(
        message.starts_with("r.csv:1: there is no column `energy_mj`, nor `power_avg_mw` in its place;"),
        "{message}"
    );
}

/// A clock that was set back in mid-recording does not make our own recording unreadable.
#[test]
fn our_own_recording_outlives_a_clock_that_is_set_back() {
    let header = Header::new("test", 50.0, &[]).to_line();
    let text = format!("{header}\nt_s,gpu,temp_c,status\n5,0,40,ok\n4,0,41,ok\n5.5,0,42,lost\n");
    let recording = parse(&text).unwrap();
    assert_eq!(recording.tracks[0].column(Signal::Temperature), Some(&[40.0, 42.0][..]));
    assert_eq!(recording.notes, ["1 rows are left out: the clock was set back while they were recorded"]);
}
