//! The memory's side of a recording: its use, and its power with the sensor's 1 s mean undone.

use crate::banded::Banded;
use crate::recording::Track;

/// The reading is the mean over this time before it (s).
const WINDOW: f64 = 1.0;
/// Weight of the smoothness of the memory's power against its readings, where the total power is smooth.
const SMOOTHNESS: f64 = 0.3;
/// A step of the total power (W) at which the memory's power may step too.
const STEP: f64 = 15.0;

/// Mean use of the memory in each interval, where it was recorded.
pub(super) fn mean_use(track: &Track, rows: &[usize]) -> Option<Vec<f64>> {
    if !track.memory_use.iter().any(|value| value.is_finite()) {
        return None;
    }
    let mut last = 0.0;
    Some(
        rows.windows(2)
            .map(|pair| {
                let known = track.memory_use[pair[0]..pair[1]].iter().copied().filter(|value| value.is_finite());
                let (sum, count) = known.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
                last = if count > 0.0 { f64::clamp(sum / count, 0.0, 1.0) } else { last };
                last
            })
            .collect(),
    )
}

/// Use of the memory where nobody recorded it: a guess, 0.45 of the load by power.
pub(super) fn guessed_use(power: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = power.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted[sorted.len() / 50];
    let high = sorted[sorted.len() - 1 - sorted.len() / 50].max(low + 100.0);
    power.iter().map(|p| 0.45 * ((p - low) / (high - low)).clamp(0.0, 1.0)).collect()
}

/// Power of the memory in each interval (W): the smoothest one whose means over the last second are the readings, with steps
/// allowed where the total power steps. Undoing a mean exactly would amplify every watt of noise without limit.
pub(super) fn deconvolved(track: &Track, rows: &[usize], time: &[f64], power: &[f64]) -> Option<Vec<f64>> {
    if !track.memory_power.iter().any(|value| value.is_finite()) {
        return None;
    }
    let n = power.len();
    // For each instant the first interval its second reaches into.
    let reach: Vec<usize> =
        (0..=n).map(|k| time.partition_point(|t| *t <= time[k] - WINDOW).saturating_sub(1)).collect();
    let width = (0..=n).map(|k| k - reach[k].min(k)).max().unwrap_or(1).max(1);
    let mut system = Banded::new(n, width);
    let mut terms = Vec::new();
    for k in 1..=n {
        let reading = track.memory_power[rows[k]];
        if !reading.is_finite() {
            continue;
        }
        let from = time[k] - WINDOW;
        terms.clear();
        terms.extend((reach[k]..k).map(|j| (j, time[j + 1] - time[j].max(from))));
        let seconds: f64 = terms.iter().map(|(_, s)| s).sum();
        terms.iter_mut().for_each(|(_, s)| *s /= seconds);
        system.add(&terms, reading, 1.0);
    }
    for k in 1..n {
        let step = (power[k] - power[k - 1]) / STEP;
        system.add(&[(k - 1, -1.0), (k, 1.0)], 0.0, SMOOTHNESS / (1.0 + step * step));
    }
    Some(system.solve().into_iter().zip(power).map(|(memory, total)| memory.clamp(0.0, total.max(0.0))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_comes_back_from_its_one_second_mean() {
        let time: Vec<f64> = (0..=200).map(|k| f64::from(k) * 0.1).collect();
        let truth: Vec<f64> = (0..200).map(|k| if (60..140).contains(&k) { 132.0 } else { 36.0 }).collect();
        let power: Vec<f64> = truth.iter().map(|p| 125.0 + 4.4 * (p - 36.0)).collect();
        let mean = |k: usize| match k {
            0 => 36.0,
            k => truth[k.saturating_sub(10)..k].iter().sum::<f64>() / k.min(10) as f64,
        };
        let track = Track { time: time.clone(), memory_power: (0..=200).map(mean).collect(), ..Track::default() };
        let rows: Vec<usize> = (0..=200).collect();
        let found = deconvolved(&track, &rows, &time, &power).unwrap();
        for (k, (a, b)) in found.iter().zip(&truth).enumerate() {
            assert!((a - b).abs() < 3.0, "{k}: {a} {b}");
        }
    }
}
