//! What a library says about itself: JSON made of the author's package and the schemas of the options.

use serde_json::{Map, Value, json};

use super::item::Item;

/// The author's package, as its build knows it.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Version of the package.
    pub version: &'static str,
    /// Its description; empty where it has none, as with the following.
    pub description: &'static str,
    /// Its licence.
    pub license: &'static str,
    /// Where people find it.
    pub homepage: &'static str,
    /// What a panic does: `unwind` or `abort`.
    pub panic: &'static str,
}

/// The manifest as the interface describes it.
pub(super) fn text(about: &About, items: &[Item]) -> String {
    let About { version, description, license, homepage, panic } = *about;
    let texts = [("version", version), ("description", description), ("license", license), ("homepage", homepage)];
    let given = texts.iter().filter(|(_, text)| !text.is_empty());
    let mut manifest: Map<String, Value> = given.map(|(key, text)| ((*key).to_owned(), json!(text))).collect();
    manifest.insert("sdk".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    manifest.insert("panic".to_owned(), json!(panic));
    manifest.insert("items".to_owned(), items.iter().map(describe).collect());
    Value::Object(manifest).to_string()
}

/// One item: summary and docs are what the author wrote above the type.
fn describe(item: &Item) -> Value {
    let mut entry = json!({ "kind": item.kind, "name": item.name });
    let schema = item.schema.map(|schema| schema()).unwrap_or_default();
    if let Some(docs) = schema["description"].as_str() {
        let paragraph = docs.split("\n\n").next().unwrap_or_default();
        entry["summary"] = json!(paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
        entry["docs"] = json!(docs);
    }
    if let Some(example) = example(item, &schema) {
        entry["example"] = example;
    }
    if !schema.is_null() {
        entry["options"] = schema;
    }
    entry
}

/// What the author gives as an example, else the empty table where that is one.
fn example(item: &Item, schema: &Value) -> Option<Value> {
    let given = schema["examples"].get(0).cloned();
    let given = given.or_else(|| serde_json::from_str(item.example?).ok());
    given.or_else(|| (item.needs_nothing)().then(|| json!({})))
}
