//! What a token cost over the run of a router, few enough numbers for a spark line.

use super::spark;
use crate::number::with_unit;
use crate::results::{Column, ReadError, Results};

/// Heading of the column; its width is that of the widest line.
pub(super) const HEADING: &str = "J/token over time";

/// Characters of a line.
const WIDTH: usize = 17;

/// Sums a row at most, whatever the number of batches: so many more than characters that rounding moves none.
const SLOTS: usize = 512;

/// Energy per token of each row of the table, from the first batch to the last, all seeds together.
#[derive(Debug)]
pub(super) struct Work {
    /// Per row and character (J); `None` where no batch finished.
    rows: Vec<Vec<Option<f64>>>,
    /// The lowest and the highest (J).
    ends: [f64; 2],
}

impl Work {
    /// That of all rows of the summary; `None` where there are no series, or too few batches to speak of time.
    ///
    /// # Errors
    /// Where the series are damaged.
    pub(super) fn of(results: &Results) -> Result<Option<Self>, ReadError> {
        let mut sums = Sums { rows: vec![Vec::new(); results.summary.rows.len()], batches_a_slot: 1, batches: 0 };
        let wanted = crate::results::Wanted::all_runs(&[Column::Batch, Column::EnergyJ, Column::Tokens]);
        results.each_batch(&wanted, |run, batch| {
            let numbers = (batch.whole(Column::Batch), batch.value(Column::EnergyJ), batch.whole(Column::Tokens));
            if let (Some(row), (Some(at), Some(joules), Some(tokens))) = (results.runs[run].row, numbers)
                && let Ok(at) = usize::try_from(at)
            {
                sums.add(row, at, joules, tokens as f64);
            }
        })?;
        Ok(sums.work())
    }

    /// A line a row, all on one scale.
    pub(super) fn sparks(&self, ascii: bool) -> Vec<String> {
        self.rows.iter().map(|row| spark::line(row, self.ends, ascii)).collect()
    }

    /// What the lines say and how high they are.
    pub(super) fn note(&self, ascii: bool) -> String {
        let (low, high) = spark::ends(ascii);
        let [least, most] = self.ends.map(|joules| with_unit(joules, None, "J"));
        format!(
            "{HEADING}: assignments and router, without idle power; first to last batch, all seeds together; {low} is {least}, {high} is {most}"
        )
    }
}

/// Joules and tokens, slot by slot.
struct Sums {
    rows: Vec<Vec<[f64; 2]>>,
    batches_a_slot: usize,
    /// One more than the last batch seen.
    batches: usize,
}

impl Sums {
    fn add(&mut self, row: usize, batch: usize, joules: f64, tokens: f64) {
        while batch / self.batches_a_slot >= SLOTS {
            self.halve();
        }
        self.batches = self.batches.max(batch + 1);
        let (slots, at) = (&mut self.rows[row], batch / self.batches_a_slot);
        if slots.len() <= at {
            slots.resize(at + 1, [0.0; 2]);
        }
        slots[at][0] += joules;
        slots[at][1] += tokens;
    }

    /// Puts two slots together.
    fn halve(&mut self) {
        self.batches_a_slot *= 2;
        for slots in &mut self.rows {
            *slots = slots.chunks(2).map(|two| two.iter().fold([0.0; 2], add)).collect();
        }
    }

    fn work(self) -> Option<Work> {
        let slots = self.batches.div_ceil(self.batches_a_slot);
        let width = slots.min(WIDTH);
        let mut ends = [f64::INFINITY, f64::NEG_INFINITY];
        let mut characters = |sums: Vec<[f64; 2]>| {
            let mut characters = vec![[0.0; 2]; width];
            for (at, sum) in sums.iter().enumerate() {
                let character = &mut characters[at * width / slots];
                *character = add(*character, sum);
            }
            let each = characters.into_iter().map(|[joules, tokens]| (tokens > 0.0).then(|| joules / tokens));
            each.inspect(|joules| {
                if let Some(joules) = joules {
                    ends = [ends[0].min(*joules), ends[1].max(*joules)];
                }
            })
            .collect()
        };
        let rows = self.rows.into_iter().map(&mut characters).collect();
        (width > 1 && ends[0].is_finite()).then_some(Work { rows, ends })
    }
}

fn add(a: [f64; 2], b: &[f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(batches: usize, joules: impl Fn(usize) -> f64) -> Work {
        let mut sums = Sums { rows: vec![Vec::new(); 2], batches_a_slot: 1, batches: 0 };
        for batch in 0..batches {
            sums.add(0, batch, joules(batch), 2.0);
        }
        sums.work().unwrap()
    }

    #[test]
    fn short_runs_have_a_character_a_batch() {
        let work = sums(3, |batch| [2.0, 4.0, 9.0][batch]);
        assert_eq!(work.rows, [vec![Some(1.0), Some(2.0), Some(4.5)], vec![None; 3]]);
        assert_eq!((work.ends, work.sparks(false)), ([1.0, 4.5], vec!["▁▃█".to_owned(), "   ".to_owned()]));
        assert!(work.note(true).ends_with("; . is 1.000 J, @ is 4.500 J"), "{}", work.note(true));
    }

    #[test]
    fn long_runs_are_means_of_equal_stretches() {
        // The first half of a million batches costs 1 J a token, the second half 3 J.
        let work = sums(1_000_000, |batch| if batch < 500_000 { 2.0 } else { 6.0 });
        let row: Vec<f64> = work.rows[0].iter().flatten().copied().collect();
        assert_eq!(row.len(), WIDTH);
        assert_eq!((row[0], row[7], row[9], row[16]), (1.0, 1.0, 3.0, 3.0));
        assert!((1.8..2.2).contains(&row[8]), "{}", row[8]);
    }
}
