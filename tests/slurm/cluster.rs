//! A throw-away cluster: real SLURM daemons in a temporary folder, by the scripts beside this file.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::lab::{PROGRAM, announce, out_of, said, until};

/// A cluster that ends with this value.
pub(crate) struct Cluster {
    folder: TempDir,
}

impl Cluster {
    /// Starts one; `None`, and a line that says so, where the packages are not there and cannot be installed.
    pub(crate) fn up(options: &[&str]) -> Option<Self> {
        let cluster = Self { folder: tempfile::Builder::new().prefix("slurm-").tempdir().unwrap() };
        let (code, _, err) = said(cluster.script("slurm-up.sh").args(options));
        if code == 0 {
            return Some(cluster);
        }
        let there = ["slurmctld", "slurmd", "munged", "sbatch"].iter().all(|name| on_path(name));
        assert!(!there, "SLURM is installed and does not start:\n{err}");
        announce(&format!("SLURM is not installed and cannot be: its tests are skipped.\n{err}"));
        None
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm").join(name));
        command.env("SLURM_TEST_DIR", self.folder.path());
        command
    }

    /// A program that sees this cluster.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.folder.path().join("slurm.conf"));
        // What a surrounding job has set is not meant for this cluster.
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("SBATCH_") || name.starts_with("SLURM_JOB"))
        {
            command.env_remove(name);
        }
        command
    }

    /// isotherm on the login node.
    pub(crate) fn isotherm(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(PROGRAM);
        command.args(arguments).current_dir(folder);
        command
    }

    /// Loses a node (`kill`, `cut`) or brings it back (`start`).
    pub(crate) fn node(&self, verb: &str, node: &str) {
        let mut command = self.script("slurm-node.sh");
        command.args([verb, node]);
        out_of(if verb == "start" { &mut command } else { command.arg("--now") });
    }

    /// A job that may have the whole node, whoever is there.
    pub(crate) fn urgent(&self, node: &str) -> String {
        let mut sbatch = self.command("sbatch");
        sbatch.args([
            "--parsable",
            "--partition=urgent",
            "--exclusive",
            "--output=/dev/null",
            "--wrap=sleep 1",
            "-w",
            node,
        ]);
        out_of(&mut sbatch).trim().to_owned()
    }

    /// Waits until nothing of these jobs is queued or runs.
    pub(crate) fn drained(&self, jobs: &[String], seconds: u64) {
        let jobs = jobs.join(",");
        let left = || out_of(self.command("squeue").args(["--noheader", "--array", "--jobs", &jobs]));
        until(seconds, "the queue is empty", || left().trim().is_empty().then_some(()), left);
    }

    /// A field of a job or of one of its tasks (`12_3`), as `scontrol show job` has it.
    pub(crate) fn field(&self, job: &str, key: &str) -> String {
        let shown = out_of(self.command("scontrol").args(["--oneliner", "show", "job", job]));
        let mut pairs = shown.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).unwrap_or_else(|| panic!("no {key} in {shown}")).1.to_owned()
    }

    /// What the controller has written down.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log/slurmctld.log")).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let (code, _, err) = said(self.script("slurm-down.sh").args(["--clean", "--quiet"]));
        if code != 0 {
            announce(&format!("the cluster in {} does not stop: {err}", self.folder.path().display()));
        }
    }
}

/// Whether a program is where the scripts look for it.
fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.into_iter().any(|folder| folder.join(name).is_file())
}
