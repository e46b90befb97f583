//! What other tools write, and our own older recordings, as columns in our units.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use isotherm_recording::file::Format;
use isotherm_recording::{Recording, Signal, Track};

fn path(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn open(name: &str) -> Recording {
    Recording::open(&path(name)).unwrap()
}

fn fault(name: &str) -> String {
    Recording::open(&path(name)).unwrap_err().to_string().replace(&path(""), "")
}

/// The values of a signal; nothing where nothing was measured.
fn values(track: &Track, signal: Signal) -> Vec<Option<f64>> {
    track.column(signal).unwrap().iter().map(|value| (!value.is_nan()).then_some(*value)).collect()
}

#[test]
fn a_log_of_nvidia_smi_is_columns_in_our_units() {
    let log = open("smi-units.csv");
    assert_eq!(log.format, Format::NvidiaSmi);
    assert_eq!(log.notes, ["column `name` is not known and not used"]);
    let [zero, one] = log.tracks.as_slice() else { panic!("{log:?}") };
    assert_eq!((zero.gpu, one.gpu), (0, 1));
    assert_eq!(zero.times, [1_795_712_701_123_000_000, 1_795_712_701_623_000_000]);
    assert_eq!(values(zero, Signal::Power), [Some(80_450.0), Some(80_460.0)]);
    assert_eq!(values(zero, Signal::PowerInstant), [Some(80_740.0), None]);
    assert_eq!(values(one, Signal::Power), [Some(689_120.0), None]);
    assert_eq!(values(one, Signal::MemoryTemperature), [None, None]);
    assert_eq!(values(one, Signal::SmClock), [Some(1515.0), Some(1500.0)]);
    assert_eq!(values(one, Signal::MemoryUtilisation), [Some(23.0), Some(24.0)]);
    assert_eq!(values(one, Signal::Reasons), [Some(4.0), Some(4.0)]);
    assert_eq!(values(one, Signal::PerformanceState), [Some(0.0), Some(0.0)]);
    assert_eq!(values(zero, Signal::PowerLimit), [Some(700_000.0); 2]);
}

#[test]
fn logs_behind_each_other_are_one() {
    let log = open("smi-nounits-twice.csv");
    let track = &log.tracks[0];
    assert_eq!(log.length(), 10_100_000_000, "over midnight");
    assert_eq!(values(track, Signal::Power), [Some(125_001.0), Some(126_500.0), Some(127_000.0)]);
    assert_eq!(values(track, Signal::Reasons), [Some(0.0), Some(0.0), Some(4.0)]);
    assert_eq!(log.notes, ["GPU 0 is 00000000:19:00.0"]);
}

#[test]
fn metrics_of_a_range_query_are_joined_on_time() {
    let answer = open("prometheus-range.json");
    assert_eq!(answer.format, Format::Prometheus);
    let [zero, one] = answer.tracks.as_slice() else { panic!("{answer:?}") };
    assert_eq!(zero.times, [1_795_712_701, 1_795_712_716, 1_795_712_731].map(|t: i64| t * 1_000_000_000));
    assert_eq!(values(zero, Signal::Temperature), [Some(41.0), Some(42.0), None], "a blank is no temperature");
    assert_eq!(values(zero, Signal::Power), [Some(80_445.0), None, Some(81_001.0)], "nothing is filled in");
    assert_eq!(values(zero, Signal::Energy), [Some(2_147_483_633.0), Some(2_148_690_308.0), None]);
    assert_eq!(one.times[0], 1_795_712_701_500_000_000);
    assert_eq!(values(one, Signal::Temperature), [None, Some(60.0)]);
    assert_eq!(answer.notes, ["metric `DCGM_FI_DEV_FB_USED` is not known and not used"]);
}

#[test]
fn fields_of_dcgm_are_read_from_csv_with_a_row_or_a_column_for_each_gpu() {
    let long = open("dcgm-long.csv");
    assert_eq!(long.format, Format::DcgmCsv);
    assert_eq!(long.tracks[1].times, [1_795_712_701_000_000_000, 1_795_712_716_000_000_000]);
    assert_eq!(values(&long.tracks[1], Signal::Power), [Some(689_120.0), Some(691_500.0)]);
    assert_eq!(values(&long.tracks[0], Signal::Power), [Some(80_445.0), None]);
    assert_eq!(values(&long.tracks[0], Signal::MemoryTemperature), [None, None]);

    let wide = open("grafana-wide.csv");
    assert_eq!(wide.tracks[0].times, long.tracks[0].times, "exports may have the latest row first");
    assert_eq!(values(&wide.tracks[0], Signal::Temperature), [Some(41.0), Some(42.0)]);
    assert_eq!(values(&wide.tracks[1], Signal::Temperature), [Some(64.0), Some(65.0)]);
    assert_eq!(values(&wide.tracks[0], Signal::Power), [Some(80_445.0), None]);
}

#[test]
fn our_older_recordings_have_every_value() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/data/h200");
    let recording = Recording::open(&format!("{folder}/holds-3.csv.gz")).unwrap();
    assert_eq!((recording.format, recording.header.is_none()), (Format::Columns, true));
    assert!(recording.notes.is_empty(), "{:?}", recording.notes);
    let track = &recording.tracks[0];
    let first = |signal: Signal| track.column(signal).unwrap()[0];
    assert_eq!(track.times[0], 1_795_378_419_453_400_000);
    assert_eq!([Signal::Power, Signal::Energy, Signal::MemoryPowerMean].map(first), [80_445.0, 2_582_411.0, 36_643.0]);
    assert!(first(Signal::ModulePowerInstant).is_nan());
    let pair = Recording::open(&format!("{folder}/pair-1.csv.gz")).unwrap();
    assert_eq!(pair.tracks.iter().map(|track| track.gpu).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn what_has_no_time_or_no_names_is_refused_with_the_way_out() {
    let cases = [
        (
            "smi-noheader.csv",
            "smi-noheader.csv:1: this is a log of nvidia-smi without a line of names; expected the output",
        ),
        ("smi-dmon.txt", "smi-dmon.txt:1: this is the output of `nvidia-smi dmon`"),
        (
            "dcgmi-dmon.txt",
            "dcgmi-dmon.txt:1: this is the output of `dcgmi dmon`, whose rows have no time; expected rows",
        ),
    ];
    for (name, expected) in cases {
        let message = fault(name);
        assert!(message.starts_with(expected), "{message}");
    }
    let cases = [
        ("{\"status\":\"error\",\"error\":\"too many points\"}", "r:1: there is no column `t_s`"),
        (
            "{\"status\":\"error\",\"error\":\"too many\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
            "r: the query had failed: too many",
        ),
        (
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
            "r: the query was for a `vector`",
        ),
        ("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", "r: there are no rows"),
        ("{\"status\":\"success\",\"data\":{\"resultType\":", "r:1: is not what Prometheus answers"),
        ("gpu,DCGM_FI_DEV_GPU_TEMP\n0,41\n", "r:1: there is no column of time"),
        ("Time,DCGM_FI_DEV_GPU_TEMP\nnoon,41\n", "r:2: `Time` is `noon`, which is no time"),
        (
            "timestamp, temperature.gpu\nnoon, 41\n",
            "r:2: `timestamp` is `noon`, which is not one; expected a time such as",
        ),
    ];
    for (text, expected) in cases {
        let message = Recording::parse("r", text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}
