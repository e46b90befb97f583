//! Workers that are killed, stopped and doubled.

use std::io::Read;
use std::process::{Child, Command};

use super::bench::{Bench, ROUTERS, scenario};

/// Long enough to be ended in the middle, which is checked.
fn long() -> Bench {
    let text = scenario(ROUTERS).replace("seeds = 3", "seeds = 30").replace("batches = 12", "batches = 120");
    Bench::of(&text.replace("sigma = 1.0", "sigma = 1.0, source = \"hidden\", d_model = 512"))
}

/// Bytes that are kept of what is not done.
fn kept(bench: &Bench) -> u64 {
    let sizes = bench.names("journal").into_iter().map(|name| bench.path("p/journal").join(name));
    sizes.filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Waits until the worker has kept something, not for any length of time.
fn until_kept(bench: &Bench, worker: &mut Child, bytes: u64) {
    while kept(bench) < bytes {
        assert!(worker.try_wait().unwrap().is_none(), "it was done before it could be ended");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn signal(name: &str, worker: &Child) {
    assert!(Command::new("kill").args([name, &worker.id().to_string()]).status().unwrap().success());
}

fn said(worker: &mut Child) -> String {
    let mut said = String::new();
    worker.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

#[test]
fn killed_in_the_middle_and_started_again() {
    let bench = long();
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    for round in 1..=2 {
        let mut worker = bench.start("sweep work p --chunk 0 --threads 1");
        until_kept(&bench, &mut worker, 60_000 * round);
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let (out, _) = bench.expect(0, "sweep status p");
    assert!(out.contains("running   or stopped") && out.contains("kept in 1 chunk (0)"), "{out}");
    let (_, err) = bench.expect(0, "sweep work p --all");
    assert!(err.contains("kept before"), "{err}");
    assert_eq!(bench.names("tasks").len(), 2, "nothing half-written is left: {:?}", bench.names("tasks"));
    bench.equals_run();
}

#[test]
fn asked_to_end_it_finishes_what_it_has_in_hand_and_says_so() {
    let bench = long();
    bench.expect(0, "sweep plan s.toml -o p --chunks 1");
    for (name, code) in [("-USR1", 75), ("-TERM", 75), ("-INT", 130)] {
        let before = kept(&bench);
        let mut worker = bench.start("sweep work p --all --threads 1");
        // Signals are listened to long before anything is kept.
        until_kept(&bench, &mut worker, before + 1);
        signal(name, &worker);
        let ended = worker.wait().unwrap();
        let said = said(&mut worker);
        assert_eq!(ended.code(), Some(code), "{said}");
        assert!(said.contains("chunk 0: stopped; ") && said.contains("of 60 points are kept"), "{said}");
    }
    bench.expect(0, "sweep work p --all");
    bench.equals_run();
}

#[test]
fn twins_on_one_chunk_give_one_shard() {
    let bench = long();
    bench.expect(0, "sweep plan s.toml -o p --chunks 1");
    let mut twins: Vec<Child> = (0..3).map(|_| bench.start("sweep work p --all --threads 1")).collect();
    // One is cut off when all are under way: stopped, to go on when the others are done.
    let mut sleeper = twins.pop().unwrap();
    until_kept(&bench, &mut sleeper, 200_000);
    signal("-STOP", &sleeper);
    for mut twin in twins {
        assert!(twin.wait().unwrap().success(), "{}", said(&mut twin));
    }
    let shards = bench.names("tasks");
    signal("-CONT", &sleeper);
    let ended = sleeper.wait().unwrap();
    assert!(ended.success(), "{}", said(&mut sleeper));
    assert_eq!(bench.names("tasks"), shards, "the late twin changes nothing");
    assert_eq!(shards.len(), 1);
    bench.equals_run();
}
