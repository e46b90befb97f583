//! Finished runs of a comparison that is not finished: what lets a second start continue.

use std::path::{Path, PathBuf};

use isotherm_core::record::RunRecord;
use sha2::{Digest, Sha256};

use super::folder::write_atomically;
use crate::execute::Run;
use crate::fault::Fault;

const CHECKSUM: usize = 32;

fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.run"))
}

/// Keeps the record of a finished run.
pub(super) fn keep(folder: &Path, run: &Run, record: &RunRecord) -> Result<(), Fault> {
    let body = postcard::to_stdvec(record).map_err(|error| Fault::Internal(error.to_string()))?;
    let mut bytes = Sha256::digest(&body).to_vec();
    bytes.extend(body);
    write_atomically(&path(folder, &run.id), &bytes, false)
}

/// The record of a run that an earlier start finished; `None` if there is none, or if the file is damaged, in which case the run
/// is simply done again.
pub(super) fn find(folder: &Path, run: &Run) -> Option<RunRecord> {
    let bytes = std::fs::read(path(folder, &run.id)).ok()?;
    let (checksum, body) = bytes.split_at_checked(CHECKSUM)?;
    if Sha256::digest(body).as_slice() != checksum {
        return None;
    }
    postcard::from_bytes(body).ok()
}
