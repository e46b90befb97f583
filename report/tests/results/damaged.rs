//! Damaged folders: wherever a file ends, and whichever bit has changed, nothing panics and every message names its file.

use std::path::Path;

use isotherm_report::results::{Column, Results, Wanted};
use proptest::prelude::*;

use crate::folder;

const FILES: [&str; 5] =
    ["summary.json", "runs.parquet", "series.parquet", "throttling.parquet", "scenario.resolved.toml"];

/// Reads everything there is. What cannot be read is said under the name of the file.
fn read_all(path: &Path) {
    match Results::open(path) {
        Err(error) => assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}"),
        Ok(results) => {
            let mut rows = 0_u64;
            let errors = [
                results.each_batch(&Wanted::all_runs(Column::ALL), |_, _| rows += 1).err(),
                results.throttling(None).err(),
                results.layers().err(),
                results.frontier().err(),
            ];
            for error in errors.into_iter().flatten() {
                assert!(error.path.starts_with(path) && !error.found.is_empty(), "{error}");
                assert!(error.to_string().lines().count() == 2, "{error}");
            }
            assert!(
                results.gaps.iter().all(|gap| !gap.sentence.is_empty() && !gap.sentence.contains('\n')),
                "{:?}",
                results.gaps
            );
            for row in &results.summary.rows {
                assert!(row.metrics.values().all(|estimate| estimate.mean.is_finite()));
            }
        }
    }
}

/// The shorter half of a file is all that was copied.
#[test]
fn a_file_may_end_anywhere() {
    let folder = folder::whole(6, 4);
    for file in FILES {
        let path = folder.path().join(file);
        let whole = std::fs::read(&path).unwrap();
        let steps = whole.len().div_ceil(400).max(1);
        for length in (0..whole.len()).step_by(steps).chain(whole.len().saturating_sub(12)..whole.len()) {
            std::fs::write(&path, &whole[..length]).unwrap();
            read_all(folder.path());
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(Results::open(folder.path()).unwrap().gaps, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_byte_may_be_another(file in 0_usize..FILES.len(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        thread_local!(static FOLDER: tempfile::TempDir = folder::whole(6, 4));
        FOLDER.with(|folder| {
            let path = folder.path().join(FILES[file]);
            let whole = std::fs::read(&path).unwrap();
            let mut changed = whole.clone();
            changed[at.index(whole.len())] = byte;
            std::fs::write(&path, &changed).unwrap();
            read_all(folder.path());
            std::fs::write(&path, &whole).unwrap();
        });
    }

    /// As many bytes of anything, under the name of a table.
    #[test]
    fn any_bytes_may_be_a_file(file in 0_usize..FILES.len(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILES[file]), bytes).unwrap();
        read_all(folder.path());
    }
}
