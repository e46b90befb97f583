//! The reader's error: serde's sorts kept apart, also after a journey through text.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// Marks an encoded error inside of a text. TOML allows this character only as an escape.
const MARK: char = '\u{1f}';

/// What went wrong while reading a value.
///
/// `typetag` and `erased-serde` pass a foreign error on as `custom(error.to_string())`. Our `Display`
/// therefore appends the encoded structure, and [`custom`](de::Error::custom) recognises it and restores it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ReadError {
    UnknownField {
        field: String,
        expected: Vec<String>,
    },
    UnknownVariant {
        variant: String,
        expected: Vec<String>,
    },
    MissingField {
        field: String,
    },
    DuplicateField {
        field: String,
    },
    InvalidType {
        found: String,
        expected: String,
    },
    InvalidValue {
        found: String,
        expected: String,
    },
    InvalidLength {
        len: String,
        expected: String,
    },
    /// A number with a point where a whole one belongs; apart from the other types because there is advice.
    NotWhole {
        value: String,
        expected: String,
    },
    /// `nan` or `inf`.
    NotFinite {
        value: String,
    },
    Custom {
        message: String,
    },
}

impl ReadError {
    pub(super) fn not_whole(value: f64, expected: &dyn Expected) -> Self {
        Self::NotWhole { value: value.to_string(), expected: expected.to_string() }
    }

    pub(super) fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        de::Error::invalid_type(found, expected)
    }

    /// The fields as text, the sort first; `None` for what is text anyway.
    fn encode(&self) -> Option<Vec<&str>> {
        Some(match self {
            Self::UnknownField { field, expected } => tagged("field", field, expected),
            Self::UnknownVariant { variant, expected } => tagged("variant", variant, expected),
            Self::MissingField { field } => vec!["missing", field],
            Self::DuplicateField { field } => vec!["duplicate", field],
            Self::InvalidType { found, expected } => vec!["type", found, expected],
            Self::InvalidValue { found, expected } => vec!["value", found, expected],
            Self::InvalidLength { len, expected } => vec!["length", len, expected],
            Self::NotWhole { value, expected } => vec!["whole", value, expected],
            Self::NotFinite { value } => vec!["finite", value],
            Self::Custom { .. } => return None,
        })
    }

    fn decode(parts: &[&str]) -> Option<Self> {
        let text = |part: &&str| (*part).to_owned();
        Some(match parts {
            ["field", field, expected @ ..] => {
                Self::UnknownField { field: text(field), expected: expected.iter().map(text).collect() }
            }
            ["variant", variant, expected @ ..] => {
                Self::UnknownVariant { variant: text(variant), expected: expected.iter().map(text).collect() }
            }
            ["missing", field] => Self::MissingField { field: text(field) },
            ["duplicate", field] => Self::DuplicateField { field: text(field) },
            ["type", found, expected] => Self::InvalidType { found: text(found), expected: text(expected) },
            ["value", found, expected] => Self::InvalidValue { found: text(found), expected: text(expected) },
            ["length", len, expected] => Self::InvalidLength { len: text(len), expected: text(expected) },
            ["whole", value, expected] => Self::NotWhole { value: text(value), expected: text(expected) },
            ["finite", value] => Self::NotFinite { value: text(value) },
            _ => return None,
        })
    }
}

fn tagged<'e>(sort: &'e str, name: &'e str, rest: &'e [String]) -> Vec<&'e str> {
    [sort, name].into_iter().chain(rest.iter().map(String::as_str)).collect()
}

impl ReadError {
    /// A sentence for code that embeds our error in its own; the user sees `phrase`'s.
    fn sentence(&self) -> String {
        match self {
            Self::UnknownField { field, .. } => format!("unknown key `{field}`"),
            Self::UnknownVariant { variant, .. } => format!("unknown value `{variant}`"),
            Self::MissingField { field } => format!("missing key `{field}`"),
            Self::DuplicateField { field } => format!("`{field}` is given twice"),
            Self::InvalidType { found, expected } | Self::InvalidValue { found, expected } => {
                format!("found {found}, expected {expected}")
            }
            Self::InvalidLength { len, expected } => {
                format!("found {len} elements, expected {expected}")
            }
            Self::NotWhole { value, expected } => {
                format!("found the number `{value}`, expected {expected}")
            }
            Self::NotFinite { value } => format!("`{value}` is not finite"),
            Self::Custom { message } => message.clone(),
        }
    }
}

impl Display for ReadError {
    /// The sentence, then the structure between marks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A mark inside of a name would be taken for one of ours.
        f.write_str(&self.sentence().replace(MARK, " "))?;
        for part in self.encode().iter().flatten() {
            write!(f, "{MARK}{}", part.replace(MARK, " "))?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        let text = message.to_string();
        let mut parts = text.split(MARK);
        let sentence = parts.next().unwrap_or("");
        let parts: Vec<&str> = parts.collect();
        match Self::decode(&parts) {
            // Only our own text as a whole is our error; inside a longer sentence it is part of that.
            Some(error) if error.to_string() == text => error,
            _ => Self::Custom { message: sentence.to_owned() },
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Float(value) if !value.is_finite() => Self::NotFinite { value: value.to_string() },
            _ => Self::InvalidType { found: describe(found), expected: expected.to_string() },
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::InvalidValue { found: describe(found), expected: expected.to_string() }
    }

    fn invalid_length(len: usize, expected: &dyn Expected) -> Self {
        Self::InvalidLength { len: len.to_string(), expected: expected.to_string() }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownVariant { variant: variant.to_owned(), expected: owned(expected) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownField { field: field.to_owned(), expected: owned(expected) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField { field: field.to_owned() }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::DuplicateField { field: field.to_owned() }
    }
}

pub(super) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What was found, as a person calls it.
fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("the whole number `{value}`"),
        Unexpected::Signed(value) => format!("the whole number `{value}`"),
        Unexpected::Float(value) => format!("the number `{value:?}`"),
        Unexpected::Str(text) => {
            let short: String = text.chars().take(40).collect();
            let cut = if short.len() < text.len() { "..." } else { "" };
            format!("the string \"{short}{cut}\"")
        }
        Unexpected::Char(c) => format!("the string \"{c}\""),
        Unexpected::Seq => "an array".into(),
        Unexpected::Map => "a table".into(),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::UnitVariant => "a plain name".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::Error as _;

    use super::*;

    #[test]
    fn structure_survives_a_journey_through_text() {
        let errors = [
            ReadError::unknown_field("lamda", &["lambda", "scale"]),
            ReadError::unknown_variant("x", &[]),
            ReadError::missing_field("a"),
            ReadError::duplicate_field("a"),
            ReadError::invalid_type(Unexpected::Str("abc"), &"a number"),
            ReadError::invalid_value(Unexpected::Signed(-1), &"u32"),
            ReadError::invalid_length(2, &"3"),
            ReadError::not_whole(8.0, &"u32"),
            ReadError::NotFinite { value: "inf".into() },
            ReadError::custom("plain"),
        ];
        for error in errors {
            assert_eq!(ReadError::custom(&error), error);
            assert_eq!(ReadError::custom(ReadError::custom(&error)), error);
        }
    }

    #[test]
    fn inside_of_a_longer_sentence_it_is_only_a_sentence() {
        let inner = ReadError::missing_field("a");
        let outer = ReadError::custom(format!("bad router: {inner}"));
        assert_eq!(outer, ReadError::Custom { message: "bad router: missing key `a`".into() });
    }

    #[test]
    fn marks_in_names_do_no_harm() {
        let error = ReadError::unknown_field("a\u{1f}b", &["c"]);
        assert!(matches!(ReadError::custom(&error), ReadError::UnknownField { field, .. } if field == "a b"));
    }
}
