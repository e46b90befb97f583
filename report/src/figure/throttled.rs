//! What held GPUs back, as shaded stretches of time.

use std::collections::BTreeMap;

use super::{Band, NoFigure};
use crate::palette::Ink;
use crate::results::{Results, ThrottleRow};

/// The stretches of some runs.
pub(super) struct Stretches {
    of_runs: BTreeMap<usize, Vec<ThrottleRow>>,
}

impl Stretches {
    /// Those of `runs`; none where the folder does not say.
    pub(super) fn of(results: &Results, runs: &[usize]) -> Result<Self, NoFigure> {
        let mut of_runs: BTreeMap<usize, Vec<ThrottleRow>> = BTreeMap::new();
        for row in results.throttling(Some(runs))? {
            of_runs.entry(row.run).or_default().push(row);
        }
        Ok(Self { of_runs })
    }

    pub(super) fn of_run(&self, run: usize) -> &[ThrottleRow] {
        self.of_runs.get(&run).map_or(&[], Vec::as_slice)
    }
}

/// Reasons that are told apart: what the power cap does, and what heat does.
const CAP: &str = "held back by the power cap";
const HEAT: &str = "held back by heat";
const LOST: &str = "lost: shutdown temperature";

fn of_cause(row: &ThrottleRow) -> (&'static str, Ink) {
    match row.reason.as_str() {
        "SwPowerCap" => (CAP, Ink::Cold),
        "GpuIsLost" => (LOST, Ink::Muted),
        _ => (HEAT, Ink::Hot),
    }
}

/// Bands over `end_s` seconds in `columns` columns: how much of the GPUs' time in each something held them back, reason by reason. Stretches
/// shorter than a column are in it with their share, so that none is lost and none looks longer than it was.
pub(super) fn bands(rows: &[ThrottleRow], gpus: usize, end_s: f64, columns: usize) -> Vec<Band> {
    if gpus == 0 || end_s <= 0.0 || columns == 0 {
        return Vec::new();
    }
    // Per reason and GPU: stretches of different causes may overlap.
    let mut of_reason: BTreeMap<(&str, Ink, u32), Vec<[f64; 2]>> = BTreeMap::new();
    for row in rows {
        let (name, ink) = of_cause(row);
        let stretch = [row.from_ns, row.until_ns].map(|ns| ns as f64 * 1e-9);
        of_reason.entry((name, ink, row.gpu)).or_default().push(stretch);
    }
    let width = end_s / columns as f64;
    let mut shares: BTreeMap<(&str, Ink), Vec<f64>> = BTreeMap::new();
    for ((name, ink, _), mut stretches) in of_reason {
        let shares = shares.entry((name, ink)).or_insert_with(|| vec![0.0; columns]);
        stretches.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let mut done = 0.0_f64;
        for [from, until] in stretches {
            add(shares, [from.max(done), until.min(end_s)], width, gpus);
            done = done.max(until);
        }
    }
    shares.into_iter().flat_map(|((name, ink), shares)| merged(name, ink, &shares, width)).collect()
}

/// Adds a stretch to the columns it touches.
fn add(shares: &mut [f64], [from, until]: [f64; 2], width: f64, gpus: usize) {
    if until <= from {
        return;
    }
    let last = shares.len() - 1;
    let (first, end) = ((from / width) as usize, ((until / width) as usize).min(last));
    for (place, share) in shares.iter_mut().enumerate().take(end + 1).skip(first.min(last)) {
        let (left, right) = (place as f64 * width, (place + 1) as f64 * width);
        *share += (until.min(right) - from.max(left)).max(0.0) / (width * gpus as f64);
    }
}

/// Neighbouring columns of about the same share as one band.
fn merged(name: &str, ink: Ink, shares: &[f64], width: f64) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (place, share) in shares.iter().enumerate().filter(|(_, share)| **share > 1e-6) {
        let range = [place as f64 * width, (place + 1) as f64 * width];
        let touches = |band: &&mut Band| (band.range[1] - range[0]).abs() < 1e-9 * width.max(range[0]);
        match bands.last_mut().filter(touches).filter(|band| (band.share - share).abs() < 0.02) {
            Some(band) => band.range[1] = range[1],
            None => bands.push(Band { name: name.to_owned(), ink, range, share: *share }),
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(gpu: u32, reason: &str, from_s: i64, until_s: i64) -> ThrottleRow {
        let (from_ns, until_ns) = (from_s * 1_000_000_000, until_s * 1_000_000_000);
        ThrottleRow { run: 0, gpu, reason: reason.into(), cause: reason.into(), from_ns, until_ns }
    }

    #[test]
    fn shares_add_up_to_the_time_held_back() {
        // Overlapping causes of heat at GPU 0 count once.
        let rows = [
            row(0, "SwThermalSlowdown", 2, 6),
            row(0, "HwThermalSlowdown", 4, 8),
            row(1, "SwThermalSlowdown", 5, 6),
            row(1, "SwPowerCap", 0, 10),
        ];
        let bands = bands(&rows, 2, 10.0, 20);
        let time = |ink: Ink| -> f64 {
            bands.iter().filter(|band| band.ink == ink).map(|b| 2.0 * b.share * (b.range[1] - b.range[0])).sum()
        };
        assert!((time(Ink::Hot) - 7.0).abs() < 1e-9, "{bands:?}");
        assert!((time(Ink::Cold) - 10.0).abs() < 1e-9, "{bands:?}");
    }
}
