//! `--set key=value`: one assignment from the command line.

use std::str::FromStr;

use toml::de::DeValue;

use super::fault::{Fault, FaultKind, Faults};
use super::origin::Origin;
use super::parse::Conversion;
use super::path::Path;
use super::tree::Tree;
use super::value::{Node, Value};

/// An assignment from the command line: a key path and a value.
///
/// The value is TOML where it reads as TOML, else plain text, so that nobody has to quote twice in a shell:
/// `router.lambda=0.2`, `workload.kind=drift`, `device.cap=250 W`, `sweep.lambda=[0.1, 0.2]`.
///
/// ```
/// use isotherm_core::config::{Assignment, Faults, SourceMap, Tree, Value};
/// let mut sources = SourceMap::new();
/// let file = sources.add("a.toml", "[model]\nexperts = 8\n");
/// let mut tree = Tree::parse(&sources, file, &mut Faults::new()).expect("valid TOML");
/// let set: Assignment = "device.cap=250 W".parse()?;
/// assert_eq!(set.apply(&mut tree)?, 1);
/// assert_eq!(tree.at("device.cap").map(|node| &node.value), Some(&Value::from("250 W")));
/// # Ok::<(), Box<isotherm_core::config::Fault>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    path: Path,
    value: Value,
    text: String,
}

impl Assignment {
    /// Which place is set.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is set to.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where what it sets comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        origin(&self.text)
    }

    /// Sets the value wherever the path means, and says in how many places.
    ///
    /// # Errors
    /// A fault that shows the assignment, when its path leads nowhere. The tree is then unchanged.
    pub fn apply(&self, tree: &mut Tree) -> Result<usize, Box<Fault>> {
        let origin = origin(&self.text);
        tree.set(&self.path, self.value.clone(), origin.clone()).map_err(|error| {
            let pointer = self.path.to_string();
            let fault = Fault::new(FaultKind::Assignment, pointer, error.to_string());
            Box::new(fault.origin(origin))
        })
    }
}

impl FromStr for Assignment {
    type Err = Box<Fault>;

    /// Reads `key=value`; the value may be empty, which is an empty text.
    fn from_str(text: &str) -> Result<Self, Box<Fault>> {
        let fault = |message: String| {
            let fault =
                Fault::new(FaultKind::Assignment, "", message).expected("`key=value`").example("--set model.top_k=2");
            Box::new(fault.origin(origin(text)))
        };
        let (key, value) = text.split_once('=').ok_or_else(|| fault("this assignment has no `=`".into()))?;
        let path: Path = key.trim().parse().map_err(|error| fault(format!("{error}")))?;
        if path.segments().is_empty() {
            return Err(fault("this assignment has no key".into()));
        }
        let mut faults = Faults::new();
        let node = read_value(value.trim(), &|| origin(text), &path, &mut faults);
        match faults.into_iter().next() {
            Some(first) => Err(Box::new(first)),
            None => Ok(Self { path, value: node.value, text: text.to_owned() }),
        }
    }
}

fn origin(text: &str) -> Origin {
    Origin::CommandLine { text: text.to_owned() }
}

/// TOML where it parses, else plain text. Dates stay text: no key takes one, but a name may look like one.
pub(super) fn read_value(text: &str, origin: &dyn Fn() -> Origin, path: &Path, faults: &mut Faults) -> Node {
    match DeValue::parse(text) {
        Ok(value) if !value.get_ref().is_datetime() => {
            let origin = |_| origin();
            Conversion { origin: &origin, faults }.node(value, path)
        }
        _ => Node::new(Value::from(text), origin()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        text.parse::<Assignment>().unwrap().value
    }

    #[test]
    fn toml_where_it_parses_else_text() {
        assert_eq!(value("a=1"), Value::Integer(1));
        assert_eq!(value("a = 1.5 "), Value::Float(1.5));
        assert_eq!(value("a=true"), Value::Bool(true));
        assert_eq!(value("a='x'"), Value::from("x"));
        assert_eq!(value("a=x=y"), Value::from("x=y"));
        assert_eq!(value("a=250 W"), Value::from("250 W"));
        assert_eq!(value("a=2026-01-01"), Value::from("2026-01-01"));
        assert_eq!(value("a="), Value::from(""));
        assert!(matches!(value("a=[1, 2]"), Value::Array(items) if items.len() == 2));
        assert!(matches!(value("a={ b = 1 }"), Value::Table(_)));
    }

    #[test]
    fn what_is_no_assignment_is_refused_with_an_example() {
        for text in ["a", "=1", "a b=1", "a..b=1", "a=nan"] {
            let fault = text.parse::<Assignment>().unwrap_err();
            assert_eq!(fault.origin, Some(origin(text)), "{text}");
        }
    }

    #[test]
    fn a_path_through_a_number_is_a_fault_and_changes_nothing() {
        let mut tree = Tree::new(super::super::Table::default(), Origin::Default);
        "a.b=1".parse::<Assignment>().unwrap().apply(&mut tree).unwrap();
        let before = tree.clone();
        let fault = "a.b.c=1".parse::<Assignment>().unwrap().apply(&mut tree).unwrap_err();
        assert!(fault.message.contains("leads through a whole number"));
        assert_eq!(tree, before);
    }
}
