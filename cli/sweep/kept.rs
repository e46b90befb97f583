//! The form in which a finished run is kept, in journals and in shards alike: a checksum, which run it is, and what came of it.

use isotherm_core::record::RunRecord;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::execute::{Outcome, Run};
use crate::fault::Fault;

const CHECKSUM: usize = 32;

/// What stands before the outcome, to be read without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heading {
    /// Position of its point in the sweep.
    pub(crate) point: u64,
    /// The run's id as a number.
    pub(crate) run: u64,
    /// Whether it failed.
    pub(crate) failed: bool,
}

impl Heading {
    /// Of a run at a point.
    ///
    /// # Errors
    /// [`Fault::Internal`] if the run's id is none.
    pub(crate) fn of(point: usize, run: &Run, outcome: &Outcome) -> Result<Self, Fault> {
        Ok(Self { point: point as u64, run: key(run)?, failed: outcome.is_err() })
    }
}

/// The id of a run as a number.
pub(crate) fn key(run: &Run) -> Result<u64, Fault> {
    u64::from_str_radix(&run.id, 16).map_err(|error| Fault::Internal(format!("`{}` is no run id: {error}", run.id)))
}

/// SHA-256 of the rest, the heading, the outcome.
pub(crate) fn seal(heading: &Heading, outcome: &Outcome) -> Result<Vec<u8>, Fault> {
    let internal = |error: postcard::Error| Fault::Internal(error.to_string());
    let body = postcard::to_extend(heading, vec![0; CHECKSUM]).map_err(internal)?;
    let mut bytes = postcard::to_extend(outcome, body).map_err(internal)?;
    let checksum = Sha256::digest(&bytes[CHECKSUM..]);
    bytes[..CHECKSUM].copy_from_slice(&checksum);
    Ok(bytes)
}

/// The heading of what [`seal`] gave; `None` if a bit of it is not as it was.
pub(crate) fn heading(bytes: &[u8]) -> Option<Heading> {
    opened(bytes).map(|(heading, _)| heading)
}

/// Heading and outcome of what [`seal`] gave; `None` if a bit of it is not as it was.
pub(crate) fn open(bytes: &[u8]) -> Option<(Heading, Outcome)> {
    let (heading, rest) = opened(bytes)?;
    let outcome: Result<RunRecord, String> = postcard::from_bytes(rest).ok()?;
    Some((heading, outcome))
}

fn opened(bytes: &[u8]) -> Option<(Heading, &[u8])> {
    let (checksum, body) = bytes.split_at_checked(CHECKSUM)?;
    if Sha256::digest(body).as_slice() != checksum {
        return None;
    }
    postcard::take_from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_and_no_bit_may_differ() {
        let heading = Heading { point: 7, run: u64::MAX - 1, failed: true };
        let sealed = seal(&heading, &Err("no such thing".to_owned())).unwrap();
        assert_eq!(open(&sealed), Some((heading, Err("no such thing".to_owned()))));
        let record = RunRecord { events: 12, ..RunRecord::default() };
        let ran = seal(&Heading { failed: false, ..heading }, &Ok(record.clone())).unwrap();
        assert_eq!(open(&ran).unwrap().1, Ok(record));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&flipped), None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(open(&sealed[..length]), None, "{length} bytes");
        }
    }
}
