//! HotSpot's transient loop in our words, and chips for it.
//!
//! HotSpot itself is in no package registry. This does what HotSpot 7 does in block mode, as far as cost goes:
//! classical Runge-Kutta with a dense matrix product per slope, a full step against two half steps, tolerance 0.01 K, every call
//! starting at 0.1 us, steps growing five times at most. Its 11 slopes a try at 28 to 524 nodes take what HotSpot's own took
//! in our notes (0.75 ns a multiply-add), within a factor of two.

use isotherm_core::thermal::RcNetwork;
use isotherm_floorplan::{Floorplan, Package};

pub(crate) const AMBIENT_DEGC: f64 = 30.0;

/// A chip of 16 x 12 mm in `columns x rows` blocks under HotSpot's default package.
pub(crate) fn generated(blocks: usize) -> RcNetwork {
    let mut columns = 1;
    while columns * columns < blocks {
        columns *= 2;
    }
    let rows = blocks / columns;
    let (width, height) = (0.016 / columns as f64, 0.012 / rows as f64);
    let lines = (0..blocks)
        .map(|k| format!("B{k} {width} {height} {} {}\n", width * (k % columns) as f64, height * (k / columns) as f64));
    let floorplan = Floorplan::parse(&lines.collect::<String>()).expect("a floorplan");
    Package::default().network(&floorplan).expect("a package").dense().expect("physical")
}

/// HotSpot's transient solver in block mode, in our words.
pub(crate) struct RungeKutta {
    /// `C^-1 G`, row after row.
    matrix: Vec<f64>,
    capacity: Vec<f64>,
    ambient: Vec<f64>,
    n: usize,
}

impl RungeKutta {
    pub(crate) fn new(network: &RcNetwork) -> Self {
        let n = network.nodes();
        let matrix = (0..n * n).map(|k| network.conductance()[k] / network.capacity()[k / n]).collect();
        Self { matrix, capacity: network.capacity().to_vec(), ambient: network.ambient().to_vec(), n }
    }

    fn slope(&self, t: &[f64], input: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            // Four sums, so that the peer's product is not slowed down by the order of its additions.
            let row = &self.matrix[i * self.n..][..self.n];
            let mut sums = [0.0; 4];
            for (a, b) in row.chunks_exact(4).zip(t.chunks_exact(4)) {
                for lane in 0..4 {
                    sums[lane] += a[lane] * b[lane];
                }
            }
            *out = input[i] - sums.iter().sum::<f64>();
        }
    }

    /// One classical step from `t` with its slope `k1` known.
    fn step(&self, t: &[f64], k1: &[f64], input: &[f64], h: f64, work: &mut [Vec<f64>; 4], out: &mut [f64]) {
        let [k2, k3, k4, at] = work;
        let ahead = |k: &[f64], h: f64, at: &mut [f64]| {
            at.iter_mut().zip(t).zip(k).for_each(|((at, t), k)| *at = t + h * k);
        };
        ahead(k1, 0.5 * h, at);
        self.slope(at, input, k2);
        ahead(k2, 0.5 * h, at);
        self.slope(at, input, k3);
        ahead(k3, h, at);
        self.slope(at, input, k4);
        for i in 0..self.n {
            out[i] = t[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
    }

    /// Advances by `seconds`; returns the number of steps tried.
    pub(crate) fn interval(&self, t: &mut Vec<f64>, power: &[f64], seconds: f64) -> usize {
        let n = self.n;
        let watts = |i: usize| power.get(i).copied().unwrap_or(0.0) + self.ambient[i] * AMBIENT_DEGC;
        let input: Vec<f64> = (0..n).map(|i| watts(i) / self.capacity[i]).collect();
        let mut work: [Vec<f64>; 4] = std::array::from_fn(|_| vec![0.0; n]);
        let (mut k1, mut half_k) = (vec![0.0; n], vec![0.0; n]);
        let (mut full, mut half, mut twice) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (mut done, mut h, mut tries) = (0.0, 1e-7_f64, 0);
        while done < seconds {
            self.slope(t, &input, &mut k1);
            loop {
                h = h.min(seconds - done);
                tries += 1;
                self.step(t, &k1, &input, h, &mut work, &mut full);
                self.step(t, &k1, &input, 0.5 * h, &mut work, &mut half);
                self.slope(&half, &input, &mut half_k);
                self.step(&half, &half_k, &input, 0.5 * h, &mut work, &mut twice);
                let error = full.iter().zip(&twice).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                let stretch = if error > 0.0 { 0.95 * (0.01 / error).powf(0.2) } else { 5.0 };
                if error <= 0.01 {
                    std::mem::swap(t, &mut full);
                    done += h;
                    h *= stretch.clamp(1.0, 5.0);
                    break;
                }
                h *= stretch.clamp(0.1, 0.9);
            }
        }
        tries
    }
}
