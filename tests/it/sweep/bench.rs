//! A small sweep in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::lab::{isotherm, small, text};

/// Two worlds of three seeds with two routers at two prices: 6 points, 18 runs with the baseline.
pub(super) const ROUTERS: &str = "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"energy-penalty\"
[sweep]
\"router.lambda\" = [0.1, 0.5]
\"arrivals.tokens\" = [48, 96]
";

pub(super) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// The small scenario.
    pub(super) fn new() -> Self {
        Self::of(&scenario(ROUTERS))
    }

    /// This scenario, as `s.toml`.
    pub(super) fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s.toml"), text).unwrap();
        Self { folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `isotherm` with these words.
    pub(super) fn call(&self, arguments: &str) -> (i32, String, String) {
        text(&isotherm(self.folder.path(), &arguments.split_whitespace().collect::<Vec<_>>()))
    }

    /// The same, which has to end with this code; what it said on standard output and standard error.
    pub(super) fn expect(&self, code: i32, arguments: &str) -> (String, String) {
        let (found, out, err) = self.call(arguments);
        assert_eq!(found, code, "isotherm {arguments}\n{out}\n{err}");
        (out, err)
    }

    /// Starts `isotherm` and does not wait.
    pub(super) fn start(&self, arguments: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_isotherm"))
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// All files of a results folder but the one with the wall clock in it.
    pub(super) fn results(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        files(&self.path(name)).into_iter().filter(|(name, _)| name != "timing.json").collect()
    }

    /// Names of the files in a folder of the plan `p`.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        files(&self.path("p").join(folder)).into_keys().collect()
    }

    /// The only shard of a chunk of the plan `p`.
    pub(super) fn shard(&self, chunk: usize) -> PathBuf {
        let prefix = format!("chunk-{chunk:06}-");
        let mut names = self.names("tasks").into_iter().filter(|name| name.starts_with(&prefix));
        let name = names.next().unwrap_or_else(|| panic!("chunk {chunk} has no shard"));
        assert_eq!(names.next(), None);
        self.path("p/tasks").join(name)
    }

    /// Asserts that the plan `p` is done and that its result is that of a plain run.
    pub(super) fn equals_run(&self) {
        self.expect(0, "sweep merge p");
        if !self.path("run").exists() {
            self.expect(0, "run s.toml --out run");
        }
        let (merged, run) = (self.results("p/results"), self.results("run"));
        assert_eq!(merged.keys().collect::<Vec<_>>(), run.keys().collect::<Vec<_>>());
        for (name, bytes) in &run {
            assert!(merged[name] == *bytes, "{name} differs");
        }
        assert!(self.names("journal").is_empty(), "nothing is left under way");
    }
}

/// The small scenario of the other tests with its profile where it is.
pub(super) fn scenario(routers: &str) -> String {
    let profiles = format!("profile = \"{}/scenarios/", crate::lab::root().display());
    small(routers).replace("profile = \"scenarios/", &profiles).replace("seeds = 2", "seeds = 3")
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}
