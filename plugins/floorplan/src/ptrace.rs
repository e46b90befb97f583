//! Power traces: HotSpot's `.ptrace` files.

use crate::flp::Floorplan;
use crate::text::{ParseError, end_of, lines};

/// Powers of all blocks, constant over each row's interval.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerTrace {
    /// Powers (W), a row per interval, in the floorplan's order of blocks.
    pub rows: Vec<Vec<f64>>,
}

const EXPECTED: &str = "a power in W for every block of the header";

impl PowerTrace {
    /// Reads a `.ptrace` text: a header of block names in any order, then a row of powers (W) an interval.
    ///
    /// ```
    /// use isotherm_floorplan::{Floorplan, PowerTrace};
    /// let floorplan = Floorplan::parse("a 0.01 0.01 0 0\nb 0.01 0.01 0.01 0\n").unwrap();
    /// let trace = PowerTrace::parse("b a\n1.5 2.5\n", &floorplan).unwrap();
    /// assert_eq!(trace.rows, [[2.5, 1.5]]);
    /// let error = PowerTrace::parse("b c\n1.5 2.5\n", &floorplan).unwrap_err();
    /// assert!(error.to_string().contains("`c` is no block of the floorplan"));
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] for a column that is no block, a block without a column, a row of another length, a number that is none or
    /// is negative.
    pub fn parse(text: &str, floorplan: &Floorplan) -> Result<Self, ParseError> {
        let mut lines = lines(text);
        let names: Vec<&str> = floorplan.blocks().iter().map(|block| block.name.as_str()).collect();
        let list = names.join(" ");
        let Some(header) = lines.next() else {
            return Err(end_of(text).error("nothing".to_owned(), "a header of block names", &list));
        };
        let mut columns = Vec::new();
        for word in &header {
            match floorplan.index(word.text) {
                None => {
                    let what = format!("`{}` is no block of the floorplan", word.text);
                    return Err(word.error(what, "the floorplan's blocks, each once", &list));
                }
                Some(block) if columns.contains(&block) => {
                    return Err(word.error(format!("`{}` again", word.text), "each block once", &list));
                }
                Some(block) => columns.push(block),
            }
        }
        if let Some(missing) = (0..names.len()).find(|block| !columns.contains(block)) {
            let what = format!("no column for block `{}`", names[missing]);
            return Err(header[0].error(what, "the floorplan's blocks, each once", &list));
        }
        let example = vec!["12.5"; columns.len()].join(" ");
        let mut rows = Vec::new();
        for words in lines {
            if words.len() != columns.len() {
                let what = format!("{} powers for {} blocks", words.len(), columns.len());
                return Err(words[words.len() - 1].error(what, EXPECTED, &example));
            }
            let mut row = vec![0.0; columns.len()];
            for (word, block) in words.iter().zip(&columns) {
                let watts = word.number(EXPECTED, &example)?;
                if watts < 0.0 {
                    return Err(word.error(format!("{watts} W"), "a power that is not negative", &example));
                }
                row[*block] = watts;
            }
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// The mean power of each block (W).
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        let blocks = self.rows.first().map_or(0, Vec::len);
        (0..blocks).map(|b| self.rows.iter().map(|row| row[b]).sum::<f64>() / self.rows.len() as f64).collect()
    }
}
