//! One thing that an open library offers, with options: what specs of routers, telemetry sources and placements have in common.

use isotherm_core::config::{Fault, FaultKind, Faults, Node, Path};
use isotherm_plugin_abi::{CONFIG, ErrorSink, OK, Sink, Status, Str};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::failure::failure;
use crate::label::Item;
use crate::leaked::leaked;
use crate::library::{Library, guarded};
use crate::options;
use crate::tables::Functions;
use crate::text::{Collected, Reports};

/// A thing of a library, before it has options.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) library: &'static Library,
    pub(crate) item: Item,
}

/// A thing of a library with options that it has accepted.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    pub(crate) name: &'static str,
    /// How messages name it.
    pub(crate) subject: String,
    /// How messages name its library.
    pub(crate) title: String,
    pub(crate) library: &'static Library,
    /// The options with all defaults, as JSON; what instances are made with.
    pub(crate) config: String,
    /// The same without null, which scenarios do not have.
    options: Value,
}

/// The options as they stand in a resolved scenario.
impl Serialize for Configured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.options.serialize(serializer)
    }
}

impl Offer {
    pub(crate) fn functions(&self) -> Option<Functions> {
        self.library.functions(&self.item).copied()
    }

    /// Checks the options against the schema, then lets the plugin check them and fill in what was left out. `configure` is `None` for a
    /// plugin that accepts every object as it is.
    pub(crate) fn configure(
        &self,
        table: &Node,
        place: &Path,
        faults: &mut Faults,
        configure: Option<impl FnOnce(Str, *const Sink, *const ErrorSink) -> Status>,
    ) -> Option<Configured> {
        let given = options::read(table, self.library.manifest().entry(&self.item), place, faults)?;
        let name = leaked(&self.item.name);
        let (subject, title) = (self.library.subject(name), self.library.title());
        let config = Value::Object(given).to_string();
        let resolved = match configure {
            None => config,
            Some(configure) => {
                let (mut resolved, mut reports) = (Collected::default(), Reports::default());
                let (sink, error) = (resolved.sink(), reports.sink());
                let status = guarded(&title, "checking options", || configure(Str::new(&config), &sink, &error));
                if status != OK {
                    let told = status == CONFIG && !reports.0.is_empty();
                    if told {
                        options::push_reports(&reports.0, &subject, table, place, faults);
                    } else {
                        let message = failure(&subject, "checking its options", status, &reports);
                        faults.push(
                            Fault::new(FaultKind::Invalid, place.to_string(), message).origin(table.origin.clone()),
                        );
                    }
                    return None;
                }
                // A plugin that has nothing to add writes nothing.
                if resolved.0.is_empty() { config } else { resolved.text().into_owned() }
            }
        };
        match serde_json::from_str(&resolved) {
            Ok(Value::Object(object)) => {
                let options = without_null(Value::Object(object));
                Some(Configured { name, subject, title, library: self.library, config: resolved, options })
            }
            _ => {
                let short: String = resolved.chars().take(40).collect();
                let message = format!("{subject} has written `{short}` as its options; expected a JSON object");
                faults.push(Fault::new(FaultKind::Invalid, place.to_string(), message).origin(table.origin.clone()));
                None
            }
        }
    }
}

fn without_null(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_null(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().filter(|item| !item.is_null()).map(without_null).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn scenarios_have_no_null() {
        let value = json!({"a": null, "b": {"c": null, "d": [1, null]}});
        assert_eq!(super::without_null(value), json!({"b": {"d": [1]}}));
    }
}
