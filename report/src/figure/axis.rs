//! Axes: what a number along them means.

/// An axis with its label; its range is that of the data unless `range` says more.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What it is, with the unit in brackets.
    pub label: String,
    /// How values lie along it.
    pub scale: Scale,
    /// Values that must be on it.
    pub include: Vec<f64>,
}

/// How values lie along an axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scale {
    /// Equal steps, equal differences.
    #[default]
    Linear,
    /// Equal steps, equal ratios; values are above 0.
    Log,
    /// One place a name, at whole numbers from 0.
    Names(Vec<String>),
}

impl Axis {
    /// A linear axis.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// The same axis, with `value` on it.
    #[must_use]
    pub fn with(mut self, value: f64) -> Self {
        self.include.push(value);
        self
    }

    /// An axis of names.
    #[must_use]
    pub fn names(label: impl Into<String>, names: Vec<String>) -> Self {
        Self { label: label.into(), scale: Scale::Names(names), include: Vec::new() }
    }

    /// Logarithmic where values of both ends are above 0 and a factor of 30 or more apart, else linear.
    #[must_use]
    pub fn fitting(label: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) =
            values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let scale = if low > 0.0 && high / low >= 30.0 { Scale::Log } else { Scale::Linear };
        Self { label: label.into(), scale, include: Vec::new() }
    }
}

/// A factor and the prefix that goes with it, so that `largest` times the factor has one to three digits before the point.
///
/// ```
/// use isotherm_report::figure::prefix;
/// assert_eq!(prefix(357_000.0), (1e-3, "k"));
/// assert_eq!(prefix(0.5), (1.0, ""));
/// ```
#[must_use]
pub fn prefix(largest: f64) -> (f64, &'static str) {
    match largest.abs() {
        v if v >= 2e9 => (1e-9, "G"),
        v if v >= 2e6 => (1e-6, "M"),
        v if v >= 2e3 => (1e-3, "k"),
        v if v >= 0.1 || v == 0.0 => (1.0, ""),
        v if v >= 1e-4 => (1e3, "m"),
        _ => (1e6, "µ"),
    }
}
