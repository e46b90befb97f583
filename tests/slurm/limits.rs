//! A cluster that allows little, and the classic sweep on it.

use crate::cluster::Cluster;
use crate::lab::{alone, blink, out_of, said};
use isotherm::slurm::submitted;

#[test]
fn sweeps_fit_into_what_a_cluster_allows() {
    let _alone = alone();
    let Some(cluster) = Cluster::up(&["--nodes", "2", "--max-array", "8", "--fresh"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("tiny.toml"), blink("tiny", 100)).unwrap();
    let scenario = |name: &str| format!("{}/scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    let submit = |what: &[&str]| said(&mut cluster.isotherm(here, &[&["sweep", "submit", "--slurm"], what].concat()));

    // Asked for 100 tasks where there is room for 8.
    let (code, out, err) = submit(&["tiny.toml", "--out", "tiny", "--points-per-task", "1"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("8 tasks") && err.contains("MaxArraySize"), "{out}{err}");
    let jobs = submitted::read(&here.join("tiny")).unwrap();
    assert_eq!(jobs[0].indices, "0-7");

    // A plan that was made elsewhere is not cut again: its chunks go into as many arrays as it takes.
    out_of(&mut cluster.isotherm(here, &["sweep", "plan", "tiny.toml", "-o", "many", "--chunks", "20"]));
    let (code, _, err) = submit(&["many", "--after", "ok"]);
    assert_eq!(code, 0, "{err}");
    let many = submitted::read(&here.join("many")).unwrap();
    let arrays: Vec<_> = many.iter().map(|job| (job.first_chunk, job.indices.as_str())).collect();
    assert_eq!(arrays, [(Some(0), "0-7"), (Some(8), "0-7"), (Some(16), "0-3"), (None, "")]);

    // What is in the queue is not submitted twice.
    let (code, out, err) = submit(&["many"]);
    assert_eq!(code, 0, "{err}");
    assert!(submitted::read(&here.join("many")).unwrap().len() == many.len() || out.contains("job"), "{out}{err}");

    // The classic sweep, with one command and its table at the end.
    let (code, out, err) = submit(&[&scenario("classic.toml"), "--out", "classic", "--set", "arrivals.batches=5"]);
    assert_eq!(code, 0, "{err}");
    let classic = submitted::read(&here.join("classic")).unwrap();
    assert!(out.contains(&classic[1].job), "{out}");

    // The cluster would say when, and nothing is submitted.
    let (code, out, err) = submit(&["tiny.toml", "--out", "asked", "--test-only"]);
    assert!(code == 0 && out.contains("to start at"), "{out}{err}");
    assert_eq!(submitted::read(&here.join("asked")).unwrap(), []);

    // What SLURM itself says of a partition that it does not know.
    let (code, _, err) = submit(&["tiny.toml", "--out", "refused", "--partition", "nope"]);
    assert!(code == 7 && err.contains("invalid partition specified: nope") && err.contains("sinfo"), "{err}");
    assert!(here.join("refused/plan.json").exists(), "the plan is kept");

    let all = [jobs, many, classic.clone()].concat().into_iter().map(|job| job.job).collect::<Vec<_>>();
    cluster.drained(&all, 120);
    for plan in ["tiny", "many", "classic"] {
        assert!(here.join(plan).join("results/summary.json").exists(), "{plan}");
    }
    let table = std::fs::read_to_string(here.join(format!("classic/logs/merge_{}.out", classic[1].job))).unwrap();
    for router in ["baseline", "energy-penalty", "ttt"] {
        assert!(table.contains(router), "{table}");
    }
    out_of(&mut cluster.isotherm(here, &["run", "tiny.toml", "--out", "local", "--quiet"]));
    for name in ["summary.json", "runs.parquet", "series.parquet"] {
        let read = |folder: &str| std::fs::read(here.join(folder).join(name)).unwrap();
        assert!(read("local") == read("tiny/results") && read("local") == read("many/results"), "{name}");
    }
}
