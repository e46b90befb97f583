//! The tasks of a sweep as processes of this machine, which is all nodes at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::out_of;

/// A process that does a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Worker {
    pub(crate) pid: u32,
    /// The chunk it does.
    pub(crate) chunk: usize,
    /// The node that started it.
    pub(crate) node: String,
    /// How often its task had been started before.
    pub(crate) restarts: u32,
}

impl Worker {
    /// All that work on a plan now, by chunk.
    pub(crate) fn all(plan: &Path) -> Vec<Self> {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut all: Vec<Self> = pids.filter_map(|pid| Self::of(pid, plan)).collect();
        all.sort_by_key(|worker| (worker.chunk, worker.restarts));
        all
    }

    /// The worker that this process is, if it is one; a process may end at any time.
    fn of(pid: u32, plan: &Path) -> Option<Self> {
        let words = |file: &str| {
            let text = String::from_utf8(std::fs::read(format!("/proc/{pid}/{file}")).ok()?).ok()?;
            Some(text.split('\0').map(str::to_owned).collect::<Vec<_>>())
        };
        let arguments = words("cmdline")?;
        let at = arguments.iter().position(|word| word == "--chunk")?;
        if !arguments.iter().any(|word| Path::new(word) == plan) || arguments.get(2)? != "work" {
            return None;
        }
        let environment = words("environ")?;
        let variable = |name: &str| environment.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        Some(Self {
            pid,
            chunk: arguments.get(at + 1)?.parse().ok()?,
            node: variable("SLURMD_NODENAME")?.to_owned(),
            restarts: variable("SLURM_RESTART_COUNT").map_or(0, |count| count.parse().unwrap()),
        })
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        out_of(Command::new("kill").args(["-s", name, &self.pid.to_string()]));
    }

    fn status(&self, key: &str) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        status.lines().find_map(|line| Some(line.strip_prefix(key)?.trim().to_owned()))
    }

    /// Whether USR1, number 10, is in a set of signals of its status.
    fn has_usr1(&self, set: &str) -> bool {
        self.status(set).is_some_and(|mask| u64::from_str_radix(&mask, 16).unwrap() & (1 << 9) != 0)
    }

    /// Whether the signal before the time limit waits for it.
    pub(crate) fn is_warned(&self) -> bool {
        self.has_usr1("SigPnd:") || self.has_usr1("ShdPnd:")
    }

    /// Whether it simulates: it listens to that signal, and has used more of a processor (in hundredths of a second) than a start takes.
    pub(crate) fn is_at_work(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The name, in parentheses, may hold blanks; user and system time are the twelfth and thirteenth word behind it.
        let behind = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let used: u64 = behind.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        self.has_usr1("SigCgt:") && used >= 15
    }

    /// Whether it was sent STOP.
    pub(crate) fn is_halted(&self) -> bool {
        self.status("State:").is_some_and(|state| state.starts_with('T'))
    }

    /// Whether it has begun to keep points: it has a journal open.
    pub(crate) fn has_a_journal(&self) -> bool {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid)).into_iter().flatten().flatten();
        open.filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .any(|path| path.extension().is_some_and(|end| end == "journal"))
    }

    /// Whether it is there still.
    pub(crate) fn is_alive(&self, plan: &Path) -> bool {
        Self::of(self.pid, plan).as_ref() == Some(self)
    }
}

/// Number of journals of a chunk; each has a point in it at least.
pub(crate) fn journals(plan: &Path, chunk: usize) -> usize {
    files(&plan.join("journal"), chunk).len()
}

/// Whether a chunk is done.
pub(crate) fn is_packed(plan: &Path, chunk: usize) -> bool {
    files(&plan.join("tasks"), chunk).iter().any(|path| path.extension().is_some_and(|end| end == "parquet"))
}

fn files(folder: &Path, chunk: usize) -> Vec<PathBuf> {
    let name = format!("chunk-{chunk:06}");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|f| f.to_string_lossy().starts_with(&name)))
        .collect()
}
