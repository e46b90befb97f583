//! A row of numbers as a line of little bars.

/// Heights, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The same where a locale has no such characters: the darker, the higher.
const ASCII: [char; 8] = ['.', ':', '-', '=', '+', '*', '%', '@'];

/// The characters of the lowest and the highest value.
pub(super) fn ends(ascii: bool) -> (char, char) {
    let bars = if ascii { ASCII } else { BARS };
    (bars[0], bars[7])
}

/// A character a value, its height between `low` and `high`; a space where there is no value. Where all are equal, all are lowest.
pub(super) fn line(values: &[Option<f64>], [low, high]: [f64; 2], ascii: bool) -> String {
    let bars = if ascii { ASCII } else { BARS };
    let height = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        bars[((share * 8.0) as usize).min(7)]
    };
    values.iter().map(|value| value.map_or(' ', height)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_values() {
        let eight: Vec<Option<f64>> = (0..8).map(|n| Some(f64::from(n))).collect();
        assert_eq!(line(&eight, [0.0, 7.0], false), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&eight, [0.0, 7.0], true), ".:-=+*%@");
        assert_eq!(line(&[Some(3.0), None, Some(3.0)], [3.0, 3.0], false), "▁ ▁");
        assert_eq!(line(&eight, [0.0, 700.0], false), "▁▁▁▁▁▁▁▁", "on a common scale, small differences are small");
        assert_eq!(ends(true), ('.', '@'));
    }
}
