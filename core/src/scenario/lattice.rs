//! All combinations of a few indices, none of which is kept.

/// One index per dimension in all combinations; the first dimension varies slowest. Without dimensions there is one, empty combination.
#[derive(Clone, Debug, Default)]
pub(super) struct Lattice {
    sizes: Vec<usize>,
    len: usize,
}

impl Lattice {
    /// The lattice of these sizes; `None` where nobody can count its combinations.
    pub(super) fn of(sizes: Vec<usize>) -> Option<Self> {
        let len = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
        Some(Self { sizes, len })
    }

    /// How many combinations there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The combination at a position below [`Lattice::len`].
    pub(super) fn at(&self, position: usize) -> Vec<usize> {
        let mut rest = position;
        let mut indices: Vec<usize> = (self.sizes.iter().rev())
            .map(|&size| {
                let index = rest % size;
                rest /= size;
                index
            })
            .collect();
        indices.reverse();
        indices
    }

    /// All combinations in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<usize>> {
        (0..self.len).map(|position| self.at(position))
    }
}

/// The combinations of a lattice that are not left out, by their position among themselves.
#[derive(Debug)]
pub(super) struct Kept {
    lattice: Lattice,
    /// How many are kept before each block of [`BLOCK`] combinations, and in all; `None` where none is left out.
    before: Option<Vec<usize>>,
}

/// Combinations that are gone through to find one: memory is a number for so many of them.
const BLOCK: usize = 256;

impl Kept {
    /// All combinations but those for which `left_out` holds; it is not called if there is nothing to leave out.
    pub(super) fn of(lattice: Lattice, left_out: Option<impl Fn(&[usize]) -> bool>) -> Self {
        let before = left_out.map(|left_out| {
            let mut before = vec![0];
            let mut kept = 0;
            for start in (0..lattice.len()).step_by(BLOCK) {
                let end = lattice.len().min(start + BLOCK);
                kept += (start..end).filter(|&position| !left_out(&lattice.at(position))).count();
                before.push(kept);
            }
            before
        });
        Self { lattice, before }
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        match &self.before {
            None => self.lattice.len(),
            Some(before) => before.last().copied().unwrap_or_default(),
        }
    }

    /// The one at a position below [`Kept::len`], found with the same `left_out`; `None` beyond.
    pub(super) fn at(&self, position: usize, left_out: impl Fn(&[usize]) -> bool) -> Option<Vec<usize>> {
        if position >= self.len() {
            return None;
        }
        let Some(before) = &self.before else { return Some(self.lattice.at(position)) };
        let block = before.partition_point(|&kept| kept <= position) - 1;
        let candidates = (block * BLOCK..self.lattice.len()).map(|candidate| self.lattice.at(candidate));
        candidates.filter(|combination| !left_out(combination)).nth(position - before[block])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_dimension_varies_slowest() {
        let lattice = Lattice::of(vec![2, 1, 3]).unwrap();
        let all: Vec<Vec<usize>> = lattice.iter().collect();
        assert_eq!(all, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]);
        assert_eq!(Lattice::of(vec![]).unwrap().iter().collect::<Vec<_>>(), [Vec::<usize>::new()]);
        assert!(Lattice::of(vec![usize::MAX, 2]).is_none());
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_lattice_filtered(
            sizes in prop::collection::vec(1_usize..12, 0..4),
            factor in 1_usize..7,
            least in 0_usize..7,
        ) {
            let lattice = Lattice::of(sizes).unwrap();
            let left_out = |combination: &[usize]| combination.iter().map(|index| index * factor).sum::<usize>() % 7 < least;
            let kept = Kept::of(lattice.clone(), Some(left_out));
            let expected: Vec<Vec<usize>> = lattice.iter().filter(|combination| !left_out(combination)).collect();
            prop_assert_eq!(kept.len(), expected.len());
            for (position, combination) in expected.iter().enumerate() {
                prop_assert_eq!(kept.at(position, left_out), Some(combination.clone()));
            }
            prop_assert_eq!(kept.at(expected.len(), left_out), None);
        }
    }
}
