//! What has to wait until everything is known, without waiting in memory.

use std::io::{BufReader, Error, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::SpooledTempFile;

/// Bytes that stay in memory; a file is made only beyond.
const IN_MEMORY: usize = 1 << 20;

/// A list that grows on the disk and is read in its order. Its file has no name, so that nothing of it is left behind whatever
/// happens to the program.
///
/// Elements are written as postcard: numbers come back bit by bit, but a type must not leave out fields.
#[derive(Debug)]
pub(super) struct Spool<T> {
    file: SpooledTempFile,
    count: usize,
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Spool<T> {
    /// An empty list whose file, if it needs one, is in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self { file: tempfile::spooled_tempfile_in(IN_MEMORY, folder), count: 0, of: PhantomData }
    }

    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Appends an element.
    pub(super) fn push(&mut self, value: &T) -> std::io::Result<()> {
        // The length stands before the element: its place is kept free and filled in.
        let mut bytes = postcard::to_extend(value, vec![0; size_of::<u32>()]).map_err(Error::other)?;
        let length = u32::try_from(bytes.len() - size_of::<u32>()).map_err(Error::other)?;
        bytes[..size_of::<u32>()].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        self.file.write_all(&bytes)
    }

    /// The elements in their order. Nothing is appended any more.
    pub(super) fn into_elements(self) -> impl Iterator<Item = std::io::Result<T>> {
        let Self { mut file, count, .. } = self;
        let start = file.seek(SeekFrom::Start(0)).map(drop);
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut bytes = Vec::new();
        let mut next = move || {
            let mut length = [0; size_of::<u32>()];
            reader.read_exact(&mut length)?;
            bytes.resize(u32::from_le_bytes(length) as usize, 0);
            reader.read_exact(&mut bytes)?;
            postcard::from_bytes(&bytes).map_err(Error::other)
        };
        start.err().map(Err).into_iter().chain((0..count).map(move |_| next()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_also_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for longest in [40, 40_000] {
            let values: Vec<(String, Option<f64>)> = (0..300_u32)
                .map(|n| ("x".repeat(longest / (n as usize + 1)), (n % 3 > 0).then(|| 1.0 / f64::from(n))))
                .chain([("z".repeat(longest * 40), Some(f64::NEG_INFINITY))])
                .collect();
            let mut spool: Spool<(String, Option<f64>)> = Spool::new(folder.path());
            values.iter().for_each(|value| spool.push(value).unwrap());
            assert_eq!(spool.len(), values.len());
            let found: Vec<(String, Option<f64>)> = spool.into_elements().map(Result::unwrap).collect();
            assert!(found == values);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its file has no name");
    }
}
