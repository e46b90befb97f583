//! TOML text to a [`Tree`], with all its syntax faults.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Fault, FaultKind, Faults};
use super::origin::{Origin, SourceId, SourceMap};
use super::path::{Path, Segment};
use super::tree::Tree;
use super::value::{Entry, Key, Node, Table, Value};

impl Tree {
    /// Parses a text of the source map.
    ///
    /// Every syntax fault is pushed, one [`Fault`] each. So is every number that is not finite (`nan` passes
    /// every `<` check and would surface hours later) or does not fit 64 bits; such a tree is still returned, so that the
    /// faults of meaning can be found in the same go.
    ///
    /// `None` when the syntax is broken: what the parser guesses then would only cause faults that are none.
    ///
    /// ```
    /// use isotherm_core::config::{Faults, SourceMap, Tree};
    /// let mut sources = SourceMap::new();
    /// let file = sources.add("a.toml", "a = [1\nb = = 2\n");
    /// let mut faults = Faults::new();
    /// assert!(Tree::parse(&sources, file, &mut faults).is_none());
    /// assert!(!faults.is_empty());
    /// ```
    #[must_use]
    pub fn parse(sources: &SourceMap, source: SourceId, faults: &mut Faults) -> Option<Self> {
        let (document, errors) = DeTable::parse_recoverable(sources.text(source));
        let sound = errors.is_empty();
        for error in errors {
            faults.push(syntax_fault(&error, source));
        }
        if !sound {
            return None;
        }
        let origin = |span| Origin::File { source, span };
        let mut reader = Conversion { origin: &origin, faults };
        let span = document.span();
        let table = reader.table(document.into_inner(), &Path::root());
        Some(Self::new(table, origin(span)))
    }
}

fn syntax_fault(error: &toml::de::Error, source: SourceId) -> Fault {
    let (message, expected) = match error.message().split_once(", expected ") {
        Some((message, "nothing")) => (message, None),
        Some((message, expected)) => (message, Some(expected)),
        None => (error.message(), None),
    };
    let mut fault = Fault::new(FaultKind::Syntax, "", message);
    fault.expected = expected.map(str::to_owned);
    fault.origin = Some(Origin::File { source, span: error.span().unwrap_or(0..0) });
    fault
}

/// Turns toml's borrowed tree into ours; `origin` says what a span of the text means.
pub(super) struct Conversion<'c> {
    pub(super) origin: &'c dyn Fn(Range<usize>) -> Origin,
    pub(super) faults: &'c mut Faults,
}

impl Conversion<'_> {
    pub(super) fn node(&mut self, value: Spanned<DeValue<'_>>, path: &Path) -> Node {
        let origin = (self.origin)(value.span());
        let value = match value.into_inner() {
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Datetime(date) => Value::Datetime(date.to_string()),
            DeValue::Integer(digits) => self.integer(&digits, path, &origin),
            DeValue::Float(float) => self.float(float.as_str(), path, &origin),
            DeValue::Array(items) => Value::Array(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &path.child(Segment::Index(index))))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table, path)),
        };
        Node::new(value, origin)
    }

    fn table(&mut self, table: DeTable<'_>, path: &Path) -> Table {
        let mut entries: Vec<_> = table.into_iter().collect();
        // toml hands tables out sorted by name; people know theirs by the order they wrote.
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let origin = (self.origin)(key.span());
            let name = key.into_inner().into_owned();
            let node = self.node(value, &path.child(Segment::Key(name.clone())));
            let key = Key { name, origin };
            Entry { key, node }
        });
        // toml has refused duplicates already.
        Table::from_distinct(entries.collect())
    }

    fn integer(&mut self, digits: &DeInteger<'_>, path: &Path, origin: &Origin) -> Value {
        i64::from_str_radix(digits.as_str(), digits.radix()).map_or_else(
            |_| {
                let fault = Fault::new(
                    FaultKind::OutOfRange,
                    path.to_string(),
                    format!("`{digits}` does not fit into 64 bits"),
                );
                let limits = format!("a whole number from {} to {}", i64::MIN, i64::MAX);
                self.faults.push(fault.expected(limits).origin(origin.clone()));
                Value::Integer(if digits.as_str().starts_with('-') { i64::MIN } else { i64::MAX })
            },
            Value::Integer,
        )
    }

    fn float(&mut self, text: &str, path: &Path, origin: &Origin) -> Value {
        let value: f64 = text.parse().unwrap_or(f64::NAN);
        if !value.is_finite() {
            self.faults.push(not_finite(value, path).origin(origin.clone()));
        }
        Value::Float(value)
    }
}

/// The one wording for `nan` and `inf`, whether found in the text or while reading.
pub(super) fn not_finite(value: f64, path: &Path) -> Fault {
    let name = path.last_key().map_or_else(|| "a number".to_owned(), |key| format!("`{key}`"));
    let shown = value.to_string().to_lowercase();
    Fault::new(FaultKind::NotFinite, path.to_string(), format!("{name} must be finite, found `{shown}`"))
        .expected("a finite number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<Tree>, Faults) {
        let mut sources = SourceMap::new();
        let file = sources.add("t.toml", text);
        let mut faults = Faults::new();
        let tree = Tree::parse(&sources, file, &mut faults);
        (tree, faults)
    }

    #[test]
    fn keeps_written_order_and_spans() {
        let text = "b = 0x1F\na = 'x'\n[t]\nz = [1.5]\n";
        let (tree, faults) = parse(text);
        assert!(faults.is_empty());
        let tree = tree.unwrap();
        let Value::Table(root) = &tree.root().value else { panic!("the root is a table") };
        let names: Vec<_> = root.entries().iter().map(|e| e.key.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "t"]);
        let float = tree.at("t.z[0]").unwrap();
        assert_eq!(float.value, Value::Float(1.5));
        let Origin::File { span, .. } = &float.origin else { panic!("from a file") };
        assert_eq!(&text[span.clone()], "1.5");
        assert_eq!(tree.at("b").unwrap().value, Value::Integer(31));
    }

    #[test]
    fn numbers_that_are_not_numbers_are_all_reported_and_the_tree_survives() {
        let (tree, faults) = parse("a = nan\nb = -inf\nc = 1e999\nd = 99999999999999999999\n[t]\ne = [inf]\n");
        assert!(tree.is_some());
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["a", "b", "c", "d", "t.e[0]"]);
        assert!(faults.iter().next().unwrap().message.contains("must be finite"));
    }
}
