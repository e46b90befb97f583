//! The rows of one GPU as columns.

use crate::reading::Standing;
use crate::signal::Signal;

/// The rows of one GPU, as columns of equal length. NaN stands for a cell without a value, and nothing else does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// Index of the GPU.
    pub gpu: u32,
    /// When each row was read, never decreasing (ns): Unix time, or what clock the writer had.
    pub times: Vec<i64>,
    /// Whether the device answered; empty where the file does not say.
    pub standing: Vec<Standing>,
    /// How old the values were when the row was written (ns), in the record of a run (column `age_ns`); else empty.
    pub age_ns: Vec<i64>,
    /// Power in the record of a run, rounded once from the text (W); else empty. There milliwatts need not be whole, and
    /// dividing them would round twice.
    pub watts: Vec<f64>,
    pub(super) columns: Vec<Column>,
}

/// One signal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) signal: Signal,
    pub(super) values: Vec<f64>,
    /// Empty where the file has none.
    pub(super) ages: Vec<f64>,
}

impl Track {
    /// The values of a signal, in its unit; `None` where the file has no such column.
    #[must_use]
    pub fn column(&self, signal: Signal) -> Option<&[f64]> {
        self.columns.iter().find(|column| column.signal == signal).map(|column| column.values.as_slice())
    }

    /// How long ago the values of a signal changed, at the time of their row (ms); `None` where the file has no such column.
    #[must_use]
    pub fn age_ms(&self, signal: Signal) -> Option<&[f64]> {
        let column = self.columns.iter().find(|column| column.signal == signal)?;
        (!column.ages.is_empty()).then_some(column.ages.as_slice())
    }

    /// The signals that have a column, in the order of the file.
    pub fn signals(&self) -> impl Iterator<Item = Signal> + '_ {
        self.columns.iter().map(|column| column.signal)
    }

    /// Appends the rows of the next segment; a signal that only one of them has is not measured in the other.
    pub(super) fn extend(&mut self, next: Self) {
        let (rows, more) = (self.times.len(), next.times.len());
        self.times.extend(next.times);
        extend(&mut self.standing, rows, next.standing, more, Standing::Present);
        extend(&mut self.age_ns, rows, next.age_ns, more, 0);
        extend(&mut self.watts, rows, next.watts, more, f64::NAN);
        for column in &next.columns {
            if self.column(column.signal).is_none() {
                self.columns.push(Column { signal: column.signal, values: Vec::new(), ages: Vec::new() });
            }
        }
        for column in &mut self.columns {
            let found = next.columns.iter().find(|other| other.signal == column.signal);
            let (values, ages) = found.map(|found| (found.values.clone(), found.ages.clone())).unwrap_or_default();
            column.values.resize(rows, f64::NAN);
            column.values.extend(values);
            column.values.resize(rows + more, f64::NAN);
            extend(&mut column.ages, rows, ages, more, f64::NAN);
        }
    }
}

/// Appends a column that either side may lack; one that both lack stays empty.
fn extend<T: Copy>(column: &mut Vec<T>, rows: usize, next: Vec<T>, more: usize, blank: T) {
    if column.is_empty() && next.is_empty() {
        return;
    }
    column.resize(rows, blank);
    column.extend(next);
    column.resize(rows + more, blank);
}
