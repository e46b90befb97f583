//! Normal counts: the tier `mean-field`.
//!
//! ```text
//! n = T q + sqrt(T) (y - d sum(y) / sum(d))        y_e = sqrt(d_e) g_e,  g ~ N(0, 1)
//! d - d^2 / sum(d) = q (1 - q)
//! ```
//!
//! Counts sum to k T, have the mean T q and the variance T q (1 - q); for k = 1 (where d = q) and for equal q their covariance is exactly that
//! of independent tokens, otherwise Hajek's approximation of it (Annals of Mathematical Statistics 35, 1964). They are rounded to whole
//! numbers that keep the sum.

use super::Stream;

/// The normal law of counts.
#[derive(Clone, Debug, Default)]
pub(super) struct MeanField {
    top_k: usize,
    inclusion: Vec<f64>,
    /// d.
    spread: Vec<f64>,
    /// sqrt(d).
    deviation: Vec<f64>,
    /// d / sum(d).
    share: Vec<f64>,
    normals: Vec<f32>,
    /// Scratch: counts before they are whole.
    exact: Vec<f64>,
    /// Scratch: what rounding down has left of counts, and whose.
    remainders: Vec<(f64, usize)>,
}

impl MeanField {
    /// Makes this the law with `inclusion`, which sums to `top_k`.
    pub(super) fn prepare(&mut self, inclusion: &[f64], top_k: usize) {
        self.top_k = top_k;
        self.inclusion.clear();
        self.inclusion.extend_from_slice(inclusion);
        self.spread.clear();
        self.spread.extend(inclusion.iter().map(|q| q * (1.0 - q)));
        let sum = spread_of(&mut self.spread);
        self.deviation.clear();
        self.deviation.extend(self.spread.iter().map(|d| d.sqrt()));
        self.share.clear();
        self.share.extend(self.spread.iter().map(|d| if sum > 0.0 { d / sum } else { 0.0 }));
        self.normals.resize(inclusion.len(), 0.0);
        self.exact.resize(inclusion.len(), 0.0);
    }

    /// Draws the counts of `tokens` tokens whose variances are `inflation` times those of independent ones.
    pub(super) fn draw(&mut self, tokens: u32, inflation: f64, stream: &mut Stream, out: &mut [u32]) {
        stream.fill_normal(&mut self.normals);
        let tokens_f = f64::from(tokens);
        let scale = (tokens_f * inflation).sqrt();
        let mut sum = 0.0;
        for ((y, deviation), g) in self.exact.iter_mut().zip(&self.deviation).zip(&self.normals) {
            *y = deviation * f64::from(*g);
            sum += *y;
        }
        let mut clipped = false;
        for ((n, q), share) in self.exact.iter_mut().zip(&self.inclusion).zip(&self.share) {
            let value = tokens_f * q + scale * (*n - share * sum);
            *n = if value > 0.0 { value.min(tokens_f) } else { 0.0 };
            clipped |= *n != value;
        }
        let whole = u64::from(tokens) * self.top_k as u64;
        if clipped {
            self.restore_sum(tokens_f, whole as f64);
        }
        round(&self.exact, tokens, whole, &mut self.remainders, out);
    }

    /// Takes what clipping has added (or gives back what it took) from those that are not at an end, by their variance.
    fn restore_sum(&mut self, tokens: f64, whole: f64) {
        for _ in 0..self.exact.len() {
            let excess = self.exact.iter().sum::<f64>() - whole;
            if excess.abs() < 0.5 {
                return;
            }
            let is_open = |n: f64| if excess > 0.0 { n > 0.0 } else { n < tokens };
            let open: f64 =
                self.exact.iter().zip(&self.spread).filter(|(n, _)| is_open(**n)).map(|(_, spread)| spread).sum();
            if open <= 0.0 {
                return;
            }
            for (n, spread) in self.exact.iter_mut().zip(&self.spread) {
                if is_open(*n) {
                    *n = (*n - excess * spread / open).clamp(0.0, tokens);
                }
            }
        }
    }
}

/// Replaces the variances q (1 - q) by the d that give them; returns the sum of d.
///
/// For a given sum S every d is a root of a square, (S -+ sqrt(S^2 - 4 S v)) / 2. S is found by bisection. At most one d is more than half of S,
/// the one of the largest variance: it takes the larger root where no sum is consistent with the smaller one.
fn spread_of(variances: &mut [f64]) -> f64 {
    let all: f64 = variances.iter().sum();
    let Some(largest) = (0..variances.len()).max_by(|a, b| variances[*a].total_cmp(&variances[*b])) else { return 0.0 };
    if all <= 0.0 {
        return 0.0;
    }
    let root = |v: f64, sum: f64, sign: f64| {
        let rest = (1.0 - 4.0 * v / sum).max(0.0).sqrt();
        // The smaller root without the cancellation of nearly equal numbers.
        if sign > 0.0 { 0.5 * sum * (1.0 + rest) } else { 2.0 * v / (1.0 + rest) }
    };
    let excess = |sum: f64, sign: f64| {
        let small: f64 =
            variances.iter().enumerate().filter(|(e, _)| *e != largest).map(|(_, v)| root(*v, sum, -1.0)).sum();
        small + root(variances[largest], sum, sign) - sum
    };
    let least = 4.0 * variances[largest];
    let sign = if excess(least, -1.0) >= 0.0 { -1.0 } else { 1.0 };
    // Beyond twice the sum of variances every d is less than twice its variance.
    let (mut low, mut high) = (least, least.max(2.0 * all));
    while sign > 0.0 && excess(high, sign) < 0.0 && high < 1e6 * all {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if (excess(middle, sign) > 0.0) == (sign < 0.0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    let sum = 0.5 * (low + high);
    for (e, v) in variances.iter_mut().enumerate() {
        *v = root(*v, sum, if e == largest { sign } else { -1.0 });
    }
    variances.iter().sum()
}

/// Whole numbers from 0 to `most` that sum to `whole` and are nearest to `exact`: rounded down, what is left over one each to the largest
/// remainders, equal ones by rising index.
fn round(exact: &[f64], most: u32, whole: u64, boundary: &mut Vec<(f64, usize)>, out: &mut [u32]) {
    /// Remainders are sorted into so many cells; only the cell in which the last one goes is looked at closely.
    const CELLS: usize = 256;
    let mut cells = [0_u32; CELLS];
    let mut sum = 0_u64;
    let cell_of = |n: f64, floor: u32| ((n - f64::from(floor)) * CELLS as f64) as usize & (CELLS - 1);
    for (out, n) in out.iter_mut().zip(exact) {
        *out = (*n as u32).min(most);
        sum += u64::from(*out);
        cells[cell_of(*n, *out)] += 1;
    }
    let mut over = whole.saturating_sub(sum).min(exact.len() as u64) as u32;
    let mut cell = CELLS;
    while over > 0 && cell > 0 {
        cell -= 1;
        if cells[cell] >= over {
            break;
        }
        over -= cells[cell];
    }
    boundary.clear();
    let from = if whole > sum { cell } else { CELLS };
    for (e, (out, n)) in out.iter_mut().zip(exact).enumerate() {
        match cell_of(*n, *out).cmp(&from) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => boundary.push((n - f64::from(*out), e)),
            std::cmp::Ordering::Greater => *out += 1,
        }
    }
    if boundary.len() > over as usize {
        boundary.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    boundary.iter().take(over as usize).for_each(|(_, e)| out[*e] += 1);
    settle(most, whole, out);
}

/// Moves by single steps what rounding could not place: counts at an end, and sums that clipping has left off by more than the remainders.
fn settle(most: u32, whole: u64, out: &mut [u32]) {
    let mut sum: u64 = 0;
    for n in out.iter_mut() {
        *n = (*n).min(most);
        sum += u64::from(*n);
    }
    while sum != whole {
        let before = sum;
        for n in out.iter_mut() {
            if sum < whole && *n < most {
                *n += 1;
                sum += 1;
            } else if sum > whole && *n > 0 {
                *n -= 1;
                sum -= 1;
            }
        }
        if sum == before {
            return;
        }
    }
}
