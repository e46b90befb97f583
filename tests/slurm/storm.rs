//! Everything that happens to tasks on a bad day, to one sweep; in the end its result is that of a quiet local run, byte for byte.

use std::path::{Path, PathBuf};

use isotherm::slurm::submitted::{self, Submission};

use crate::cluster::Cluster;
use crate::disk::SmallDisk;
use crate::lab::{alone, announce, isotherm, out_of, said, until};
use crate::workers::{Worker, is_packed, journals};

/// Twenty tasks of two points, each a second or so: long enough to be lost in the middle.
const SCENARIO: &str = r#"schema_version = 1
name = "storm"
seeds = 20
model = { experts = 16, top_k = 2 }
workload = { kind = "gaussian", sigma = 1.0 }
arrivals = { kind = "closed-loop", batches = 1000, tokens = 2048 }
costs = { kind = "table", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }
hardware = { gpus = 4 }
telemetry = { kind = "fixed", temperatures = ["0 degC", "0 degC", "0 degC", "70 degC"] }
router = [{ kind = "energy-penalty", lambda = 0.5 }]
[sweep]
"workload.sigma" = [0.5, 1.0]
"#;
const TASKS: usize = 20;

/// What a full folder is called where there is no disk to fill: from here on nothing can be written, as with a full one.
const NO_ROOM: [&str; 2] = ["--setup", "trap '' XFSZ; ulimit -f 0"];

/// A sweep on a cluster.
struct Storm {
    cluster: Cluster,
    folder: PathBuf,
    plan: PathBuf,
}

#[test]
fn a_bad_day_on_a_cluster_changes_no_byte() {
    let _alone = alone();
    // As on a real site, no exit status alone makes SLURM start a job again.
    let options = ["--nodes", "3", "--cpus", "2", "--preempt", "--again", "none", "--fresh"];
    let Some(cluster) = Cluster::up(&options) else { return };
    let folder = tempfile::Builder::new().prefix("storm-").tempdir().unwrap();
    // Blanks and quotes: paths of users have them.
    let disk = folder.path().join("a user's $disk");
    std::fs::write(folder.path().join("storm.toml"), SCENARIO).unwrap();
    let disk_to_fill = SmallDisk::mount(&disk);
    let storm = Storm { cluster, folder: folder.path().to_owned(), plan: disk.join("plan") };

    let first = storm.submit(&["storm.toml", "--out", "a user's $disk/plan", "--points-per-task", "2"], &[]);
    let killed = storm.five_losses(&first);
    // All but the one that was killed are done, and the merge job says which that is.
    storm.merge_reports_missing(&first);
    let still = storm.status();
    assert!(still.contains("sweep submit") && still.contains("38 points in 19 chunks"), "{still}");

    storm.fill_the_folder(killed, disk_to_fill.as_ref());

    out_of(&mut storm.isotherm(&["sweep", "retry", &storm.plan_text()]));
    let third = storm.submit(&[&storm.plan_text()], &[]);
    assert_eq!(third.array.indices, killed.to_string(), "what is done is not submitted again");
    storm.cluster.drained(&third.jobs(), 90);
    assert_eq!(storm.cluster.field(&third.merge.job, "ExitCode"), "0:0", "{}", storm.merge_log(&third));
    assert!(storm.merge_log(&third).contains("energy-penalty"), "the table is at the end of the log");
    storm.is_as_a_local_run();
}

/// A submission: its array and its merge job.
struct Submitted {
    array: Submission,
    merge: Submission,
}

impl Submitted {
    fn jobs(&self) -> Vec<String> {
        vec![self.array.job.clone(), self.merge.job.clone()]
    }

    /// SLURM's name of a task.
    fn task(&self, chunk: usize) -> String {
        format!("{}_{chunk}", self.array.job)
    }
}

impl Storm {
    fn plan_text(&self) -> String {
        self.plan.display().to_string()
    }

    fn isotherm(&self, arguments: &[&str]) -> std::process::Command {
        self.cluster.isotherm(&self.folder, arguments)
    }

    fn status(&self) -> String {
        let (_, out, err) = said(&mut self.isotherm(&["sweep", "status", &self.plan_text()]));
        out + &err
    }

    /// Submits with a minute for each task; nobody waits for anything.
    fn submit(&self, what: &[&str], more: &[&str]) -> Submitted {
        let options = ["--slurm", "--time", "1", "--signal-before", "45"];
        let arguments = [&["sweep", "submit"], what, &options, more].concat();
        let out = out_of(&mut self.isotherm(&arguments));
        let mut jobs = submitted::read(&self.plan).unwrap();
        let (merge, array) = (jobs.pop().unwrap(), jobs.pop().unwrap());
        assert!(out.contains(&array.job) && out.contains(&merge.job), "{out}");
        Submitted { array, merge }
    }

    /// What a failed wait shows.
    fn known(&self) -> String {
        let queue = out_of(self.cluster.command("squeue").arg("--array"));
        let mut logs = String::new();
        for entry in std::fs::read_dir(self.plan.join("logs")).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            logs += &format!("--- {}\n{text}", entry.file_name().to_string_lossy());
        }
        format!("{queue}\n{:#?}\n{logs}", Worker::all(&self.plan))
    }

    fn until<T>(&self, seconds: u64, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        until(seconds, what, ask, || self.known())
    }

    /// A worker on this node, halted in its first point.
    fn halt_one(&self, node: &str) -> Worker {
        self.until(60, &format!("a task on {node}"), || {
            let is_fresh = |worker: &Worker| worker.is_at_work() && !worker.is_halted() && self.is_fresh(worker);
            let worker = Worker::all(&self.plan).into_iter().find(|worker| worker.node == node && is_fresh(worker))?;
            worker.signal("STOP");
            // It may have kept one just before.
            let halted = worker.is_alive(&self.plan) && self.is_fresh(&worker);
            if !halted && worker.is_alive(&self.plan) {
                worker.signal("CONT");
            }
            halted.then_some(worker)
        })
    }

    /// Whether nothing of a worker's chunk is kept.
    fn is_fresh(&self, worker: &Worker) -> bool {
        journals(&self.plan, worker.chunk) == 0 && !is_packed(&self.plan, worker.chunk)
    }

    /// Loses tasks in five ways and waits for the end of the array. Answers the chunk that nobody will start again.
    fn five_losses(&self, jobs: &Submitted) -> usize {
        let asked = || self.status().contains(&format!("SLURM     job {}: chunks", jobs.array.job)).then_some(());
        self.until(60, "a status that knows the queue", asked);
        // Two that take longer than they should, one of them on a node that will be cut off: halted until their hour comes.
        let late = self.halt_one("node1");
        let cut_off = self.halt_one("node3");
        let killed = self.kill_a_worker();
        let lost = self.lose_a_node("node2");
        let urged = self.make_room_on("node2", jobs);
        self.write_beside_a_twin("node3", &cut_off);

        // The late one is told that its time is nearly up, and SLURM or we let it go on: it keeps what it has and queues again.
        self.until(90, "the signal before the time limit", || (late.is_warned() || !late.is_halted()).then_some(()));
        if late.is_halted() {
            late.signal("CONT");
        }

        self.cluster.drained(&jobs.jobs(), 120);
        self.until(60, "the end of the task that was cut off", || (!cut_off.is_alive(&self.plan)).then_some(()));
        self.cluster.node("start", "node3");
        for (what, chunk) in [("lost", lost), ("cut off", cut_off.chunk), ("urged", urged), ("late", late.chunk)] {
            let restarts = self.cluster.field(&jobs.task(chunk), "Restarts");
            assert_ne!(restarts, "0", "{what}: {}", self.known());
        }
        let log = std::fs::read_to_string(self.plan.join(format!("logs/{}.out", jobs.task(late.chunk)))).unwrap();
        assert!(log.contains("1 of 2 points are kept") && log.contains("this task is back in the queue"), "{log}");
        assert_eq!(self.cluster.field(&jobs.task(killed), "ExitCode"), "0:9");
        let missing: Vec<usize> = (0..TASKS).filter(|&chunk| !is_packed(&self.plan, chunk)).collect();
        assert_eq!(missing, [killed], "{}", self.known());
        killed
    }

    /// Kills a worker in mid-point, with a point kept. SLURM does not start it again.
    fn kill_a_worker(&self) -> usize {
        let victim = self.until(60, "a task in its second point", || {
            let mut all = Worker::all(&self.plan).into_iter();
            all.find(|worker| {
                worker.node != "node2"
                    && journals(&self.plan, worker.chunk) == 1
                    && !is_packed(&self.plan, worker.chunk)
            })
        });
        victim.signal("KILL");
        assert!(journals(&self.plan, victim.chunk) == 1 && !is_packed(&self.plan, victim.chunk), "it was too late");
        victim.chunk
    }

    /// A node loses its power in the middle of a task.
    fn lose_a_node(&self, node: &str) -> usize {
        let lost = self.halt_one(node);
        self.cluster.node("kill", node);
        assert!(!lost.is_alive(&self.plan));
        self.cluster.node("start", node);
        lost.chunk
    }

    /// An urgent job takes the place of a task.
    fn make_room_on(&self, node: &str, jobs: &Submitted) -> usize {
        let urged = self.halt_one(node);
        let urgent = self.cluster.urgent(node);
        self.cluster.drained(&[urgent], 60);
        let log = self.cluster.log();
        assert!(log.contains(&format!("preempted JobId={}", jobs.task(urged.chunk))), "{log}");
        urged.chunk
    }

    /// A node is cut off: its task is started elsewhere and goes on all the same. Both keep points of one chunk at a time.
    fn write_beside_a_twin(&self, node: &str, cut_off: &Worker) {
        self.cluster.node("cut", node);
        let twin = self.until(60, "the twin of the task that is cut off", || {
            let all = Worker::all(&self.plan);
            all.into_iter().find(|worker| worker.chunk == cut_off.chunk && worker.pid != cut_off.pid)
        });
        assert!(twin.restarts == 1 && twin.node != node && self.is_fresh(&twin), "{twin:?}");
        cut_off.signal("CONT");
        self.until(60, "a point of the task that is cut off", || cut_off.has_a_journal().then_some(()));
        cut_off.signal("STOP");
        self.until(60, "a point of its twin", || twin.has_a_journal().then_some(()));
        assert!(cut_off.has_a_journal() && journals(&self.plan, cut_off.chunk) == 2, "{}", self.known());
        cut_off.signal("CONT");
    }

    /// Submits what is left into a folder that fills up in the middle of it, then makes room.
    fn fill_the_folder(&self, chunk: usize, disk: Option<&SmallDisk>) {
        let jobs = self.submit(&[&self.plan_text()], if disk.is_some() { &[] } else { &NO_ROOM });
        assert_eq!(jobs.array.indices, chunk.to_string());
        if let Some(disk) = disk {
            let worker = self.until(60, "the task", || Worker::all(&self.plan).pop());
            worker.signal("STOP");
            disk.fill();
            worker.signal("CONT");
        }
        // The merge job has its turn while nothing can be written.
        self.cluster.drained(&jobs.jobs(), 90);
        // 5: results cannot be written.
        assert_eq!(self.cluster.field(&jobs.task(chunk), "ExitCode"), "5:0");
        assert_ne!(self.cluster.field(&jobs.merge.job, "ExitCode"), "0:0");
        assert!(!is_packed(&self.plan, chunk) && !self.plan.join("results/summary.json").exists());
        if let Some(disk) = disk {
            disk.empty();
        }
    }

    fn merge_log(&self, jobs: &Submitted) -> String {
        std::fs::read_to_string(self.plan.join(format!("logs/merge_{}.out", jobs.merge.job))).unwrap_or_default()
    }

    /// The merge job has run although a task failed, and has not made less than everything look like a result.
    fn merge_reports_missing(&self, jobs: &Submitted) {
        let log = self.merge_log(jobs);
        assert_eq!(self.cluster.field(&jobs.merge.job, "ExitCode"), "8:0", "{log}");
        assert!(!self.plan.join("results/summary.json").exists());
    }

    fn is_as_a_local_run(&self) {
        out_of(&mut isotherm(&self.folder, &["run", "storm.toml", "--out", "local", "--quiet"]));
        let names = |folder: &Path| {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            names
        };
        let (local, merged) = (self.folder.join("local"), self.plan.join("results"));
        assert_eq!(names(&local), names(&merged));
        // How long it took is the one thing that must differ.
        for name in names(&local).iter().filter(|name| *name != "timing.json") {
            assert!(std::fs::read(local.join(name)).unwrap() == std::fs::read(merged.join(name)).unwrap(), "{name}");
        }
        announce(
            "a killed worker, a lost node, a node cut off, a preemption, a time limit, a full folder: not a byte differs",
        );
    }
}
