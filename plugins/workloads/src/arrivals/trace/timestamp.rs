//! Timestamps of traces, to whole nanoseconds without passing through a floating-point number.

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// `2023-11-16 18:17:03.9799600` (UTC; `T`, `Z` and `+00:00` are understood) as nanoseconds since 1970, or plain seconds such as
/// `12.5` as nanoseconds. Digits past the ninth are dropped.
pub(super) fn parse(text: &str) -> Option<u64> {
    let Some((date, time)) = text.split_once([' ', 'T']) else {
        return parse_decimal(text, 9);
    };
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00")).unwrap_or(time);
    let [year, month, day] = fields(date, '-')?;
    let [hour, minute, second] = fields(time, ':')?;
    let whole = |text: &str| if digits(text) { text.parse::<u64>().ok() } else { None };
    let days = days_since_1970(whole(year)?, whole(month)?, whole(day)?)?;
    let (hour, minute, nanos) = (whole(hour)?, whole(minute)?, parse_decimal(second, 9)?);
    if hour > 23 || minute > 59 || nanos >= 61 * NANOS_PER_SECOND {
        return None;
    }
    ((days * 24 + hour) * 60 + minute).checked_mul(60 * NANOS_PER_SECOND)?.checked_add(nanos)
}

/// A decimal number times 10^`places`, cut to a whole number: `12.5` with 9 places is 12,500,000,000.
pub(super) fn parse_decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(10_u64.pow(places as u32))?;
    let fraction = format!("{:0<places$}", &fraction[..fraction.len().min(places)]);
    whole.checked_add(fraction.parse().ok()?)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn fields(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Days of the proleptic Gregorian calendar, for years 1970 to 2500.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = |year: u64| u64::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)));
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if !(1970..=2500).contains(&year) || !(1..=12).contains(&month) || !(1..=lengths[month as usize - 1]).contains(&day)
    {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + leap(year)).sum();
    Some(years + lengths[..month as usize - 1].iter().sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_nanoseconds_since_1970() {
        assert_eq!(parse("1970-01-01 00:00:00"), Some(0));
        // `date -u -d '2023-11-16 18:17:03' +%s`
        assert_eq!(parse("2023-11-16 18:17:03.9799600"), Some(1_700_158_623_979_960_000));
        assert_eq!(parse("2024-02-29T23:59:59.5Z"), Some(1_709_251_199_500_000_000));
        assert_eq!(parse("2024-02-29 23:59:59.500000+00:00"), parse("2024-02-29T23:59:59.5Z"));
    }

    #[test]
    fn seconds_and_milliseconds_are_exact() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("12.5"), Some(12_500_000_000));
        assert_eq!(parse("0.1234567899"), Some(123_456_789));
        assert_eq!(parse_decimal("27482.25", 6), Some(27_482_250_000));
    }

    #[test]
    fn what_is_not_a_timestamp_is_refused() {
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1e3",
            "1.",
            ".5",
            "NaN",
            "2023-11-16",
            "2023-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "2023-11-16 24:00:00",
            "2023-11-16 18:60:00",
            "2023-11-16 18:17:61",
            "2023-11-16 18:17",
            "2023-11-16 18:17:03+02:00",
            "1969-01-01 00:00:00",
            "99999999999999999999",
            "2023-11-16 18:17:-3",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
