//! Options of a loaded kind: from the scenario's table to JSON, with every fault at the line that is wrong, in the words of the built-in
//! kinds.
//!
//! The schema of the plugin finds what can be said without running anything: unknown and missing keys, types, ranges. What only the plugin
//! can know it reports itself, as JSON pointers that lead back to the table.
//!
//! Public for catalogues of other kinds of plugins (WebAssembly): they [`read`] the table, ask the plugin, and [`push_reports`] what it says.

mod example;
mod keys;
mod schema;
mod words;

use isotherm_core::config::{Fault, FaultKind, Faults, Node, Path, Segment, Value};
use schema::Schema;
use serde_json::Map;

use crate::manifest::ManifestEntry;

/// One thing that a plugin reports to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// JSON pointer (RFC 6901) into the options, such as `/cap/degc`, or empty.
    pub pointer: String,
    /// A sentence.
    pub message: String,
}

/// The options in a scenario's table as JSON, after a check against what the plugin's manifest says of them: its schema, with its example as a
/// help. `place` is where the table stands, such as `router[1]`. Without an entry, or with a null schema, every table is accepted.
///
/// `None` if and only if faults were pushed: all that can be told without running the plugin, each at its line.
///
/// ```
/// use isotherm_core::config::{Faults, SourceMap, Tree};
/// use isotherm_plugin_host::{Manifest, options};
/// let manifest: Manifest = r#"{"items": [{"kind": "router", "name": "acme/x", "example": {"step": 0.5},
///     "options": {"properties": {"step": {"type": "number", "minimum": 0}}, "additionalProperties": false}}]}"#.parse()?;
/// let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
/// let mut read = |text: &str, faults: &mut Faults| {
///     let file = sources.add("s.toml", text);
///     let tree = Tree::parse(&sources, file, faults).expect("valid TOML");
///     options::read(tree.root(), manifest.items.first(), &"router[0]".parse().expect("a path"), faults)
/// };
/// assert_eq!(read("step = 2\n", &mut faults), serde_json::json!({"step": 2}).as_object().cloned());
/// assert_eq!(read("\nstop = 2\n", &mut faults), None);
/// let text = faults.render(&sources);
/// assert!(text.contains("s.toml:2:1") && text.contains("did you mean `step`?"), "{text}");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn read(
    table: &Node,
    entry: Option<&ManifestEntry>,
    place: &Path,
    faults: &mut Faults,
) -> Option<Map<String, serde_json::Value>> {
    let found = entry.map(|entry| Schema::new(&entry.options, &entry.example).check(table, place)).unwrap_or_default();
    // Not by the number of faults: what a table says is wrong at every point of a sweep, and told once.
    let is_wrong = !found.is_empty();
    faults.extend(found);
    match to_json(table, place, faults)? {
        _ if is_wrong => None,
        serde_json::Value::Object(object) => Some(object),
        _ => {
            faults.push(words::wrong_type(table, place, "a table"));
            None
        }
    }
}

/// The table as JSON. What JSON has no word for (dates, `nan`) is a fault.
fn to_json(node: &Node, place: &Path, faults: &mut Faults) -> Option<serde_json::Value> {
    Some(match &node.value {
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => match serde_json::Number::from_f64(*value) {
            Some(number) => serde_json::Value::Number(number),
            None => {
                let message = format!("{} is `{value}`", words::short(place));
                let fault = Fault::new(FaultKind::NotFinite, place.to_string(), message);
                faults.push(fault.origin(node.origin.clone()).expected("a finite number"));
                return None;
            }
        },
        Value::String(text) => text.as_str().into(),
        Value::Datetime(_) => {
            faults.push(words::wrong_type(node, place, "a string or a number"));
            return None;
        }
        Value::Array(items) => {
            let item = |(index, item)| to_json(item, &place.child(Segment::Index(index)), faults);
            // All of them are looked at before the first fault ends it.
            items.iter().enumerate().map(item).collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()?.into()
        }
        Value::Table(table) => {
            let mut object = serde_json::Map::new();
            let mut whole = true;
            for entry in table.entries() {
                match to_json(&entry.node, &place.child(Segment::Key(entry.key.name.clone())), faults) {
                    Some(value) => _ = object.insert(entry.key.name.clone(), value),
                    None => whole = false,
                }
            }
            return whole.then_some(object.into());
        }
    })
}

/// Puts what a plugin has reported at the lines of the scenario that it is about, in the plugin's order. What is about no single option stands
/// at the table and begins with `subject`, the plugin's name.
///
/// ```
/// use isotherm_core::config::{Faults, Path, SourceMap, Tree};
/// use isotherm_plugin_host::options::{Report, push_reports};
/// let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
/// let file = sources.add("s.toml", "step = 1\ncap = { degc = 900 }\n");
/// let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
/// let message = "no GPU is as hot; expected a temperature such as 80".to_owned();
/// let report = Report { pointer: "/cap/degc".to_owned(), message };
/// push_reports(&[report], "plugin `acme/x`", tree.root(), &Path::root(), &mut faults);
/// let text = faults.render(&sources);
/// assert!(text.contains("s.toml:2:16") && text.contains("degc = 80"), "{text}");
/// ```
pub fn push_reports(reports: &[Report], subject: &str, table: &Node, place: &Path, faults: &mut Faults) {
    for report in reports {
        let (path, node) = follow(&report.pointer, table, place);
        let mut fault = words::custom(&path, &report.message);
        if path == *place {
            fault.message = format!("{subject}: {}", fault.message);
        }
        faults.push(fault.origin(node.origin.clone()));
    }
}

/// Where a JSON pointer leads: the path as far as it can be told, and the node there or the nearest one above.
fn follow<'n>(pointer: &str, options: &'n Node, place: &Path) -> (Path, &'n Node) {
    let (mut path, mut node, mut inside) = (place.clone(), options, true);
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        let index = key.parse::<usize>();
        let (segment, next) = match (&node.value, index) {
            (Value::Array(items), Ok(index)) if inside => (Segment::Index(index), items.get(index)),
            (Value::Table(table), _) if inside => {
                let next = table.get(&key);
                (Segment::Key(key), next)
            }
            _ => (Segment::Key(key), None),
        };
        path = path.child(segment);
        match next {
            Some(next) => node = next,
            None => inside = false,
        }
    }
    (path, node)
}

/// A JSON pointer as the path of an option, for messages about a table that is no longer at hand: `cap.degc` of `/cap/degc`.
pub(crate) fn dotted(pointer: &str) -> String {
    let mut path = Path::root();
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        let index = if path == Path::root() { None } else { key.parse().ok() };
        path = path.child(index.map_or(Segment::Key(key), Segment::Index));
    }
    path.to_string()
}

#[cfg(test)]
mod tests {
    use isotherm_core::config::{SourceMap, Tree};
    use serde_json::json;

    use super::*;

    fn tree(text: &str) -> (SourceMap, Tree) {
        let mut sources = SourceMap::new();
        let file = sources.add("a.toml", text);
        let tree = Tree::parse(&sources, file, &mut Faults::new()).unwrap();
        (sources, tree)
    }

    #[test]
    fn tables_become_json_and_what_does_not_is_a_fault() {
        let (_, good) = tree("a = 1\nb = [0.5, true]\nc = { d = \"x\" }\n");
        let mut faults = Faults::new();
        let json = to_json(good.root(), &Path::root(), &mut faults);
        assert_eq!((json, faults.len()), (Some(json!({"a": 1, "b": [0.5, true], "c": {"d": "x"}})), 0));
        let (_, bad) = tree("a = [1979-05-27]\nb = inf\n");
        assert_eq!(to_json(bad.root(), &Path::root(), &mut faults), None);
        let found: Vec<_> = faults.iter().map(|fault| (fault.kind, fault.pointer.as_str())).collect();
        assert_eq!(found, [(FaultKind::WrongType, "a[0]"), (FaultKind::NotFinite, "b")]);
    }

    #[test]
    fn reports_lead_back_to_the_line() {
        let (sources, tree) = tree("x = 1\n[cap]\n\"a/b\" = [1, 2]\n");
        let report = |pointer: &str| Report { pointer: pointer.into(), message: "no; expected 7".into() };
        let mut faults = Faults::new();
        let reports = [report("/cap/a~1b/1"), report("/cap/none/3"), report("")];
        push_reports(&reports, "plugin `acme/x`", tree.root(), &Path::root(), &mut faults);
        let text = faults.render(&sources);
        assert!(text.contains("a.toml:3:13") && text.contains("a.toml:2:1"), "{text}");
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["cap.\"a/b\"[1]", "cap.none.3", ""]);
        assert_eq!(dotted("/cap/degc/0"), "cap.degc[0]");
    }
}
