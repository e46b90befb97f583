//! Floorplans: rectangles with names, as HotSpot's `.flp` files hold them.

use std::collections::BTreeMap;

use crate::text::{ParseError, Word, end_of, lines};

/// Lengths closer than this (m) are equal, as in HotSpot.
pub(crate) const SAME_M: f64 = 1e-6;

const EXPECTED: &str = "five columns: name, width, height, left x, bottom y (m)";
const EXAMPLE: &str = "GPC0 0.0052 0.0081 0.0 0.0";

/// A rectangle of the chip; lengths in m.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Unique name.
    pub name: String,
    /// Extent in x.
    pub width: f64,
    /// Extent in y.
    pub height: f64,
    /// Left edge.
    pub left: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Block {
    /// Area (m2).
    #[must_use]
    pub fn area(&self) -> f64 {
        self.width * self.height
    }

    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn top(&self) -> f64 {
        self.bottom + self.height
    }
}

/// The blocks of a chip, in the order of the file; a block's place in it is its node.
#[derive(Clone, Debug, PartialEq)]
pub struct Floorplan {
    pub(crate) blocks: Vec<Block>,
}

impl Floorplan {
    /// Reads a `.flp` text: a block a line, `#` begins a comment.
    ///
    /// ```
    /// use isotherm_floorplan::Floorplan;
    /// let error = Floorplan::parse("core 0.004 0.006 0 0\ncache 0.006 six 0.004 0\n").unwrap_err();
    /// assert_eq!((error.line, error.column), (2, 13));
    /// assert!(error.to_string().contains("`six` is not a number"));
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] at the first line that is no block, has a name again, no extent, or overlaps another block.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for words in lines(text) {
            let name = words[0];
            if words.len() != 5 {
                return Err(name.error(format!("{} columns", words.len()), EXPECTED, EXAMPLE));
            }
            if let Some(line) = places.insert(name.text, name.line) {
                let what = format!("the name `{}` is already that of the block on line {line}", name.text);
                return Err(name.error(what, "a name of its own for every block", EXAMPLE));
            }
            let number = |word: &Word<'_>| word.number(EXPECTED, EXAMPLE);
            let extent = |word: &Word<'_>| match number(word)? {
                value if value > 0.0 => Ok(value),
                value => Err(word.error(format!("an extent of {value} m"), "a positive length in m", EXAMPLE)),
            };
            let block = Block {
                name: name.text.to_owned(),
                width: extent(&words[1])?,
                height: extent(&words[2])?,
                left: number(&words[3])?,
                bottom: number(&words[4])?,
            };
            if let Some(other) = blocks.iter().find(|other| overlap(&block, other)) {
                let what = format!("`{}` overlaps `{}` (line {})", block.name, other.name, places[other.name.as_str()]);
                return Err(name.error(what, "blocks that touch at most", EXAMPLE));
            }
            blocks.push(block);
        }
        if blocks.is_empty() {
            return Err(end_of(text).error("no block at all".to_owned(), EXPECTED, EXAMPLE));
        }
        Ok(Self { blocks })
    }

    /// The blocks, in node order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The place of a block.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.blocks.iter().position(|block| block.name == name)
    }

    /// The bounding box: left, bottom, width, height (m).
    pub(crate) fn bounds(&self) -> (f64, f64, f64, f64) {
        let over = |f: &dyn Fn(&Block) -> f64, pick: fn(f64, f64) -> f64, start: f64| {
            self.blocks.iter().map(f).fold(start, pick)
        };
        let (left, bottom) = (over(&|b| b.left, f64::min, f64::INFINITY), over(&|b| b.bottom, f64::min, f64::INFINITY));
        let (right, top) =
            (over(&Block::right, f64::max, f64::NEG_INFINITY), over(&Block::top, f64::max, f64::NEG_INFINITY));
        (left, bottom, right - left, top - bottom)
    }
}

/// Length two intervals share.
pub(crate) fn shared(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.1.min(b.1) - a.0.max(b.0)
}

fn overlap(a: &Block, b: &Block) -> bool {
    shared((a.left, a.right()), (b.left, b.right())) > SAME_M
        && shared((a.bottom, a.top()), (b.bottom, b.top())) > SAME_M
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_where_they_are() {
        let fault = |text: &str| Floorplan::parse(text).unwrap_err().to_string();
        assert!(fault("# nothing\n").starts_with("line 1, column 1: no block at all; expected five columns"));
        assert!(fault("a 1 1 0\n").contains("4 columns"));
        assert!(fault("a 1 1 0 0\na 1 1 1 0\n").starts_with("line 2, column 1: the name `a` is already that"));
        assert!(fault("a 1 -1 0 0\n").starts_with("line 1, column 5: an extent of -1 m"));
        assert!(fault("a 1 1 0 0\n\nb 1 1 0.5 0\n").contains("line 3, column 1: `b` overlaps `a` (line 1)"));
        assert!(fault("a 1 NaN 0 0\n").contains("`NaN` is not a number"));
    }
}
