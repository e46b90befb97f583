//! Whether a file still has the contents it was written with: SHA-256 of all of it, streamed.

use std::fs::File;
use std::io::{Read as _, Result};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes read at a time: all that is in memory of a file of any size.
const AT_A_TIME: usize = 1 << 18;

/// SHA-256 of a file, as 64 hexadecimal digits: what `sha256sum FILE` prints, and what [`Summary::tables`](super::Summary::tables) has.
///
/// ```
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), "abc")?;
/// let sum = isotherm_report::results::sha256_of_file(file.path())?;
/// assert!(sum.starts_with("ba7816bf8f01cfea") && sum.len() == 64);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; AT_A_TIME]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
