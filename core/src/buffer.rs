//! A slice that is either owned or lent: so that a gate and a routing can be made of arrays that belong to the other side of a library's border.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Bytes that arrays are aligned to where vector code on the other side of a border may ask for it.
pub const LINE: usize = 64;

/// Values that are owned, or lent for `'a` by whoever holds them. Reads and writes as a slice.
///
/// Writing to values that were lent for reading makes them owned first, as [`std::borrow::Cow`] does.
///
/// ```
/// use isotherm_core::buffer::Buffer;
/// let mut theirs = [1, 2, 3];
/// let mut buffer = Buffer::from(&mut theirs[..]);
/// buffer[0] = 7;
/// assert_eq!(buffer, [7, 2, 3]);
/// assert_eq!(theirs, [7, 2, 3], "lent for writing");
/// ```
pub struct Buffer<'a, T>(Held<'a, T>);

enum Held<'a, T> {
    Owned(Vec<T>),
    /// The values begin at `start`, which is aligned.
    Aligned {
        values: Vec<T>,
        start: usize,
    },
    Shared(&'a [T]),
    Exclusive(&'a mut [T]),
}

impl<T: Copy + Default> Buffer<'_, T> {
    /// Owned values whose first one is aligned to [`LINE`] bytes. Moves them only if they are not aligned yet; needs no second allocation if
    /// the vector has room for a line more.
    ///
    /// ```
    /// use isotherm_core::buffer::{Buffer, LINE};
    /// let aligned = Buffer::aligned(vec![1.0_f32; 100]);
    /// assert_eq!((aligned.as_ptr().addr() % LINE, aligned[99]), (0, 1.0));
    /// ```
    #[must_use]
    pub fn aligned(mut values: Vec<T>) -> Self {
        let len = values.len();
        if values.as_ptr().align_offset(LINE) != 0 {
            values.reserve(LINE / size_of::<T>().max(1));
        }
        let start = values.as_ptr().align_offset(LINE);
        // Where the size of an element does not divide a line there is no such place.
        if start == 0 || start > LINE {
            return Self::from(values);
        }
        values.resize(len + start, T::default());
        values.copy_within(..len, start);
        Self(Held::Aligned { values, start })
    }

    /// The values as a vector, or, where they were aligned, the memory that they are in.
    pub(crate) fn into_vec(self) -> Vec<T> {
        match self.0 {
            Held::Owned(values) | Held::Aligned { values, .. } => values,
            Held::Shared(values) => values.to_vec(),
            Held::Exclusive(values) => values.to_vec(),
        }
    }

    /// Makes room for `len` values, new ones being `value`.
    ///
    /// # Panics
    /// If the values are lent and there are fewer: whoever lends a buffer lends all that will be needed.
    #[inline]
    pub fn resize(&mut self, len: usize, value: T) {
        match &mut self.0 {
            Held::Owned(values) => values.resize(len, value),
            Held::Aligned { values, start } => values.resize(*start + len, value),
            Held::Exclusive(values) => *values = &mut std::mem::take(values)[..len],
            Held::Shared(values) => {
                let mut owned = values.to_vec();
                owned.resize(len, value);
                self.0 = Held::Owned(owned);
            }
        }
    }
}

impl<T> Deref for Buffer<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Held::Owned(values) => values,
            Held::Aligned { values, start } => &values[*start..],
            Held::Shared(values) => values,
            Held::Exclusive(values) => values,
        }
    }
}

impl<T: Clone> DerefMut for Buffer<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        if let Held::Shared(values) = self.0 {
            self.0 = Held::Owned(values.to_vec());
        }
        match &mut self.0 {
            Held::Owned(values) => values,
            Held::Aligned { values, start } => &mut values[*start..],
            Held::Exclusive(values) => values,
            // Has just been replaced.
            Held::Shared(_) => &mut [],
        }
    }
}

impl<T> From<Vec<T>> for Buffer<'_, T> {
    fn from(values: Vec<T>) -> Self {
        Self(Held::Owned(values))
    }
}

impl<'a, T> From<&'a [T]> for Buffer<'a, T> {
    fn from(values: &'a [T]) -> Self {
        Self(Held::Shared(values))
    }
}

impl<'a, T> From<&'a mut [T]> for Buffer<'a, T> {
    fn from(values: &'a mut [T]) -> Self {
        Self(Held::Exclusive(values))
    }
}

impl<T> Default for Buffer<'_, T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

/// A clone is owned.
impl<T: Clone> Clone for Buffer<'_, T> {
    fn clone(&self) -> Self {
        Self::from(self.to_vec())
    }
}

impl<T: fmt::Debug> fmt::Debug for Buffer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> AsRef<[T]> for Buffer<'_, T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: PartialEq, U: AsRef<[T]> + ?Sized> PartialEq<U> for Buffer<'_, T> {
    fn eq(&self, other: &U) -> bool {
        **self == *other.as_ref()
    }
}

impl<'b, T> IntoIterator for &'b Buffer<'_, T> {
    type Item = &'b T;
    type IntoIter = std::slice::Iter<'b, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lent_for_reading_is_copied_before_it_is_written_to() {
        let theirs = [1, 2];
        let mut buffer = Buffer::from(&theirs[..]);
        buffer[1] = 5;
        assert_eq!((buffer.to_vec(), theirs), (vec![1, 5], [1, 2]));
    }

    #[test]
    fn resizing_keeps_the_values_and_the_alignment() {
        let mut aligned = Buffer::aligned((0..37_u32).collect());
        aligned.resize(20, 0);
        assert_eq!(aligned.as_ptr().addr() % LINE, 0);
        assert!(aligned.iter().copied().eq(0..20));
        let mut theirs = [3, 4, 5];
        let mut lent = Buffer::from(&mut theirs[..]);
        lent.resize(2, 0);
        assert_eq!(lent, [3, 4]);
    }

    #[test]
    fn an_element_that_does_not_divide_a_line_is_left_where_it_is() {
        let odd = Buffer::aligned(vec![[1_u8; 3]; 5]);
        assert_eq!(odd.len(), 5);
    }
}
