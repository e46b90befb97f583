//! A file whose checksum is known when it is written.

use std::io::{Result, Write};

use sha2::{Digest, Sha256};

/// What is written to, and the SHA-256 of what was written.
#[derive(Debug)]
pub(crate) struct Hashed<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Hashed<W> {
    /// Nothing written yet.
    pub(crate) fn new(out: W) -> Self {
        Self { out, hash: Sha256::new() }
    }

    /// What was written to, and the hash of all of it.
    pub(crate) fn finish(self) -> (W, Vec<u8>) {
        (self.out, self.hash.finalize().to_vec())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }
}
