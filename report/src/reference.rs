//! What a row is measured against, as the folder itself says it: rows that are baselines are marked.

use crate::results::Row;

/// The baselines of a summary.
pub(crate) struct References<'a> {
    baselines: Vec<(usize, &'a Row)>,
}

impl<'a> References<'a> {
    pub(crate) fn of(rows: &'a [Row]) -> Self {
        Self { baselines: rows.iter().enumerate().filter(|(_, row)| row.baseline).collect() }
    }

    /// The place of a row's baseline among the rows: that of its own world, whose point has no key that the row's has not; where there is
    /// a single one for all worlds, as with `compare.baseline = "first-point"`, that one.
    pub(crate) fn place(&self, row: &Row) -> Option<usize> {
        let mut of_scenario = self.baselines.iter().filter(|(_, base)| base.scenario == row.scenario);
        let of_world =
            |(_, base): &&(usize, &Row)| base.point.iter().all(|(key, value)| row.point.get(key) == Some(value));
        // The one with most keys in common.
        let own = of_scenario.clone().filter(of_world).max_by_key(|(_, base)| base.point.len());
        let only = || of_scenario.next().filter(|_| of_scenario.next().is_none());
        own.or_else(only).map(|(place, _)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(baseline: bool, point: &[(&str, &str)]) -> Row {
        let point = point.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Row { baseline, point, ..Row::default() }
    }

    #[test]
    fn a_row_is_measured_in_its_own_world() {
        let rows = [
            row(true, &[("hardware.cap", "600 W")]),
            row(true, &[("hardware.cap", "700 W")]),
            row(false, &[("hardware.cap", "700 W"), ("router.lambda", "1")]),
            row(false, &[("hardware.cap", "800 W")]),
        ];
        let places: Vec<Option<usize>> = rows.iter().map(|row| References::of(&rows).place(row)).collect();
        assert_eq!(places, [Some(0), Some(1), Some(1), None]);
    }

    #[test]
    fn the_first_point_may_stand_for_all() {
        let rows = [row(true, &[("placement", "eplb")]), row(false, &[("placement", "contiguous")])];
        assert_eq!(References::of(&rows).place(&rows[1]), Some(0));
    }
}
