//! Many numbers in few words.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

/// Numbers in ascending order, as ranges: `0-4, 7`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<Range<usize>>);

impl Ranges {
    /// Appends numbers that come after all others.
    pub(crate) fn push(&mut self, range: Range<usize>) {
        match self.0.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }

    /// How many numbers.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by one.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        self.0.iter().cloned().flatten().collect()
    }

    /// As an argument of a command: without spaces, however many.
    pub(crate) fn as_argument(&self) -> String {
        self.0.iter().map(written).collect::<Vec<_>>().join(",")
    }
}

impl FromIterator<usize> for Ranges {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut ranges = Self::default();
        numbers.into_iter().for_each(|number| ranges.push(number..number + 1));
        ranges
    }
}

/// Ranges that are written out; more of them are counted.
const SHOWN: usize = 12;

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().take(SHOWN).map(written).collect();
        f.write_str(&shown.join(", "))?;
        match self.0.get(SHOWN..) {
            Some(rest) if !rest.is_empty() => {
                write!(f, " and {} more", rest.iter().map(ExactSizeIterator::len).sum::<usize>())
            }
            _ => Ok(()),
        }
    }
}

impl Serialize for Ranges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(written))
    }
}

fn written(range: &Range<usize>) -> String {
    if range.len() == 1 { range.start.to_string() } else { format!("{}-{}", range.start, range.end - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range_and_long_lists_are_cut() {
        let ranges: Ranges = [0, 1, 2, 5, 7, 8].into_iter().collect();
        assert_eq!((ranges.to_string().as_str(), ranges.count()), ("0-2, 5, 7-8", 6));
        assert_eq!(ranges.as_argument(), "0-2,5,7-8");
        let many: Ranges = (0..100).map(|n| 2 * n).collect();
        assert!(many.to_string().ends_with("20, 22 and 88 more"), "{many}");
        assert!(Ranges::default().is_empty());
    }
}
