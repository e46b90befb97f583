//! Failures in words: what is wrong, what was expected, what to write instead.

use super::super::fault::{Fault, FaultKind};
use super::super::nearest::nearest;
use super::super::parse::not_finite;
use super::super::path::{Path, Segment};
use super::TAG;
use super::error::ReadError;
use super::recover::{Examples, example, is_tag};

/// More names than this are not read by anybody.
const MAX_LISTED: usize = 16;

/// The fault without its origin, and the name that was most likely meant by a misspelt one.
pub(super) fn phrase(path: &Path, error: &ReadError, examples: Examples<'_>) -> (Fault, Option<String>) {
    let name = short(path);
    let fault = |kind, message: String| Fault::new(kind, path.to_string(), message);
    let refused = |kind, message: String, expected: &str| fault(kind, message).expected(in_words(expected));
    let mut meant = None;
    let mut fault = match error {
        ReadError::UnknownField { field, expected } => {
            let unknown = fault(FaultKind::UnknownKey, format!("unknown key `{field}`"));
            meant = nearest_of(field, expected);
            unknown.expected(listed(expected, "key"))
        }
        ReadError::UnknownVariant { variant, expected } => {
            meant = nearest_of(variant, expected);
            unknown_variant(path, variant).expected(listed(expected, "value"))
        }
        ReadError::MissingField { field } => missing(path, field),
        ReadError::DuplicateField { field } => {
            fault(FaultKind::DuplicateKey, format!("`{field}` is given twice, under two names"))
        }
        ReadError::InvalidType { found, expected } => {
            refused(FaultKind::WrongType, format!("wrong type for {name}: found {found}"), expected)
        }
        ReadError::NotWhole { value, expected } => not_whole(path, value).expected(in_words(expected)),
        ReadError::NotFinite { value } => not_finite(value.parse().unwrap_or(f64::NAN), path),
        ReadError::InvalidValue { found, expected } => {
            refused(FaultKind::OutOfRange, format!("value out of range for {name}: found {found}"), expected)
        }
        ReadError::InvalidLength { len, expected } => {
            refused(FaultKind::WrongLength, format!("wrong length of {name}: found {len} element(s)"), expected)
        }
        ReadError::Custom { message } => custom(path, message),
    };
    if let Some(meant) = &meant {
        fault.hint = Some(format!("did you mean `{meant}`?"));
    }
    split_example(&mut fault, path);
    if let Some(place) = example_place(path, error, meant.as_deref())
        && let Some(text) = example(&place, examples)
    {
        fault.example = Some(assignment(&place, text));
    }
    (fault, meant)
}

fn unknown_variant(path: &Path, variant: &str) -> Fault {
    let last = path.segments().last();
    let parent = path.parent().unwrap_or_default();
    if is_tag(path) {
        let noun = parent.last_key().map_or_else(String::new, |key| format!("{key} "));
        let message = format!("unknown {noun}kind `{variant}`");
        return Fault::new(FaultKind::UnknownKind, path.to_string(), message);
    }
    // A choice written as a key of a table is a value of that table's key.
    let is_key = last == Some(&Segment::Key(variant.to_owned()));
    let name = short(if is_key { &parent } else { path });
    Fault::new(FaultKind::UnknownValue, path.to_string(), format!("unknown value `{variant}` for {name}"))
}

fn missing(path: &Path, field: &str) -> Fault {
    let child = path.child(Segment::Key(field.to_owned())).to_string();
    let place = if path.last_key().is_some() { format!(" in {}", short(path)) } else { String::new() };
    let fault = Fault::new(FaultKind::MissingKey, child, format!("missing key `{field}`{place}"));
    fault.expected(format!("`{field}` here"))
}

fn not_whole(path: &Path, value: &str) -> Fault {
    // Without a point in its shortest form it is a whole number written as another.
    let whole = !value.contains(['.', 'e']);
    let shown = if whole { format!("{value}.0") } else { value.to_owned() };
    let message = format!("wrong type for {}: found the number `{shown}`", short(path));
    let fault = Fault::new(FaultKind::WrongType, path.to_string(), message);
    if whole { fault.hint(format!("write `{value}`")) } else { fault }
}

/// The key whose example helps; `None` where a suggestion says it already.
fn example_place(path: &Path, error: &ReadError, meant: Option<&str>) -> Option<Path> {
    match (error, meant) {
        (ReadError::MissingField { field }, _) => Some(path.child(Segment::Key(field.clone()))),
        (ReadError::UnknownField { .. }, Some(meant)) => {
            Some(path.parent().unwrap_or_default().child(Segment::Key(meant.to_owned())))
        }
        (ReadError::UnknownField { .. }, None) | (_, Some(_)) => None,
        (_, None) => Some(path.clone()),
    }
}

fn nearest_of(name: &str, expected: &[String]) -> Option<String> {
    nearest(name, expected.iter().map(String::as_str)).map(str::to_owned)
}

/// "one of `a`, `b`".
pub(super) fn listed(names: &[String], what: &str) -> String {
    let quoted: Vec<String> = names.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
    match (quoted.as_slice(), names.len().saturating_sub(MAX_LISTED)) {
        ([], _) => format!("no {what} here"),
        ([one], 0) => one.clone(),
        (some, 0) => format!("one of {}", some.join(", ")),
        (some, more) => format!("one of {} and {more} more", some.join(", ")),
    }
}

/// A refusal in a type's own words; `a; expected b, for example c` is taken apart.
fn custom(path: &Path, message: &str) -> Fault {
    match message.split_once("; expected ") {
        Some((message, expected)) => Fault::new(FaultKind::Invalid, path.to_string(), message).expected(expected),
        None => Fault::new(FaultKind::Invalid, path.to_string(), message),
    }
}

/// Types put their example into what they expect (`a power such as "250 W"`); it gets its own line.
fn split_example(fault: &mut Fault, path: &Path) {
    let Some(expected) = &fault.expected else {
        return;
    };
    let parts = expected.split_once(", for example ").or_else(|| expected.split_once(" such as "));
    if let Some((expected, example)) = parts {
        fault.example = Some(assignment(path, example));
        fault.expected = Some(expected.to_owned());
    }
}

/// `key = example`; an element's example stands in its array.
fn assignment(path: &Path, example: &str) -> String {
    let Some(key) = path.last_key() else {
        return example.to_owned();
    };
    let key = Path::from(vec![Segment::Key(key.to_owned())]);
    match path.segments().last() {
        Some(Segment::Index(_)) if !example.starts_with('[') => format!("{key} = [{example}]"),
        _ => format!("{key} = {example}"),
    }
}

/// The last key with its indices, quoted: "`price[1]`".
fn short(path: &Path) -> String {
    let segments = path.segments();
    let from = segments.iter().rposition(|segment| matches!(segment, Segment::Key(_))).unwrap_or(0);
    match segments.get(from..) {
        None | Some([]) => "the scenario".to_owned(),
        Some(tail) => format!("`{}`", Path::from(tail.to_vec())),
    }
}

/// serde's names of types in the words of the scenario language.
fn in_words(expected: &str) -> String {
    let whole = |low: i128, high: i128| format!("a whole number from {low} to {high}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => "a whole number, 0 or more".into(),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" | "i128" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "`true` or `false`".into(),
        "a sequence" => "an array".into(),
        "a map" => "a table".into(),
        _ => {
            if expected.starts_with("dyn ") {
                format!("a table with a `{TAG}`")
            } else if expected.starts_with("struct ") {
                "a table".into()
            } else if let Some(len) =
                expected.strip_prefix("a tuple of size ").or_else(|| expected.strip_prefix("an array of length "))
            {
                format!("an array of {len} elements")
            } else if expected.starts_with("a nonzero u") {
                "a whole number, 1 or more".into()
            } else if expected.starts_with("enum ") {
                "one of its names as a string".into()
            } else {
                expected.to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str, error: &ReadError) -> Fault {
        phrase(&path.parse().unwrap(), error, &[("lambda", "0.1"), ("router.lambda", "0.2")]).0
    }

    #[test]
    fn a_custom_sentence_is_taken_apart() {
        let message = "`abc` is not a power; expected a number and a unit (W, kW), for example \"250 W\"";
        let fault = words("gpu[0].cap", &ReadError::Custom { message: message.into() });
        assert_eq!(fault.message, "`abc` is not a power");
        assert_eq!(fault.expected.as_deref(), Some("a number and a unit (W, kW)"));
        assert_eq!(fault.example.as_deref(), Some("cap = \"250 W\""));
    }

    #[test]
    fn the_most_exact_example_wins() {
        let missing = ReadError::MissingField { field: "lambda".into() };
        assert_eq!(words("router[1]", &missing).example.as_deref(), Some("lambda = 0.2"));
        assert_eq!(words("other", &missing).example.as_deref(), Some("lambda = 0.1"));
        let error = ReadError::MissingField { field: "xlambda".into() };
        assert_eq!(words("router", &error).example, None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..40).map(|i| format!("k{i}")).collect();
        assert!(listed(&names, "key").ends_with("`k15` and 24 more"));
        assert_eq!(listed(&[], "key"), "no key here");
    }
}
