//! What a JSON schema of options says, as far as it can be held against what the plugin does.
//!
//! No validator: only what a schema states plainly is used, and what it states in other ways is passed over. A schema that says
//! less than it could is no fault; one that says something else than the code is.

use serde_json::{Map, Number, Value};

type Object = Map<String, Value>;

/// Options that a schema calls right or wrong, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Probe {
    /// The options.
    pub(crate) options: Object,
    /// What the schema says of them.
    pub(crate) because: String,
}

/// Whether a value is a JSON schema (2020-12), as far as that can be told from the types of its keywords.
pub(crate) fn check(schema: &Value) -> Result<(), String> {
    check_at(schema, schema, "")
}

fn check_at(schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return if schema.is_boolean() { Ok(()) } else { Err(format!("{}: {schema} is no schema", place(at))) };
    };
    for (keyword, value) in keywords {
        let at = format!("{at}/{keyword}");
        let wrong = |expected: &str| Err(format!("{}: {value} is not {expected}", place(&at)));
        match keyword.as_str() {
            "type" if !types_of(schema).is_some_and(|types| types.iter().all(|t| TYPES.contains(t))) => {
                return wrong("a type or a list of types");
            }
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                let Some(schemas) = value.as_object() else { return wrong("an object of schemas") };
                schemas.iter().try_for_each(|(name, schema)| check_at(schema, root, &format!("{at}/{name}")))?;
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let Some(schemas) = value.as_array().filter(|list| !list.is_empty()) else {
                    return wrong("a list of schemas");
                };
                schemas.iter().enumerate().try_for_each(|(i, schema)| check_at(schema, root, &format!("{at}/{i}")))?;
            }
            "items"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains" => {
                check_at(value, root, &at)?;
            }
            "required" if !value.as_array().is_some_and(|list| list.iter().all(Value::is_string)) => {
                return wrong("a list of names");
            }
            "enum" if !value.is_array() => return wrong("a list of values"),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" if !value.is_number() => {
                return wrong("a number");
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
                if !value.is_u64() =>
            {
                return wrong("a whole number");
            }
            "$ref" => match value.as_str() {
                None => return wrong("a reference"),
                Some(reference) if reference.starts_with('#') && resolve(root, reference).is_none() => {
                    return wrong("a reference to something in this schema");
                }
                Some(_) => {}
            },
            "title" | "description" | "pattern" | "format" | "$schema" | "$id" if !value.is_string() => {
                return wrong("text");
            }
            _ => {}
        }
    }
    Ok(())
}

fn place(at: &str) -> &str {
    if at.is_empty() { "the schema" } else { at }
}

const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

fn types_of(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

/// The schemas of the options, by name, with references followed.
fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(move |(name, property)| {
        let reference = property.get("$ref").and_then(Value::as_str);
        (name, reference.and_then(|reference| resolve(schema, reference)).unwrap_or(property))
    })
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Options that a schema itself calls right: the smallest, and those that spell all defaults out. `example` gives what must be there.
pub(crate) fn right(schema: &Value, example: &Object) -> Vec<Probe> {
    let needed = || required(schema).map(|name| Some((name.to_owned(), example.get(name)?.clone())));
    let Some(smallest) = needed().collect::<Option<Object>>() else { return Vec::new() };
    let mut probes = vec![Probe { options: smallest.clone(), because: "only what is required".to_owned() }];
    let defaults = properties(schema).filter_map(|(name, property)| {
        // A default may also stand beside a reference.
        let own = schema.get("properties").and_then(|all| all.get(name)).and_then(|own| own.get("default"));
        Some((name.clone(), own.or_else(|| property.get("default"))?.clone()))
    });
    let spelled: Object = defaults.chain(smallest).collect();
    if spelled != probes[0].options {
        probes.push(Probe { options: spelled, because: "all defaults, as the schema states them".to_owned() });
    }
    probes
}

/// Options that a schema calls wrong: `right` with one thing changed.
pub(crate) fn wrong(schema: &Value, right: &Object) -> Vec<Probe> {
    let with = |name: &str, value: Value, because: String| {
        let mut options = right.clone();
        options.insert(name.to_owned(), value);
        Probe { options, because }
    };
    let mut probes = Vec::new();
    if ["additionalProperties", "unevaluatedProperties"].iter().any(|key| schema.get(*key) == Some(&Value::Bool(false)))
    {
        let unknown = "no-such-option";
        probes.push(with(unknown, Value::from(1), format!("{unknown}: no additional properties")));
    }
    for name in required(schema) {
        let mut options = right.clone();
        if options.remove(name).is_some() {
            probes.push(Probe { options, because: format!("{name}: required") });
        }
    }
    for (name, property) in properties(schema) {
        for (value, because) in wrong_values(property) {
            probes.push(with(name, value, format!("{name}: {because}")));
        }
    }
    probes
}

/// Values that the schema of one option calls wrong.
fn wrong_values(schema: &Value) -> Vec<(Value, String)> {
    let mut values = Vec::new();
    if let Some(types) = types_of(schema) {
        let other =
            [("string", Value::from("text")), ("array", Value::Array(Vec::new())), ("boolean", Value::from(true))];
        let other = other.into_iter().find(|(name, _)| !types.contains(name));
        values.extend(other.map(|(_, value)| (value, format!("type {}", types.join(" or ")))));
        if types.contains(&"integer") && !types.contains(&"number") {
            values.push((Value::from(1.5), "type integer".to_owned()));
        }
    }
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let mut beyond = |keyword: &str, value: Option<f64>| {
        if let (Some(bound), Some(value)) = (bound(keyword), value.and_then(Number::from_f64)) {
            values.push((whole_or_not(value), format!("{keyword} {bound}")));
        }
    };
    beyond("minimum", bound("minimum").map(|m| m - m.abs().max(1.0)));
    beyond("maximum", bound("maximum").map(|m| m + m.abs().max(1.0)));
    beyond("exclusiveMinimum", bound("exclusiveMinimum"));
    beyond("exclusiveMaximum", bound("exclusiveMaximum"));
    if schema.get("enum").is_some_and(Value::is_array) {
        values.push((Value::from("no-such-value"), "not among the values".to_owned()));
    }
    values
}

/// Whole numbers as such: a schema of integers would call 3.0 right, many parsers do not.
fn whole_or_not(number: Number) -> Value {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => Value::from(value as i64),
        _ => Value::Number(number),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "gain": {"type": "number", "minimum": 0, "default": 0.5},
                "mode": {"$ref": "#/$defs/Mode"},
                "window": {"type": "integer", "exclusiveMaximum": 10},
            },
            "required": ["mode"],
            "additionalProperties": false,
            "$defs": {"Mode": {"type": "string", "enum": ["a", "b"]}},
        })
    }

    #[test]
    fn faults_of_a_schema_have_a_place() {
        assert_eq!(check(&schema()), Ok(()));
        let fault = |pointer: &str, value: Value| {
            let mut schema = schema();
            *schema.pointer_mut(pointer).unwrap() = value;
            check(&schema).unwrap_err()
        };
        assert_eq!(
            fault("/properties/gain/type", json!("float")),
            "/properties/gain/type: \"float\" is not a type or a list of types"
        );
        assert!(fault("/properties/mode/$ref", json!("#/$defs/Nothing")).contains("something in this schema"));
        assert!(fault("/required", json!("mode")).contains("a list of names"));
        assert_eq!(check(&json!(3)).unwrap_err(), "the schema: 3 is no schema");
    }

    #[test]
    fn what_a_schema_states_becomes_probes() {
        let Value::Object(example) = json!({"mode": "a", "window": 3}) else { panic!("an object") };
        let right: Vec<_> = right(&schema(), &example).into_iter().map(|p| Value::Object(p.options)).collect();
        assert_eq!(right, [json!({"mode": "a"}), json!({"gain": 0.5, "mode": "a"})]);
        let wrong: Vec<_> = wrong(&schema(), &example).into_iter().map(|p| p.because).collect();
        assert_eq!(
            wrong,
            [
                "no-such-option: no additional properties",
                "mode: required",
                "gain: type number",
                "gain: minimum 0",
                "mode: type string",
                "mode: not among the values",
                "window: type integer",
                "window: type integer",
                "window: exclusiveMaximum 10",
            ]
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let key = prop::sample::select(vec![
            "type",
            "properties",
            "required",
            "$ref",
            "enum",
            "minimum",
            "items",
            "allOf",
            "additionalProperties",
            "x",
        ]);
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(#|#/x|integer|[a-z]{0,3})".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..4).prop_map(|map| {
                    Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_schema_makes_it_panic(schema in values(), example in values()) {
            let example = example.as_object().cloned().unwrap_or_default();
            let _ = check(&schema);
            let _ = right(&schema, &example);
            let _ = wrong(&schema, &example);
        }
    }
}
