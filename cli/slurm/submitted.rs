//! What has been given to SLURM for a plan: one line a job in a file of the plan's folder, so that status and a second submission know it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::exit;
use crate::fault::Fault;

/// The file in the folder of the plan.
pub const FILE: &str = "slurm-jobs.jsonl";

/// A job that `sbatch` has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// SLURM's number of it.
    pub job: String,
    /// The chunk that its task with index 0 does; `None` for a merge job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_chunk: Option<usize>,
    /// Its indices, as `sbatch --array` reads them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub indices: String,
}

/// Adds a line.
///
/// # Errors
/// What the system says.
pub fn add(plan: &Path, submission: &Submission) -> io::Result<()> {
    let path = plan.join(FILE);
    // A line that a full disk has cut must not take this one with it.
    let cut = std::fs::read(&path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
    let line = format!("{}{}\n", if cut { "\n" } else { "" }, serde_json::to_string(submission)?);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// What was submitted for a plan, oldest first; without the file nothing. A line that was cut by a full disk is left out.
///
/// # Errors
/// [`Fault::Unreadable`].
pub fn read(plan: &Path) -> Result<Vec<Submission>, Fault> {
    let path = plan.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => {
            let help = "it lists the jobs of this plan; move it away to go on without it";
            Err(Fault::Unreadable { path, source, help, code: exit::INPUT })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_remembered_and_a_cut_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let array = Submission { job: "12".to_owned(), first_chunk: Some(0), indices: "0-3".to_owned() };
        let merge = Submission { job: "13".to_owned(), first_chunk: None, indices: String::new() };
        add(folder.path(), &array).unwrap();
        add(folder.path(), &merge).unwrap();
        let mut file = OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap();
        file.write_all(b"{\"job\":\"1").unwrap();
        assert_eq!(read(folder.path()).unwrap(), [array.clone(), merge.clone()]);
        add(folder.path(), &array).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [array.clone(), merge, array]);
    }
}
