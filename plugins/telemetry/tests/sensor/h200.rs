//! The sensor fed with the energy counter of a recorded H200, against what NVML gave for its power at the same time.
//!
//! The counter is the nearest thing to the truth that was recorded. It is known every 100 ms, and only from polls every 20 ms, so that
//! its instants are known to 10 ms; its energy is taken to grow evenly in between. While the power steps this alone is worth some tens of watts.

use std::fs::File;

use csv::Reader;
use flate2::read::MultiGzDecoder;

use super::{run, spec, truth};

/// One row of a recording.
#[derive(Clone, Copy)]
struct Row {
    /// Time since the first row (s).
    t: f64,
    /// NVML's mean and instant power (W).
    mean: f64,
    instant: f64,
    /// The energy counter (J).
    joules: f64,
}

/// From a change until a poll sees it: on the mean half the time between two polls (s).
const SEEN_AFTER: f64 = 0.01;

struct Recording {
    rows: Vec<Row>,
    /// The rows at which the energy counter had advanced.
    advances: Vec<Row>,
    /// A refresh of the power, as a time since the first row (s).
    refresh: f64,
}

impl Recording {
    fn open(name: &str) -> Self {
        let path = format!("{}/../../scenarios/data/h200/{name}.csv.gz", env!("CARGO_MANIFEST_DIR"));
        let mut reader = Reader::from_reader(MultiGzDecoder::new(File::open(path).unwrap()));
        let header = reader.headers().unwrap().clone();
        let place = |column: &str| header.iter().position(|name| name == column).unwrap();
        let columns = ["t_s", "power_avg_mw", "power_inst_mw", "energy_mj"].map(place);
        let cells =
            reader.records().map(|record| columns.map(|at| record.as_ref().unwrap()[at].parse::<f64>().unwrap()));
        let cells: Vec<[f64; 4]> = cells.collect();
        let start = cells[0][0];
        let rows: Vec<Row> = (cells.iter())
            .map(|[t, mean, instant, joules]| Row {
                t: t - start,
                mean: mean / 1e3,
                instant: instant / 1e3,
                joules: joules / 1e3,
            })
            .collect();
        let changes = |has_changed: &dyn Fn(&Row, &Row) -> bool| -> Vec<Row> {
            rows.windows(2).filter(|pair| has_changed(&pair[0], &pair[1])).map(|pair| pair[1]).collect()
        };
        let advances = changes(&|a, b| a.joules != b.joules);
        let refreshes = changes(&|a, b| a.mean != b.mean);
        // The mean phase of a beat of 100 ms.
        let angles = refreshes.iter().map(|row| std::f64::consts::TAU * row.t / 0.1);
        let (sin, cos) = angles.fold((0.0, 0.0), |(sin, cos), angle| (sin + angle.sin(), cos + angle.cos()));
        let refresh = (sin.atan2(cos) / std::f64::consts::TAU * 0.1 - SEEN_AFTER).rem_euclid(0.1);
        Self { rows, advances, refresh }
    }

    /// Energy by a time (J), on a straight line between two advances.
    fn joules(&self, t: f64) -> f64 {
        let t = t + SEEN_AFTER;
        let next = self.advances.partition_point(|row| row.t <= t).clamp(1, self.advances.len() - 1);
        let (a, b) = (self.advances[next - 1], self.advances[next]);
        a.joules + (b.joules - a.joules) * (t - a.t) / (b.t - a.t)
    }

    /// What the sensor shows at the time of every row from 2 s on (W), beside the row.
    fn seen_through(&self, options: &str) -> Vec<(Row, f64)> {
        let (start, end) = (self.refresh + 0.5, self.advances.last().unwrap().t);
        let at = |s: f64| {
            let watts = (self.joules(start + 0.1) - self.joules(start)) / 0.1;
            truth(40.0, watts, self.joules(start + s) - self.joules(start))
        };
        let readings = run(&spec(options), 1, end - start - 0.1, at);
        let rows = self.rows.iter().filter(|row| (2.0..end - 0.2).contains(&row.t));
        rows.map(|row| {
            let next = readings.partition_point(|(now, _)| now.seconds() + start <= row.t);
            (*row, readings[next - 1].1.power.unwrap().get())
        })
        .collect()
    }
}

fn root_mean_square(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value * value, count + 1.0));
    (sum / count).sqrt()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Phases of `single-1` with one continuous load (s since the first row), from `single-1.json`, from 1.5 s into each on.
const STEADY: [(&str, f64, f64); 8] = [
    ("idle0", 2.0, 15.3),
    ("gemm", 16.8, 90.3),
    ("idle1", 91.8, 135.4),
    ("copy", 136.9, 165.4),
    ("idle2", 166.9, 180.4),
    ("moe-n1", 230.0, 233.5),
    ("moe-n64", 245.0, 248.5),
    ("soak-moe256", 315.1, 363.6),
];

#[test]
fn the_mean_follows_the_recorded_one() {
    // Over everything, duty cycles of 50 to 200 ms included: 6.9 and 4.6 W, about 1 % of a step of 567 W. Other windows miss by far more.
    for (name, most) in [("single-1", 7.5), ("holds-3", 5.0)] {
        let recording = Recording::open(name);
        let error = |options: &str| {
            let seen = recording.seen_through(options);
            let mut sizes: Vec<f64> = seen.iter().map(|(row, shown)| (shown - row.mean).abs()).collect();
            sizes.sort_by(f64::total_cmp);
            (root_mean_square(sizes.iter().copied()), sizes[sizes.len() / 2])
        };
        let (rmse, median) = error("");
        assert!(rmse < most && median < 0.7, "{name}: RMSE {rmse} W, median {median} W");
        for other in ["power_window = \"800 ms\"", "power_window = \"1200 ms\"", "power = \"energy\""] {
            let (off, _) = error(other);
            assert!(off > 1.5 * rmse, "{name}, {other}: RMSE {off} W against {rmse} W");
        }
    }
}

#[test]
fn steady_loads_read_alike_by_every_signal() {
    let recording = Recording::open("single-1");
    let (means, instants) = (recording.seen_through(""), recording.seen_through("power = \"instant\""));
    for (phase, from, until) in STEADY {
        let within = |row: &Row| (from..until).contains(&row.t);
        let off = means.iter().filter(|(row, _)| within(row)).map(|(row, shown)| shown - row.mean);
        let off = root_mean_square(off);
        assert!(off < 2.0, "{phase}: the mean is off by {off} W (RMS)");
        let shown = mean(instants.iter().filter(|(row, _)| within(row)).map(|(_, shown)| *shown));
        let recorded = mean(recording.rows.iter().filter(|row| within(row)).map(|row| row.instant));
        assert!((shown - recorded).abs() < 0.005 * recorded, "{phase}: {shown} W, recorded {recorded} W");
    }
}

#[test]
fn the_recorded_step_is_a_ramp_of_one_second() {
    // 0.3, 0.5, ... 1.1 s after the phase `gemm` began, at 15.33 s.
    let recording = Recording::open("single-1");
    let recorded = |t: f64| recording.rows.iter().rfind(|row| row.t <= 15.33 + t).unwrap().mean;
    let at = [0.3, 0.5, 0.7, 0.9, 1.1];
    let expected = [203.0, 337.0, 457.0, 577.0, 680.0];
    for (t, watts) in at.into_iter().zip(expected) {
        assert!((recorded(t) - watts).abs() < 1.0, "{t}: {}", recorded(t));
    }
    let seen = recording.seen_through("");
    let sensor = |t: f64| seen.iter().rfind(|(row, _)| row.t <= 15.33 + t).unwrap().1;
    // Made of the counter, the ramp is 3 to 13 W below the recorded one. The product drew 725 W in its first second and 690 W after that; where between two refreshes it began was not recorded.
    let line = |t: f64, began: f64| 122.5 + (725.0 - 122.5) * (t - began).clamp(0.0, 1.0);
    let off = |began: f64| root_mean_square(at.into_iter().zip(expected).map(|(t, watts)| line(t, began) - watts));
    let best = (0..300).map(|ms| f64::from(ms) / 1000.0).min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap();
    assert!(off(best) < 10.0, "a line from {best} s is off by {} W (RMS)", off(best));
    for (t, watts) in at.into_iter().zip(expected) {
        assert!((sensor(t) - watts).abs() < 15.0, "{t}: {} W, recorded {watts} W", sensor(t));
    }
}
