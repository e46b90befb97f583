//! Chunks as the indices of job arrays.
//!
//! `MaxArraySize` caps the *index* of a task and not how many there are: with 1001 the largest index is 1000. Chunks with higher numbers
//! go into further arrays, whose tasks count from the first chunk of theirs.

use crate::sweep::Ranges;

/// Some chunks of a plan as one job array.
///
/// ```
/// use isotherm::slurm::Array;
/// let arrays = Array::split(&[0, 1, 2, 7, 1001, 1003], 1001);
/// assert_eq!(arrays.iter().map(Array::indices).collect::<Vec<_>>(), ["0-2,7", "0,2"]);
/// assert_eq!(arrays[1].first, 1001);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The chunk that the task with index 0 would do.
    pub first: usize,
    /// The chunks, ascending.
    pub chunks: Vec<usize>,
}

impl Array {
    /// Shares chunks, ascending, out among as few arrays as indices below `max_array_size` allow.
    ///
    /// # Panics
    /// If `max_array_size` is zero: such a cluster has no arrays, which [`super::Limits`] refuses.
    #[must_use]
    pub fn split(chunks: &[usize], max_array_size: usize) -> Vec<Self> {
        assert!(max_array_size > 0, "a cluster without arrays");
        let group = |chunk: &usize| chunk / max_array_size;
        (chunks.chunk_by(|a, b| group(a) == group(b)))
            .map(|chunks| Self { first: group(&chunks[0]) * max_array_size, chunks: chunks.to_vec() })
            .collect()
    }

    /// The indices as `sbatch --array` reads them: `0-4,7`.
    #[must_use]
    pub fn indices(&self) -> String {
        self.chunks.iter().map(|chunk| chunk - self.first).collect::<Ranges>().as_argument()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What SLURM makes of `--array`.
    fn read(indices: &str) -> Vec<usize> {
        let number = |text: &str| text.parse::<usize>().unwrap();
        let range = |part: &str| match part.split_once('-') {
            Some((from, to)) => (number(from)..=number(to)).collect::<Vec<_>>(),
            None => vec![number(part)],
        };
        indices.split(',').flat_map(range).collect()
    }

    proptest! {
        #[test]
        fn every_chunk_is_in_one_array_below_the_limit(
            chunks in proptest::collection::btree_set(0_usize..500, 1..60),
            limit in 1_usize..80,
        ) {
            let chunks: Vec<usize> = chunks.into_iter().collect();
            let arrays = Array::split(&chunks, limit);
            let back: Vec<usize> = arrays
                .iter()
                .flat_map(|array| read(&array.indices()).into_iter().map(move |index| (index, array.first)))
                .map(|(index, first)| {
                    assert!(index < limit);
                    index + first
                })
                .collect();
            prop_assert_eq!(back, chunks);
        }
    }
}
