//! Failed points: rows of the result, and done again when somebody asks for it.

use super::bench::{Bench, scenario};
use crate::plugins::built::misbehaving;

const FAILS: &str = "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"prescribed\"
usage = [288, 288, 288, 288, 288, 288, 288, 288]
[sweep]
\"arrivals.tokens\" = [96, 120]
";

/// What fails every time fails in a run, too, and the merged result says the same.
#[test]
fn a_failed_point_is_a_row_and_not_a_failed_task() {
    let bench = Bench::of(&scenario(FAILS));
    bench.expect(0, "sweep plan s.toml -o p --chunks 3");
    let (_, err) = bench.expect(0, "sweep work p --all");
    assert!(
        err.contains("chunk 1: 2 points") && err.contains("1 point failed") && err.contains("2 points failed"),
        "{err}"
    );
    let (out, _) = bench.expect(0, "sweep status p");
    assert!(out.contains("3 of them failed") && out.contains("sweep retry p"), "{out}");
    bench.expect(6, "sweep merge p");
    bench.expect(6, "run s.toml --out run");
    assert!(bench.results("p/results") == bench.results("run"));
    let shards = bench.names("tasks");
    let (out, err) = bench.expect(0, "sweep retry p");
    assert_eq!(out, "isotherm sweep work p --chunk 1-2\n");
    assert!(err.contains("3 failed points put back"), "{err}");
    let (_, err) = bench.expect(8, "sweep merge p");
    assert!(err.contains("4 of 6 points are missing: 2-5"), "{err}");
    // What did not fail is not done again, and the same failures give the same bytes.
    let (_, err) = bench.expect(0, "sweep work p --chunk 1-2");
    assert!(err.contains("chunk 1: 1 point in") && err.contains("1 kept before"), "{err}");
    assert_eq!(bench.names("tasks"), shards);
}

/// What failed for a reason that is gone is as if it had never failed.
#[test]
fn after_a_retry_nobody_sees_that_something_failed() {
    let trouble = tempfile::NamedTempFile::new().unwrap();
    let routers = format!(
        "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"acme/misbehaving\"
panic_while = \"{}\"
[sweep]
\"arrivals.tokens\" = [48, 96]
",
        trouble.path().display()
    );
    let library = misbehaving();
    let bench = Bench::of(&format!("plugins = [\"{}\"]\n{}", library.display(), scenario(&routers)));
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    let (_, err) = bench.expect(0, "sweep work p --all");
    assert_eq!(err.matches("3 points failed").count(), 2, "{err}");
    trouble.close().unwrap();
    bench.expect(0, "sweep retry p --run");
    bench.equals_run();
}
