//! Decimals as they are written, without a rounding that is not needed.

/// Seconds as text to nanoseconds, exactly where the text is a plain decimal: Unix time in an `f64` is only good to
/// 240 ns. Digits past the ninth are cut off. `None` for what is no finite number or does not fit.
pub(crate) fn nanos(cell: &str) -> Option<i64> {
    let (sign, digits) = cell.strip_prefix('-').map_or((1, cell), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        let value = cell.parse::<f64>().ok()? * 1e9;
        // 2^63 is exactly representable; anything below it in magnitude converts without saturating.
        return (value.abs() < 9_223_372_036_854_775_808.0).then_some(value.round() as i64);
    }
    let below = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let below = below.fold(0, |sum, digit| 10 * sum + i64::from(digit - b'0'));
    whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(below).map(|nanos| sign * nanos)
}

/// A decimal times ten to the power of `places`, rounded once: `0.1` W is 100 mW and not 100.00000000000001. `None` for what is
/// no finite number.
pub(super) fn shifted(cell: &str, places: i32) -> Option<f64> {
    if places == 0 {
        return cell.parse().ok().filter(|value: &f64| value.is_finite());
    }
    let (digits, exponent) = cell.split_once(['e', 'E']).unwrap_or((cell, "0"));
    let exponent = exponent.parse::<i32>().ok()?.checked_add(places)?;
    format!("{digits}e{exponent}").parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        assert_eq!(nanos("1795378419.453400001"), Some(1_795_378_419_453_400_001));
        assert_eq!(nanos("-0.5"), Some(-500_000_000));
        assert_eq!(nanos("7."), Some(7_000_000_000));
        assert_eq!(nanos(".5"), Some(500_000_000));
        assert_eq!(nanos("1.5e-3"), Some(1_500_000));
        for text in ["", "-", ".", "NaN", "inf", "1e300", "1,5", "99999999999", "12:30", "+-1", "--1", "٣"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn units_are_converted_without_an_error_of_their_own() {
        for milli in 0..2_000_000_u32 {
            let text = format!("{}.{:03}", milli / 1000, milli % 1000);
            assert_eq!(shifted(&text, 3), Some(f64::from(milli)), "{text}");
        }
        assert_eq!(shifted("1.5e2", 3), Some(150_000.0));
        for text in ["", "NaN", "inf", "1e400", "4x", "e3"] {
            assert_eq!((shifted(text, 3), shifted(text, 0)), (None, None), "{text}");
        }
    }
}
