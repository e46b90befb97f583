//! Dates as text to an instant.

/// `2026/11/26 17:05:01.123`, with `-` or `/`, blank or `T`, to nanoseconds since 1970. A zone (`Z`, `+01:00`) is respected;
/// without one the text is taken as UTC, and only differences mean something.
pub(super) fn instant(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut parts = date.split(['-', '/']);
    let [year, month, day] = [parts.next()?, parts.next()?, parts.next()?].map(whole);
    let (year, month, day) = (year?, month?, day?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (clock, zone) = split_zone(clock.trim())?;
    let mut parts = clock.split(':');
    let [hours, minutes, seconds] = [parts.next()?, parts.next()?, parts.next()?];
    let (hours, minutes) = (whole(hours)?, whole(minutes)?);
    if parts.next().is_some() || hours > 23 || minutes > 59 {
        return None;
    }
    let below = super::nanos(seconds).filter(|nanos| (0..61_000_000_000).contains(nanos))?;
    let seconds = days(year, month, day) * 86_400 + hours * 3600 + minutes * 60 - zone;
    seconds.checked_mul(1_000_000_000)?.checked_add(below)
}

/// Digits and nothing else, few enough not to overflow.
fn whole(text: &str) -> Option<i64> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// The time of day, and how far its zone is ahead of UTC (s).
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(place) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let sign = if text[place..].starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text[place + 1..].split_once(':')?;
    Some((text[..place].trim_end(), sign * (whole(hours)? * 3600 + whole(minutes)? * 60)))
}

/// Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the odd day is the last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_instants() {
        let second = 1_000_000_000;
        assert_eq!(instant("1970/01/01 00:00:00.000"), Some(0));
        assert_eq!(instant("2026/11/26 17:05:01.123"), Some(1_795_712_701_123_000_000));
        assert_eq!(instant("2026-11-26T17:05:01.123Z"), Some(1_795_712_701_123_000_000));
        assert_eq!(instant("2026-11-26 18:05:01.123+01:00"), Some(1_795_712_701_123_000_000));
        assert_eq!(
            instant("2024-03-01 00:00:00").unwrap() - instant("2024-02-28 00:00:00").unwrap(),
            2 * 86_400 * second
        );
        assert_eq!(instant("2100-03-01 00:00:00").unwrap() - instant("2100-02-28 00:00:00").unwrap(), 86_400 * second);
        for text in
            ["", "2026/11/26", "2026/13/01 00:00:00", "26.11.2026 17:05:01", "2026-11-26 17:05", "2026-11-26 24:00:00"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
