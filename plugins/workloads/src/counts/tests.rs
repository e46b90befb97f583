use std::path::{Path, PathBuf};

use super::*;

/// Folder of real data outside the project, where there is one.
fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ISOTHERM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join("data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}

fn own(name: &str) -> String {
    format!("{}/../../scenarios/data/counts/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn in_order(batches: u32) -> Vec<Arrival> {
    vec![Arrival { at: None, tokens: 1 }; batches as usize]
}

fn build(
    spec: &Counts,
    experts: usize,
    top_k: usize,
    batches: &[Arrival],
) -> Result<Box<dyn TokenStream>, WorkloadError> {
    spec.build(&WorkloadContext { experts, top_k, seed: 5, batches, layer: 0 })
}

/// How often each expert is in the top k of `logits`.
fn picks(logits: &[f32], experts: usize, top_k: usize) -> Vec<f64> {
    let mut picks = vec![0.0; experts];
    let mut order: Vec<usize> = (0..experts).collect();
    for row in logits.chunks_exact(experts) {
        order.select_nth_unstable_by(top_k - 1, |a, b| row[*b].total_cmp(&row[*a]));
        order[..top_k].iter().for_each(|expert| picks[*expert] += 1.0);
    }
    picks
}

/// Sampled picks within five standard errors, sqrt(T q (1 - q)), of the file's.
fn assert_frequencies(logits: &[f32], file: &str, layer: usize, experts: usize, top_k: usize) {
    let targets = file::read(file, layer, experts).unwrap().frequencies(top_k).unwrap();
    let tokens = (logits.len() / experts) as f64;
    for (expert, (found, q)) in picks(logits, experts, top_k).iter().zip(&targets).enumerate() {
        let error = (tokens * q * (1.0 - q)).sqrt();
        assert!(
            (found - tokens * q).abs() < 5.0 * error,
            "{file} layer {layer} expert {expert}: {found} of {tokens}, expected {q}"
        );
    }
}

#[test]
fn sampled_frequencies_match_real_corpora() {
    let Some(folder) = shared("olmoe-routing") else { return };
    for (file, experts, top_k) in [("mixtral-arxiv.json", 8, 2), ("olmoe-arxiv.json", 64, 8), ("olmoe-c4.json", 64, 8)]
    {
        let file = folder.join(file).display().to_string();
        for layer in 0..3 {
            let spec = Counts { layer, ..Counts::of(&file) };
            let logits = build(&spec, experts, top_k, &[]).unwrap().logits(BatchId(0), 200_000).unwrap();
            assert_frequencies(&logits, &file, layer, experts, top_k);
        }
    }
}

#[test]
fn a_switch_changes_the_corpus_at_its_batch_and_not_before() {
    let (a, b) = (own("corpus-a.json"), own("corpus-b.json"));
    let switch = vec![Switch { at_batch: Some(2), at: None, file: b.clone(), layer: 0 }];
    let stream = build(&Counts { switch, ..Counts::of(&a) }, 8, 2, &in_order(4)).unwrap();
    let (only_a, only_b) = (build(&Counts::of(&a), 8, 2, &[]).unwrap(), build(&Counts::of(&b), 8, 2, &[]).unwrap());
    for batch in 0..4 {
        let corpus = if batch < 2 { &only_a } else { &only_b };
        assert_eq!(stream.logits(BatchId(batch), 9), corpus.logits(BatchId(batch), 9), "batch {batch}");
    }
    assert_frequencies(&stream.logits(BatchId(1), 50_000).unwrap(), &a, 0, 8, 2);
    assert_frequencies(&stream.logits(BatchId(2), 50_000).unwrap(), &b, 0, 8, 2);
}

#[test]
fn a_switch_by_the_clock_takes_the_first_batch_that_is_not_earlier() {
    let arrival = |millis| Arrival { at: Some(SimTime::ZERO + SimDuration::from_millis(millis)), tokens: 1 };
    let batches = [arrival(0), arrival(100), arrival(200), arrival(300)];
    let switch = |at, at_batch| Counts {
        switch: vec![Switch { at_batch, at, file: own("corpus-b.json"), layer: 0 }],
        ..Counts::of(own("corpus-a.json"))
    };
    let by_batch = build(&switch(None, Some(2)), 8, 2, &batches).unwrap();
    for millis in [101, 200] {
        let by_clock = build(&switch(Some(SimDuration::from_millis(millis)), None), 8, 2, &batches).unwrap();
        for batch in 0..4 {
            assert_eq!(by_clock.logits(BatchId(batch), 3), by_batch.logits(BatchId(batch), 3));
        }
    }
    let fault = |spec: &Counts, batches: &[Arrival]| build(spec, 8, 2, batches).err().unwrap().to_string();
    assert!(fault(&switch(Some(SimDuration::from_millis(9)), None), &in_order(4)).contains("`at_batch = 60`"));
    assert!(fault(&switch(Some(SimDuration::from_millis(301)), None), &batches).contains("301 ms never happens"));
    assert!(fault(&switch(None, Some(4)), &batches).contains("batch 4 never happens"));
    assert!(fault(&switch(None, None), &batches).contains("one of `at_batch` and `at`"));
    assert!(fault(&switch(Some(SimDuration::ZERO), Some(1)), &batches).contains("one of `at_batch` and `at`"));
}

#[test]
fn equal_counts_are_the_gaussian_stream() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("equal.json").display().to_string();
    std::fs::write(&file, "[5, 5, 5, 5]").unwrap();
    let counts = build(&Counts { sigma: 1.5, ..Counts::of(file) }, 4, 2, &[]).unwrap();
    let spec = crate::Gaussian { sigma: 1.5, ..crate::Gaussian::default() };
    let gaussian = spec.build(&WorkloadContext { experts: 4, top_k: 2, seed: 5, batches: &[], layer: 0 }).unwrap();
    assert_eq!(counts.logits(BatchId(3), 50), gaussian.logits(BatchId(3), 50));
}

#[test]
fn the_three_forms_of_a_file_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str, layer| {
        let file = folder.path().join("picks.json").display().to_string();
        std::fs::write(&file, text).unwrap();
        file::read(&file, layer, 3).map(|picks| picks.frequencies(1).unwrap())
    };
    let expected = Ok(vec![0.5, 0.3125, 0.1875]);
    assert_eq!(read("[8, 5, 3.0]", 0), expected);
    assert_eq!(read(r#"{"2": 3, "0": 8, "1": 5}"#, 0), expected);
    assert_eq!(read(r#"[{"0": 1, "1": 1, "2": 1}, {"0": 8, "1": 5, "2": 3}]"#, 1), expected);
}

#[test]
fn faulty_files_say_what_was_found_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("picks.json").display().to_string();
    for (text, layer, expected) in [
        ("[1, 2,\n oops]", 0, "picks.json:2: not JSON"),
        ("[]", 0, "there is no layer 0: the file has 0"),
        ("[1, 2]", 0, "layer 0 has 2 experts; expected picks of the model's 3 experts"),
        ("[1, 2, 3]", 1, "there is no layer 1: the file has 1"),
        ("[1, 2, -3]", 0, "picks of expert 2 in layer 0 are negative (-3)"),
        ("[1, 0, 3]", 0, "picks of expert 1 in layer 0 are zero (0); expected at least 1"),
        ("[1, null, 3]", 0, "picks of expert 1 are not a number (null)"),
        ("[1, NaN, 3]", 0, "not JSON"),
        ("7", 0, "neither a list nor an object"),
        (r#"{"0": 1, "1": 2, "3": 3}"#, 0, "`3` is not one of the experts 0 to 2"),
        (r#"{"0": 1, "1": 2, "01": 3}"#, 0, "expert 2 has no picks"),
        ("[100, 1, 1]", 0, "expert 0 of layer 0 has 100 picks, which at top-2 is 1.961 a token"),
    ] {
        std::fs::write(&file, text).unwrap();
        let message = build(&Counts { layer, ..Counts::of(&file) }, 3, 2, &[]).err().expect(text).to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
    let message = build(&Counts::of("no/such/file.json"), 3, 2, &[]).err().unwrap().to_string();
    assert!(message.starts_with("no/such/file.json: the file cannot be opened"), "{message}");
}
