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
