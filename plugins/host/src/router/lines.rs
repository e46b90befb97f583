//! Numbers that begin where a cache line begins, as the interface promises of logits and scores.

use isotherm_core::buffer::LINE;

/// As many numbers as fit into a line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line([f32; PER_LINE]);

const PER_LINE: usize = LINE / size_of::<f32>();

/// Scratch whose first number is aligned to [`LINE`] bytes; grows to the largest batch and stays.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// A copy of `values`.
    pub(super) fn copy_of(&mut self, values: &[f32]) -> &mut [f32] {
        self.0.resize(values.len().div_ceil(PER_LINE), Line([0.0; PER_LINE]));
        let rows = values.chunks(PER_LINE);
        for (line, row) in self.0.iter_mut().zip(rows) {
            line.0[..row.len()].copy_from_slice(row);
        }
        self.first(values.len())
    }

    /// The values themselves where they are aligned, else a copy.
    #[inline]
    pub(super) fn aligned<'s>(&'s mut self, values: &'s [f32]) -> *const f32 {
        if !values.is_empty() && values.as_ptr().addr().is_multiple_of(LINE) {
            values.as_ptr()
        } else {
            self.copy_of(values).as_ptr()
        }
    }

    /// The first `len` numbers.
    pub(super) fn first(&mut self, len: usize) -> &mut [f32] {
        debug_assert!(len <= self.0.len() * PER_LINE, "only what has been copied");
        #[expect(unsafe_code, reason = "lines of numbers as numbers")]
        // SAFETY: a line is as many numbers and no padding, and there are at least `len` of them.
        unsafe {
            std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), len.min(self.0.len() * PER_LINE))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_aligned_and_what_is_aligned_is_not_copied() {
        let mut lines = Lines::default();
        let values: Vec<f32> = (0..37_u8).map(f32::from).collect();
        let copy = lines.copy_of(&values);
        assert_eq!((copy.as_ptr().addr() % LINE, &copy[..]), (0, &values[..]));
        let copy = copy.to_vec();
        assert_eq!(copy, values);
        let mut other = Lines::default();
        let here = lines.first(37);
        assert_eq!(other.aligned(here), here.as_ptr());
        assert_ne!(other.aligned(&here[1..]), here[1..].as_ptr());
        assert_eq!(other.aligned(&[]).addr() % LINE, 0, "also of nothing");
    }
}
