//! What is left of a series covers the same picture: no peak is lost, nothing is made up, nothing changes places.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use isotherm_report::results::downsample::{POINTS_PER_COLUMN, Point, Thinned};
use proptest::prelude::*;

/// A series with jumps, plateaus, values that are no number, and times that stand still.
fn series(most: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let value = prop_oneof![
        8 => -100.0..100.0_f64,
        1 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ];
    prop::collection::vec((prop_oneof![4 => 0.0..2.0_f64, 1 => Just(0.0), 1 => Just(50.0)], value), 0..most).prop_map(
        |steps| {
            let mut now = 3.0;
            let times = steps.iter().map(|(step, _)| {
                now += step;
                now
            });
            (times.collect(), steps.iter().map(|(_, value)| *value).collect())
        },
    )
}

proptest! {
    /// Columns are at most two widths of what was asked for: that near, something as far out as every point has stayed.
    #[test]
    fn no_peak_is_further_than_a_column_away((times, values) in series(600), columns in 1_usize..20) {
        let mut thinned = Thinned::new(columns);
        times.iter().zip(&values).for_each(|(time, value)| thinned.push(*time, *value));
        let left = thinned.points();
        let (Some(start), Some(end)) = (times.first(), times.last()) else { return Ok(()) };
        let near = 2.0 * (end - start) / columns as f64 * (1.0 + 1e-9);
        for (time, value) in times.iter().zip(&values).filter(|(_, value)| value.is_finite()) {
            let around = || left.iter().filter(|point| (point.time - time).abs() <= near).map(|point| point.value);
            prop_assert!(around().any(|kept| kept >= *value) && around().any(|kept| kept <= *value), "{value} at {time}");
        }
    }

    #[test]
    fn a_stream_keeps_what_a_picture_needs((times, values) in series(600), columns in 1_usize..20) {
        let mut thinned = Thinned::new(columns);
        times.iter().zip(&values).for_each(|(time, value)| thinned.push(*time, *value));
        let left = thinned.points();
        prop_assert!(left.len() <= POINTS_PER_COLUMN * columns && thinned.seen() == times.len() as u64);
        // Every point is one of the series, and they are in its order.
        let mut from = 0;
        for point in &left {
            let is_it = |at: usize| times[at] == point.time && values[at].to_bits() == point.value.to_bits();
            let at = (from..times.len()).find(|at| is_it(*at));
            prop_assert!(at.is_some(), "{point:?} is none of the series, or comes too early");
            from = at.unwrap() + 1;
        }
        let all = |pick: fn(f64, f64) -> f64| values.iter().copied().filter(|v| v.is_finite()).reduce(pick);
        let kept = |pick: fn(f64, f64) -> f64| left.iter().map(|point| point.value).filter(|v| v.is_finite()).reduce(pick);
        prop_assert_eq!((all(f64::min), all(f64::max)), (kept(f64::min), kept(f64::max)));
        if !times.is_empty() {
            prop_assert_eq!((left[0].time, left[left.len() - 1].time), (times[0], times[times.len() - 1]));
        }
    }

    /// Whatever the times are, nothing panics and the bound holds.
    #[test]
    fn odd_times_do_no_harm(times in prop::collection::vec(any::<f64>(), 0..200), columns in 0_usize..8) {
        let mut thinned = Thinned::new(columns);
        times.iter().for_each(|time| thinned.push(*time, *time));
        prop_assert!(thinned.points().len() <= POINTS_PER_COLUMN * columns.max(1));
    }
}

/// A peak of one sample in a million stays.
#[test]
fn a_single_peak_survives() {
    let times: Vec<f64> = (0..1_000_000).map(|at| f64::from(at) * 0.01).collect();
    let values: Vec<f64> = (0..1_000_000).map(|at| if at == 765_432 { 99.5 } else { 60.0 }).collect();
    let mut thinned = Thinned::new(1000);
    times.iter().zip(&values).for_each(|(time, value)| thinned.push(*time, *value));
    assert!(thinned.points().contains(&Point { time: times[765_432], value: 99.5 }));
    assert!(thinned.points().len() >= 1000, "of a long series at least half the columns are there");
}
