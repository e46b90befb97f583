//! Options that would be right, as a line of a scenario.

use isotherm_core::config::{Path, Segment};
use serde_json::Value;

use super::words::assignment;

/// The line for a key: from the example options of the plugin, else from what the key's schema has as example or default.
///
/// `within` is the path inside the options, `path` the one inside the scenario.
pub(super) fn line(options: &Value, within: &[Segment], path: &Path, schema: Option<&Value>) -> Option<String> {
    let from_options = within.iter().try_fold(options, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
        Segment::Every => None,
    });
    let from_schema = || {
        let schema = schema?;
        schema.pointer("/examples/0").or_else(|| schema.get("default"))
    };
    let text = from_options.or_else(from_schema).and_then(toml)?;
    Some(assignment(path, &text))
}

/// JSON as TOML in one line; `None` for null, which TOML does not have.
fn toml(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        // JSON's strings are strings of TOML.
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Option<Vec<_>>>()?.join(", ")),
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let entry = |(key, value)| {
                Some(format!("{} = {}", Path::from(vec![Segment::Key(String::clone(key))]), toml(value)?))
            };
            format!("{{ {} }}", object.iter().filter_map(entry).collect::<Vec<_>>().join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_becomes_a_line_of_toml() {
        let key = |name: &str| Segment::Key(name.to_owned());
        let path: Path = "router[0].cap".parse().unwrap();
        let options = json!({"cap": {"a b": [1, 0.5], "c": null, "d": "x"}});
        let found = line(&options, &[key("cap")], &path, None);
        assert_eq!(found.as_deref(), Some("cap = { \"a b\" = [1, 0.5], d = \"x\" }"));
        let schema = json!({"default": 0.5});
        assert_eq!(line(&Value::Null, &[key("cap")], &path, Some(&schema)).as_deref(), Some("cap = 0.5"));
        assert_eq!(line(&Value::Null, &[key("cap")], &path, None), None);
    }
}
