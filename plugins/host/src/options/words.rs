//! Faults in the words that the scenario reader uses for built-in kinds.

use isotherm_core::config::{Fault, FaultKind, Node, Path, Segment, Value, nearest};

/// More names than this are not read by anybody.
const MAX_LISTED: usize = 16;

/// What was found, as a person calls it.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Bool(value) => format!("the boolean `{value}`"),
        Value::Integer(value) => format!("the whole number `{value}`"),
        Value::Float(value) => format!("the number `{value:?}`"),
        Value::String(text) => {
            let short: String = text.chars().take(40).collect();
            let cut = if short.len() < text.len() { "..." } else { "" };
            format!("the string \"{short}{cut}\"")
        }
        Value::Datetime(_) => "a date".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

/// The last key with its indices, quoted: "`price[1]`".
pub(super) fn short(path: &Path) -> String {
    let segments = path.segments();
    let from = segments.iter().rposition(|segment| matches!(segment, Segment::Key(_))).unwrap_or(0);
    match segments.get(from..) {
        None | Some([]) => "the options".to_owned(),
        Some(tail) => format!("`{}`", Path::from(tail.to_vec())),
    }
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

/// `key = example`; an element's example stands in its array.
pub(super) fn assignment(path: &Path, example: &str) -> String {
    let Some(key) = path.last_key() else { return example.to_owned() };
    let key = Path::from(vec![Segment::Key(key.to_owned())]);
    match path.segments().last() {
        Some(Segment::Index(_)) if !example.starts_with('[') => format!("{key} = [{example}]"),
        _ => format!("{key} = {example}"),
    }
}

pub(super) fn wrong_type(node: &Node, path: &Path, expected: &str) -> Fault {
    let message = format!("wrong type for {}: found {}", short(path), describe(&node.value));
    Fault::new(FaultKind::WrongType, path.to_string(), message).origin(node.origin.clone()).expected(expected)
}

/// A number with a point where a whole one belongs.
pub(super) fn not_whole(node: &Node, value: f64, path: &Path, expected: &str) -> Fault {
    let message = format!("wrong type for {}: found the number `{value:?}`", short(path));
    let fault = Fault::new(FaultKind::WrongType, path.to_string(), message);
    let fault = fault.origin(node.origin.clone()).expected(expected);
    if value.fract() == 0.0 { fault.hint(format!("write `{value}`")) } else { fault }
}

pub(super) fn out_of_range(node: &Node, path: &Path, expected: &str) -> Fault {
    let message = format!("value out of range for {}: found {}", short(path), describe(&node.value));
    Fault::new(FaultKind::OutOfRange, path.to_string(), message).origin(node.origin.clone()).expected(expected)
}

pub(super) fn wrong_length(node: &Node, path: &Path, found: usize, what: &str, expected: &str) -> Fault {
    let message = format!("wrong length of {}: found {found} {what}(s)", short(path));
    Fault::new(FaultKind::WrongLength, path.to_string(), message).origin(node.origin.clone()).expected(expected)
}

pub(super) fn unknown_value(node: &Node, path: &Path, choices: &[String]) -> Fault {
    let found = match &node.value {
        Value::String(text) => text.clone(),
        other => describe(other).replace('`', ""),
    };
    let message = format!("unknown value `{found}` for {}", short(path));
    let fault = Fault::new(FaultKind::UnknownValue, path.to_string(), message)
        .origin(node.origin.clone())
        .expected(listed(choices, "value"));
    match nearest(&found, choices.iter().map(String::as_str)) {
        Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
        None => fault,
    }
}

pub(super) fn missing(node: &Node, path: &Path, key: &str) -> Fault {
    let child = path.child(Segment::Key(key.to_owned())).to_string();
    let place = if path.last_key().is_some() { format!(" in {}", short(path)) } else { String::new() };
    Fault::new(FaultKind::MissingKey, child, format!("missing key `{key}`{place}"))
        .origin(node.origin.clone())
        .expected(format!("`{key}` here"))
}

/// A refusal in the plugin's own words; `a; expected b, for example c` is taken apart.
pub(super) fn custom(path: &Path, message: &str) -> Fault {
    let Some((message, expected)) = message.split_once("; expected ") else {
        return Fault::new(FaultKind::Invalid, path.to_string(), message);
    };
    let fault = Fault::new(FaultKind::Invalid, path.to_string(), message);
    match expected.split_once(", for example ").or_else(|| expected.split_once(" such as ")) {
        Some((expected, example)) => fault.expected(expected).example(assignment(path, example)),
        None => fault.expected(expected),
    }
}
