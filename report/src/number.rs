//! Numbers for people: four significant digits and a prefix, with the interval in the same unit.

/// `1234.5 J` as `1.234 kJ`; the interval, if any, with the same prefix. Only `J`, `s` and `W` take one.
///
/// ```
/// use isotherm_report::number::with_unit;
/// assert_eq!(with_unit(0.0123, Some(0.0004), "s"), "12.30 ± 0.40 ms");
/// assert_eq!(with_unit(61.25, None, "degC"), "61.25 degC");
/// ```
#[must_use]
pub fn with_unit(mean: f64, interval: Option<f64>, unit: &str) -> String {
    let (factor, prefix) = prefix(mean.abs().max(interval.unwrap_or(0.0)), unit);
    let digits = digits(mean * factor);
    let mean = format!("{:.digits$}", mean * factor);
    match interval {
        Some(half) => format!("{mean} ± {:.digits$} {prefix}{unit}", half * factor),
        None => format!("{mean} {prefix}{unit}"),
    }
}

/// Like [`with_unit`], with digits as the number itself needs them: two of the interval, or four of a number without one. For
/// shares and differences, which may be small.
///
/// ```
/// use isotherm_report::number::precise;
/// assert_eq!(precise(-0.000_123_4, Some(0.000_004_56), ""), "-0.0001234 ± 0.0000046");
/// ```
#[must_use]
pub fn precise(mean: f64, interval: Option<f64>, unit: &str) -> String {
    if matches!(unit, "J" | "s" | "W") {
        return with_unit(mean, interval, unit);
    }
    let (size, significant) = match interval {
        Some(half) if half > 0.0 => (half, 2),
        _ => (mean.abs(), 4),
    };
    let decimals = if size > 0.0 { (significant - 1 - size.log10().floor() as i32).clamp(0, 9) as usize } else { 0 };
    let half = interval.map_or(String::new(), |half| format!(" ± {half:.decimals$}"));
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    format!("{mean:.decimals$}{half}{unit}")
}

/// A number times `factor` in percent, with two digits; a plus where it is `signed` and positive. Nothing has no sign.
///
/// ```
/// use isotherm_report::number::percent;
/// assert_eq!(percent(0.3285, Some(0.0015), 100.0, true), "+32.85 ± 0.15 %");
/// assert_eq!(percent(-0.001, None, 1.0, true), "0.00 %");
/// ```
#[must_use]
pub fn percent(mean: f64, interval: Option<f64>, factor: f64, signed: bool) -> String {
    let (mean, half) = percent_parts(mean, interval, factor, signed);
    half.map_or_else(|| format!("{mean} %"), |half| format!("{mean} ± {half} %"))
}

/// The same before it is put together: the number and half its interval.
pub(crate) fn percent_parts(mean: f64, interval: Option<f64>, factor: f64, signed: bool) -> (String, Option<String>) {
    let mean = mean * factor;
    let mean = if mean.abs() < 0.005 { 0.0 } else { mean };
    let text = if signed && mean != 0.0 { format!("{mean:+.2}") } else { format!("{mean:.2}") };
    (text, interval.map(|half| format!("{:.2}", half * factor)))
}

/// A written number with a plus where it is positive.
///
/// ```
/// use isotherm_report::number::signed;
/// assert_eq!(signed(0.5, "0.5".to_owned()), "+0.5");
/// ```
#[must_use]
pub fn signed(value: f64, written: String) -> String {
    if value > 0.0 { format!("+{written}") } else { written }
}

/// The prefix that leaves one to three digits before the point; only for units that take one.
fn prefix(size: f64, unit: &str) -> (f64, &'static str) {
    if !matches!(unit, "J" | "s" | "W") || size == 0.0 {
        return (1.0, "");
    }
    match size {
        s if s >= 1e9 => (1e-9, "G"),
        s if s >= 1e6 && unit != "s" => (1e-6, "M"),
        s if s >= 1e3 && unit != "s" => (1e-3, "k"),
        s if s >= 1.0 => (1.0, ""),
        s if s >= 1e-3 => (1e3, "m"),
        s if s >= 1e-6 => (1e6, "u"),
        _ => (1e9, "n"),
    }
}

fn digits(value: f64) -> usize {
    match value.abs() {
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::{precise, signed, with_unit};

    #[test]
    fn numbers_read_well() {
        assert_eq!(with_unit(358_412.0, None, "J"), "358.4 kJ");
        assert_eq!(with_unit(0.0123, Some(0.0004), "s"), "12.30 ± 0.40 ms");
        assert_eq!(with_unit(4321.0, None, "s"), "4321.0 s");
        assert_eq!(with_unit(0.0, None, "J"), "0.000 J");
    }

    #[test]
    fn small_differences_keep_their_digits() {
        assert_eq!(precise(0.003_651_7, None, ""), "0.003652");
        assert_eq!(precise(-0.000_123_4, Some(0.000_004_56), ""), "-0.0001234 ± 0.0000046");
        assert_eq!(precise(1234.5, Some(56.0), "degC"), "1234 ± 56 degC");
        assert_eq!(precise(10.26, None, "%"), "10.26 %");
        assert_eq!(precise(0.0, Some(0.0), ""), "0 ± 0");
        assert_eq!(precise(1234.5, Some(2.0), "J"), "1.234 ± 0.002 kJ");
        assert_eq!(signed(0.5, precise(0.5, None, "")), "+0.5000");
        assert_eq!(signed(0.0, precise(0.0, None, "")), "0");
    }
}
