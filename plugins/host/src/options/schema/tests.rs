use isotherm_core::config::{Faults, SourceMap, Tree};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// As schemars makes it of a struct with documented enums, an option, a nested struct and an array.
fn schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Options",
        "type": "object",
        "properties": {
            "lambda": {"type": "number", "format": "double", "minimum": 0.0},
            "share": {"type": ["number", "null"], "format": "double", "exclusiveMinimum": 0.0, "maximum": 1.0, "default": null},
            "layers": {"type": "integer", "format": "uint8", "minimum": 0, "maximum": 255, "default": 3},
            "mode": {"$ref": "#/$defs/Mode"},
            "cap": {"anyOf": [{"$ref": "#/$defs/Cap"}, {"type": "null"}]},
            "price": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "law": {"oneOf": [{"$ref": "#/$defs/Linear"}, {"$ref": "#/$defs/Exponential"}]},
            "names": {"type": "object", "additionalProperties": {"type": "integer"}}
        },
        "additionalProperties": false,
        "required": ["lambda"],
        "$defs": {
            "Mode": {"oneOf": [{"description": "Fast.", "type": "string", "const": "fast"}, {"type": "string", "enum": ["slow", "off"]}]},
            "Cap": {"type": "object", "properties": {"degc": {"type": "number"}, "band": {"type": "number"}}, "required": ["degc"]},
            "Linear": {"type": "object", "properties": {"law": {"type": "string", "const": "linear"}, "slope": {"type": "number"}}, "required": ["law", "slope"]},
            "Exponential": {"type": "object", "properties": {"law": {"type": "string", "const": "exponential"}, "rate": {"type": "number"}}, "required": ["law", "rate"]}
        }
    })
}

fn faults_of(schema: &Json, text: &str) -> (Vec<Fault>, String) {
    let mut sources = SourceMap::new();
    let file = sources.add("a.toml", text);
    let tree = Tree::parse(&sources, file, &mut Faults::new()).unwrap();
    let example = json!({"lambda": 0.1, "cap": {"degc": 80.0}});
    let found = Schema::new(schema, &example).check(tree.root(), &Path::root());
    let mut faults = Faults::new();
    faults.extend(found.clone());
    (found, faults.render(&sources))
}

#[track_caller]
fn assert_fault(text: &str, kind: FaultKind, pointer: &str, line: &str) {
    let (found, rendered) = faults_of(&schema(), text);
    let [fault] = found.as_slice() else { panic!("{rendered}") };
    assert_eq!((fault.kind, fault.pointer.as_str()), (kind, pointer), "{rendered}");
    let hint = fault.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
    let example = fault.example.as_ref().map_or(String::new(), |example| format!(" [{example}]"));
    assert_eq!(format!("{fault}{hint}{example}"), line);
}

#[test]
fn good_options_have_no_faults() {
    for text in [
        "lambda = 1\n",
        "lambda = 0.5\nshare = 1.0\nlayers = 255\nmode = 'slow'\nprice = [1, 2.5]\nnames = { x = 1 }\n",
        "lambda = 0.5\ncap = { degc = 80, band = 1.5 }\nlaw = { law = 'exponential', rate = 2 }\n",
    ] {
        let (found, rendered) = faults_of(&schema(), text);
        assert!(found.is_empty(), "{rendered}");
    }
}

#[test]
fn faults_are_in_the_words_of_built_in_kinds() {
    use FaultKind::{MissingKey, OutOfRange, UnknownKey, UnknownValue, WrongLength, WrongType};
    let keys = "one of `cap`, `lambda`, `law`, `layers`, `mode`, `names`, `price`, `share`";
    assert_fault("", MissingKey, "lambda", "missing key `lambda`; expected `lambda` here [lambda = 0.1]");
    let unknown = format!("unknown key `lamda`; expected {keys} (did you mean `lambda`?) [lambda = 0.1]");
    assert_fault("lamda = 1\n", UnknownKey, "lamda", &unknown);
    let unknown = format!("unknown key `colour`; expected {keys}");
    assert_fault("lambda = 1\ncolour = 1\n", UnknownKey, "colour", &unknown);
    let wrong = "wrong type for `lambda`: found the string \"much\"; expected a number of at least 0 [lambda = 0.1]";
    assert_fault("lambda = 'much'\n", WrongType, "lambda", wrong);
    let range =
        "value out of range for `lambda`: found the number `-1.0`; expected a number of at least 0 [lambda = 0.1]";
    assert_fault("lambda = -1.0\n", OutOfRange, "lambda", range);
    let whole = "wrong type for `layers`: found the number `8.0`; expected a whole number from 0 to 255 (write `8`)";
    assert_fault("lambda = 1\nlayers = 8.0\n", WrongType, "layers", whole);
    let range = "value out of range for `layers`: found the whole number `256`; expected a whole number from 0 to 255 [layers = 3]";
    assert_fault("lambda = 1\nlayers = 256\n", OutOfRange, "layers", range);
    let share = "value out of range for `share`: found the number `0.0`; expected a number of at most 1 and above 0";
    assert_fault("lambda = 1\nshare = 0.0\n", OutOfRange, "share", share);
    let mode = "unknown value `fest` for `mode`; expected one of `fast`, `slow`, `off` (did you mean `fast`?)";
    assert_fault("lambda = 1\nmode = 'fest'\n", UnknownValue, "mode", mode);
    let mode = "wrong type for `mode`: found the boolean `true`; expected one of `fast`, `slow`, `off`";
    assert_fault("lambda = 1\nmode = true\n", WrongType, "mode", mode);
    let price = "wrong length of `price`: found 3 element(s); expected 2 elements";
    assert_fault("lambda = 1\nprice = [1, 2, 3]\n", WrongLength, "price", price);
    let price = "wrong type for `price[1]`: found the string \"x\"; expected a number";
    assert_fault("lambda = 1\nprice = [1, 'x']\n", WrongType, "price[1]", price);
    let names = "wrong type for `x`: found a table; expected a whole number";
    assert_fault("lambda = 1\n[names]\nx = {}\n", WrongType, "names.x", names);
}

#[test]
fn of_alternatives_the_one_that_was_meant_speaks() {
    use FaultKind::{MissingKey, UnknownKey, UnknownValue, WrongType};
    let cap = "missing key `degc` in `cap`; expected `degc` here [degc = 80.0]";
    assert_fault("lambda = 1\ncap = {}\n", MissingKey, "cap.degc", cap);
    assert_fault(
        "lambda = 1\ncap = 80\n",
        WrongType,
        "cap",
        "wrong type for `cap`: found the whole number `80`; expected a table",
    );
    let unknown = "unknown key `bond`; expected one of `band`, `degc` (did you mean `band`?)";
    assert_fault("lambda = 1\ncap = { degc = 1, bond = 2 }\n", UnknownKey, "cap.bond", unknown);
    let law = "unknown value `linaer` for `law`; expected one of `linear`, `exponential` (did you mean `linear`?)";
    assert_fault("lambda = 1\nlaw = { law = 'linaer', slope = 1 }\n", UnknownValue, "law.law", law);
    let rate = "missing key `rate` in `law`; expected `rate` here";
    assert_fault("lambda = 1\nlaw = { law = 'exponential' }\n", MissingKey, "law.rate", rate);
}

#[test]
fn faults_point_to_the_line() {
    let (found, rendered) = faults_of(&schema(), "lambda = 1\n[cap]\ndegc = 'x'\n[names]\na = 1\nb = true\n");
    assert_eq!(found.len(), 2, "{rendered}");
    assert!(rendered.contains("a.toml:3:8") && rendered.contains("a.toml:6:5"), "{rendered}");
}

#[test]
fn the_language_is_strict_unless_the_schema_is_open() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "number"}}});
    assert_eq!(faults_of(&closed, "b = 1\n").0.len(), 1);
    for open in [
        json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true}),
        json!({"type": "object", "patternProperties": {"^x": {"type": "number"}}, "additionalProperties": false}),
        json!({"type": "object"}),
        json!(true),
        json!(null),
    ] {
        assert_eq!(faults_of(&open, "b = 1\n").0, [], "{open}");
    }
    let composed =
        json!({"allOf": [{"properties": {"a": {}}}, {"$ref": "#/$defs/B"}], "$defs": {"B": {"properties": {"b": {}}}}});
    assert_eq!(faults_of(&composed, "a = 1\nb = 1\n").0, []);
    assert_eq!(faults_of(&composed, "c = 1\n").0.len(), 1);
}

#[test]
fn schemas_that_refer_to_themselves_come_to_an_end() {
    let circle = json!({"$ref": "#"});
    assert_eq!(faults_of(&circle, "a = 1\n").0, []);
    let bomb = json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}], "properties": {"b": {"type": "string"}}});
    assert!(!faults_of(&bomb, "b = 1\n").0.is_empty());
}

/// JSON that looks like schemas.
fn any_schema() -> impl Strategy<Value = Json> {
    let keys = prop::sample::select(vec![
        "type",
        "properties",
        "required",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
        "const",
        "enum",
        "items",
        "prefixItems",
        "minimum",
        "maximum",
        "minItems",
        "additionalProperties",
        "format",
        "default",
        "examples",
        "a",
        "b",
    ]);
    let words =
        prop::sample::select(vec!["object", "number", "integer", "string", "a", "#", "#/properties/a", "uint8"]);
    let leaf = prop_oneof![
        words.prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        (-3..9_i64).prop_map(Json::from),
        Just(Json::Null)
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(keys.clone(), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_schema_makes_it_panic(schema in any_schema()) {
        let _ = faults_of(&schema, "a = 1\nb = [1, 'x', {}]\nc = { a = 1.5, b = true }\n");
    }
}
