//! Numbers for people: four significant digits and a prefix, with the interval in the same unit.

/// `1234.5 J` as `1.234 kJ`; the interval, if any, with the same prefix.
pub(crate) fn with_unit(mean: f64, interval: Option<f64>, unit: &str) -> String {
    let (factor, prefix) = prefix(mean.abs().max(interval.unwrap_or(0.0)), unit);
    let digits = digits(mean * factor);
    let mean = format!("{:.digits$}", mean * factor);
    match interval {
        Some(half) => format!("{mean} ± {:.digits$} {prefix}{unit}", half * factor),
        None => format!("{mean} {prefix}{unit}"),
    }
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
    use super::with_unit;

    #[test]
    fn numbers_read_well() {
        assert_eq!(with_unit(358_412.0, None, "J"), "358.4 kJ");
        assert_eq!(with_unit(0.0123, Some(0.0004), "s"), "12.30 ± 0.40 ms");
        assert_eq!(with_unit(4321.0, None, "s"), "4321.0 s");
        assert_eq!(with_unit(0.0, None, "J"), "0.000 J");
    }
}
