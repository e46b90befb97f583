//! A small disk that can be filled up.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{announce, said};

/// A folder on a disk of its own, where the system lets a test have one.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts 64 MiB of memory at a folder; `None`, and a line that says so, where that is not allowed.
    pub(crate) fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mut mount = privileged("mount");
        let why = match mount.args(["-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs"]).arg(folder).output() {
            Ok(output) if output.status.success() => return Some(Self { folder: folder.to_owned() }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        announce(&format!("no disk of its own to fill ({why}): a limit on file sizes takes its place"));
        None
    }

    /// Writes until nothing more fits.
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        let block = vec![0; 1 << 16];
        for size in [block.len(), 1] {
            while file.write_all(&block[..size]).is_ok() {}
        }
    }

    /// Makes room again.
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that a failed test has left behind may still write to it.
        let (code, _, err) = said(privileged("umount").arg("--lazy").arg(&self.folder));
        if code != 0 {
            announce(&format!("{} stays mounted: {err}", self.folder.display()));
        }
    }
}

fn privileged(program: &str) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}
