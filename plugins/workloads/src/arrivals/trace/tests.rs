use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn total(batches: &[Arrival]) -> u64 {
    batches.iter().map(|batch| u64::from(batch.tokens)).sum()
}

fn at_millis(millis: u64, tokens: u32) -> Arrival {
    Arrival { at: Some(SimTime::ZERO + SimDuration::from_millis(millis)), tokens }
}

fn batches_of(name: &str, text: &str, change: impl FnOnce(&mut Trace)) -> Result<Vec<Arrival>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("written");
    let mut trace = Trace::of(file.display().to_string());
    change(&mut trace);
    trace.batches(0).map_err(|error| error.to_string())
}

fn azure(lines: &str) -> Result<Vec<Arrival>, String> {
    batches_of("trace.csv", &format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{lines}"), |_| ())
}

#[test]
fn the_real_azure_trace_conserves_its_tokens() {
    let root = std::env::var_os("ISOTHERM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let file = root.join("data/azure-llm-2023/AzureLLMInferenceTrace_code.csv");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("skipped: {} is not here", file.display());
        return;
    };
    let count =
        |column| text.lines().skip(1).filter_map(move |line| line.split(',').nth(column)?.trim().parse::<u64>().ok());
    assert_eq!(count(1).count(), 8819);
    let trace = Trace::of(file.display().to_string());
    for (tokens, expected) in [
        (Counted::Prompt, count(1).sum::<u64>()),
        (Counted::Output, count(2).sum()),
        (Counted::Both, count(1).sum::<u64>() + count(2).sum::<u64>()),
    ] {
        let batches = Trace { tokens, ..trace.clone() }.batches(0).unwrap();
        assert_eq!(total(&batches), expected, "{tokens:?}");
        assert!(batches.is_sorted_by_key(|batch| batch.at));
    }
    let first = trace.batches(0).unwrap()[0];
    assert_eq!(first, at_millis(250, 4096), "the first window holds more than one batch");
}

#[test]
fn the_sample_trace_is_in_the_azure_format() {
    let file = format!("{}/../../scenarios/data/traces/azure-format-sample.csv", env!("CARGO_MANIFEST_DIR"));
    let batches = Trace::of(file).batches(0).unwrap();
    assert!((100_000..200_000).contains(&total(&batches)), "{}", total(&batches));
    let end = batches.last().and_then(|batch| batch.at).unwrap().seconds();
    assert!((50.0..61.0).contains(&end), "{end}");
}

#[test]
fn a_request_on_the_edge_belongs_to_the_next_window() {
    let found =
        azure("2023-11-16 18:17:03.0000000,1,0\n2023-11-16 18:17:03.2499999,2,0\n2023-11-16 18:17:03.2500000,4,0\n");
    assert_eq!(found, Ok(vec![at_millis(250, 3), at_millis(500, 4)]));
}

#[test]
fn a_full_window_is_split_at_one_instant_and_an_empty_one_makes_no_batch() {
    let text = "0,5000,4000\n3.0,1,0\n4.0,0,0\n";
    assert_eq!(
        azure(text),
        Ok(vec![at_millis(250, 4096), at_millis(250, 4096), at_millis(250, 808), at_millis(3250, 1)])
    );
}

#[test]
fn both_formats_read_the_same_requests() {
    let lines = "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 1, \"hash_ids\": [1, 2]}\n\n{\"timestamp\": 400.5, \"input_length\": 20, \"output_length\": 2}\n";
    let expected = azure("0,10,1\n0.4005,20,2\n");
    assert_eq!(batches_of("trace.jsonl", lines, |_| ()), expected);
    assert_eq!(batches_of("trace.log", lines, |trace| trace.format = Some(Format::Mooncake)), expected);
}

#[test]
fn options_choose_requests_tokens_and_pace() {
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n7,10,1\n9,20,0\n9,40,4\n";
    let with = |change: fn(&mut Trace)| batches_of("trace.csv", text, change);
    assert_eq!(with(|trace| trace.tokens = Counted::Prompt), Ok(vec![at_millis(250, 10), at_millis(2250, 60)]));
    assert_eq!(with(|trace| trace.tokens = Counted::Output), Ok(vec![at_millis(250, 1), at_millis(2250, 4)]));
    assert_eq!(with(|trace| trace.limit = Some(2)), Ok(vec![at_millis(250, 11), at_millis(2250, 20)]));
    assert_eq!(with(|trace| trace.time_scale = 4.0), Ok(vec![at_millis(250, 11), at_millis(750, 64)]));
    assert_eq!(with(|trace| trace.window = SimDuration::from_millis(3000)), Ok(vec![at_millis(3000, 75)]));
    for (change, key) in [
        ((|trace| trace.window = SimDuration::ZERO) as fn(&mut Trace), "`window`"),
        (|trace| trace.max_tokens = 0, "`max_tokens`"),
        (|trace| trace.limit = Some(0), "`limit`"),
        (|trace| trace.time_scale = f64::NAN, "`time_scale`"),
    ] {
        let message = with(change).unwrap_err();
        assert!(message.starts_with(key) && message.contains("for example"), "{message}");
    }
}

#[test]
fn faults_name_the_line_what_was_found_and_what_was_expected() {
    for (lines, expected) in [
        (
            "5,1,1\n4.5,1,1\n",
            "trace.csv:3: time goes back: 4.5 comes after 5; expected requests in order of time; sort the file",
        ),
        ("5,-1,1\n", "trace.csv:2: `-1` is not a number of tokens (ContextTokens)"),
        ("5,1,many\n", "trace.csv:2: `many` is not a number of tokens (GeneratedTokens)"),
        ("5,1,99999999999\n", "trace.csv:2: 99999999999 tokens in one request"),
        ("yesterday,1,1\n", "trace.csv:2: `yesterday` is not a timestamp"),
        ("-5,1,1\n", "trace.csv:2: `-5` is not a timestamp"),
        ("5,1\n", "trace.csv:2: 2 fields where the header has 3"),
        ("", "trace.csv: the trace has no requests"),
        ("5,0,0\n", "trace.csv: the trace has no requests"),
    ] {
        let message = azure(lines).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
    let message = batches_of("trace.csv", "TIMESTAMP,Tokens\n1,1\n", |_| ()).unwrap_err();
    assert!(message.contains("trace.csv:1: there is no column `ContextTokens` among TIMESTAMP, Tokens"), "{message}");
    let message = batches_of("trace.jsonl", "{\"timestamp\": 1, \"input_length\": -5, \"output_length\": 1}", |_| ())
        .unwrap_err();
    assert!(message.contains("trace.jsonl:1: not a request (invalid value: integer `-5`"), "{message}");
    let message = batches_of("trace.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n1,1,0\n", |trace| {
        trace.tokens = Counted::Output
    })
    .unwrap_err();
    assert!(message.contains("`tokens = \"both\"`"), "{message}");
    let message = batches_of("trace.txt", "", |_| ()).unwrap_err();
    assert!(message.starts_with("`format`"), "{message}");
    let message = Trace::of("no/such.csv").batches(0).unwrap_err().to_string();
    assert!(message.starts_with("no/such.csv: the file cannot be opened"), "{message}");
}

proptest! {
    /// Whatever the windows, tokens are conserved, batches are in order and within bounds, and none holds a request of its future.
    #[test]
    fn gathering_conserves_tokens_and_order(
        gaps in prop::collection::vec((0_u64..2_000_000_000, 0_u64..10_000, 0_u64..500), 1..60),
        window_millis in 1_u64..3_000,
        max_tokens in 1_u32..9_000,
        time_scale in prop::sample::select(vec![1.0, 0.3, 7.0]),
    ) {
        let mut nanos = 5;
        let requests: Vec<Request> = gaps
            .iter()
            .map(|(gap, prompt, output)| {
                nanos += gap;
                Request { nanos, prompt: *prompt, output: *output }
            })
            .collect();
        let trace = Trace { window: SimDuration::from_millis(window_millis), max_tokens, time_scale, ..Trace::of("-") };
        let batches = trace.gather(&requests);
        prop_assert_eq!(total(&batches), requests.iter().map(|request| request.prompt + request.output).sum::<u64>());
        prop_assert!(batches.is_sorted_by_key(|batch| batch.at));
        prop_assert!(batches.iter().all(|batch| (1..=max_tokens).contains(&batch.tokens)));
        // At any dispatch no more has been handed out than has arrived.
        for batch in &batches {
            let handed: u64 = batches.iter().filter(|other| other.at <= batch.at).map(|other| u64::from(other.tokens)).sum();
            let dispatch = batch.at.map_or(0, SimTime::nanos);
            let arrived = requests.iter().filter(|request| scaled(request.nanos - requests[0].nanos, time_scale) < dispatch);
            prop_assert_eq!(handed, arrived.map(|request| request.prompt + request.output).sum::<u64>());
        }
    }
}
