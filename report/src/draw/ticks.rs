//! Where the numbers of an axis stand, and how they are written.

/// Round numbers between two ends, about `wanted` of them: multiples of 1, 2 or 5 times a power of ten.
pub(super) fn linear(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let step = step((high - low) / wanted.max(1.0));
    if !step.is_finite() || step <= 0.0 {
        return vec![low];
    }
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).take(100).map(|place| place as f64 * step).collect()
}

/// The same, with as many more as it takes to have two: one number is no scale.
pub(super) fn at_least_two(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let finer = [1.0, 1.6, 2.5, 4.0].into_iter().map(|factor| linear(low, high, factor * wanted));
    finer.into_iter().find(|ticks| ticks.len() > 1).unwrap_or_else(|| linear(low, high, wanted))
}

fn step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999).unwrap_or(10.0);
    step * power
}

/// Powers of ten between two ends; where these are fewer than three, also their doubles and fives.
pub(super) fn logarithmic(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let of = |factors: &[f64], every: i32| -> Vec<f64> {
        let powers = decades.clone().filter(|power| power.rem_euclid(every) == 0);
        let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
        all.filter(|value| (low * 0.999..=high * 1.001).contains(value)).collect()
    };
    let every = (f64::from(*decades.end() - *decades.start()) / wanted.max(1.0)).ceil().max(1.0) as i32;
    [of(&[1.0, 2.0, 5.0], 1), of(&[1.0, 3.0], 1), of(&[1.0], every)]
        .into_iter()
        .find(|ticks| ticks.len() as f64 <= wanted.max(2.0) + 1.0)
        .unwrap_or_else(|| of(&[1.0], every))
}

/// All of these numbers alike: with as many decimals as the finest of them needs, and a true minus sign.
pub(super) fn label(ticks: &[f64]) -> Vec<String> {
    let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
    if largest >= 1e6 || (largest > 0.0 && largest < 1e-4) {
        return ticks.iter().map(|tick| power_of_ten(*tick)).collect();
    }
    let exact = |decimals: usize| {
        let is_exact = |tick: &f64| (rounded(*tick, decimals) - tick).abs() <= 1e-6 * tick.abs().max(1e-9);
        ticks.iter().all(is_exact)
    };
    let decimals = (0..=7).find(|decimals| exact(*decimals)).unwrap_or(7);
    ticks.iter().map(|tick| with_minus(&format!("{tick:.decimals$}"))).collect()
}

/// The numbers of a logarithmic axis, each as short as it goes.
pub(super) fn label_each(ticks: &[f64]) -> Vec<String> {
    ticks.iter().flat_map(|tick| label(&[*tick])).collect()
}

fn rounded(value: f64, decimals: usize) -> f64 {
    format!("{value:.decimals$}").parse().unwrap_or(value)
}

fn power_of_ten(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    with_minus(&format!("{value:.3e}").replace(".000e", "e").replace("00e", "e").replace("0e", "e"))
}

fn with_minus(text: &str) -> String {
    let is_nothing = text.trim_matches(['-', '0', '.']).is_empty();
    if is_nothing { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") }
}

/// A number for a reader, to four significant digits.
///
/// In tooltips and notes; tables have all digits.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let digits = value.abs().log10().floor() as i32;
    if !(-4..7).contains(&digits) {
        return power_of_ten(value);
    }
    let decimals = usize::try_from(3 - digits).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    with_minus(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_ends() {
        assert_eq!(linear(0.0, 100.0, 5.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(label(&linear(-0.13, 0.31, 4.0)), ["0.0", "0.2"]);
        assert_eq!(label(&linear(-8.0, 33.0, 5.0)), ["0", "10", "20", "30"]);
        assert_eq!(label(&linear(1.9, 2.08, 4.0)), ["1.90", "1.95", "2.00", "2.05"]);
        assert_eq!(linear(3.0, 3.0, 4.0), [3.0], "no range, one number");
    }

    #[test]
    fn a_logarithmic_axis_has_decades() {
        assert_eq!(label_each(&logarithmic(0.01, 10.0, 5.0)), ["0.01", "0.1", "1", "10"]);
        assert_eq!(label_each(&logarithmic(1.0, 12.0, 5.0)), ["1", "2", "5", "10"]);
        assert_eq!(logarithmic(1e-9, 1e9, 4.0).len(), 4);
    }

    #[test]
    fn numbers_for_readers_have_four_digits() {
        let texts = [32.149_9, -0.001_234_5, 357_123.0, 0.0, 1e9, 20.0].map(number);
        assert_eq!(texts, ["32.15", "−0.001234", "357123", "0", "1e9", "20"].map(str::to_owned));
    }
}
