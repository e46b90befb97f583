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
