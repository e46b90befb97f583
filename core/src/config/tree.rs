//! The scenario as a tree: finding, setting and overlaying values.

use super::origin::Origin;
use super::path::{Path, PathError, Segment};
use super::value::{Entry, Key, Node, Table, Value};

/// A whole scenario: a table with a root.
///
/// ```
/// use isotherm_core::config::{Faults, Origin, SourceMap, Tree, Value};
/// let mut sources = SourceMap::new();
/// let file = sources.add("a.toml", "[[router]]\nlambda = 0.1\n[[router]]\nlambda = 0.2\n");
/// let mut tree = Tree::parse(&sources, file, &mut Faults::new()).expect("valid TOML");
/// assert_eq!(tree.at("router[1].lambda").map(|node| &node.value), Some(&Value::Float(0.2)));
///
/// // No index: every router is meant.
/// let changed = tree.set(&"router.lambda".parse()?, Value::Float(0.5), Origin::Default)?;
/// assert_eq!(changed, 2);
/// # Ok::<(), isotherm_core::config::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    root: Node,
}

impl Tree {
    /// A tree with the given table as its root.
    #[must_use]
    pub fn new(table: Table, origin: Origin) -> Self {
        Self { root: Node::new(Value::Table(table), origin) }
    }

    /// The root, always a table; what [`deserialize`](super::deserialize) takes.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The node at a concrete path; `None` where nothing is, or when the path has `[*]`.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Node> {
        path.segments().iter().try_fold(&self.root, |node, segment| step(node, segment))
    }

    /// The node at a path given as text; `None` also when the text is no path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        self.get(&path.parse().ok()?)
    }

    /// The node at a path or, where there is none, at its nearest ancestor.
    pub(super) fn nearest_node(&self, path: &Path) -> &Node {
        let mut node = &self.root;
        for segment in path.segments() {
            match step(node, segment) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// The concrete paths that `path` means here: `[*]`, and a key asked of an array, stand for every element.
    ///
    /// Keys that do not exist yet stay as they are, so that [`set`](Self::set) can make them. The result is
    /// empty where the path leads nowhere: an index out of range, or a step into a number.
    ///
    /// ```
    /// # use isotherm_core::config::{Faults, SourceMap, Tree};
    /// # let mut sources = SourceMap::new();
    /// let file = sources.add("a.toml", "router = [{ lambda = 1 }, {}]\n");
    /// let tree = Tree::parse(&sources, file, &mut Faults::new()).expect("valid TOML");
    /// let paths: Vec<String> =
    ///     tree.paths_matching(&"router.lambda".parse()?).iter().map(ToString::to_string).collect();
    /// assert_eq!(paths, ["router[0].lambda", "router[1].lambda"]);
    /// # Ok::<(), isotherm_core::config::PathError>(())
    /// ```
    #[must_use]
    pub fn paths_matching(&self, path: &Path) -> Vec<Path> {
        let mut found = Vec::new();
        expand(Some(&self.root), path.segments(), &mut Vec::new(), &mut found);
        found
    }

    /// Sets a value at every place that `path` means, makes missing tables, and says how many places.
    ///
    /// # Errors
    /// [`PathError::NoPlace`] when the path leads nowhere or names the root. The tree is then unchanged.
    pub fn set(&mut self, path: &Path, value: Value, origin: Origin) -> Result<usize, PathError> {
        if path.segments().is_empty() {
            return Err(self.no_place(path));
        }
        let places = self.paths_matching(path);
        if places.is_empty() {
            return Err(self.no_place(path));
        }
        for place in &places {
            let node = Node::new(value.clone(), origin.clone());
            put(&mut self.root, place.segments(), node);
        }
        Ok(places.len())
    }

    /// Lays `over` on top of this tree: tables merge key by key, anything else is replaced as a whole.
    ///
    /// This is what `extends` means: the base first, then the file that extends it.
    pub fn overlay(&mut self, over: Self) {
        merge(&mut self.root, over.root);
    }

    fn no_place(&self, path: &Path) -> PathError {
        let why = if path.segments().is_empty() {
            "it names the whole scenario, not a key".to_owned()
        } else {
            let blocker = self.nearest_node(path);
            match &blocker.value {
                Value::Array(items) if items.is_empty() => "it leads through an empty array".to_owned(),
                Value::Array(items) => format!("it leads through an array of {} element(s), from 0", items.len()),
                other => format!("it leads through {}", other.type_name()),
            }
        };
        PathError::NoPlace { path: path.clone(), why }
    }
}

fn step<'n>(node: &'n Node, segment: &Segment) -> Option<&'n Node> {
    match (&node.value, segment) {
        (Value::Table(table), Segment::Key(key)) => table.get(key),
        (Value::Array(items), Segment::Index(index)) => items.get(*index),
        _ => None,
    }
}

/// Walks `rest` from `node`, which is `None` below the point where the tree ends.
fn expand(node: Option<&Node>, rest: &[Segment], trail: &mut Vec<Segment>, found: &mut Vec<Path>) {
    let Some((first, after)) = rest.split_first() else {
        found.push(trail.clone().into());
        return;
    };
    let mut descend = |node: Option<&Node>, segment: Segment, after: &[Segment]| {
        trail.push(segment);
        expand(node, after, trail, found);
        trail.pop();
    };
    match (node.map(|node| &node.value), first) {
        (Some(Value::Table(table)), Segment::Key(key)) => {
            descend(table.get(key), first.clone(), after);
        }
        (Some(Value::Array(items)), Segment::Key(_)) => {
            for (index, item) in items.iter().enumerate() {
                descend(Some(item), Segment::Index(index), rest);
            }
        }
        (Some(Value::Array(items)), Segment::Every) => {
            for (index, item) in items.iter().enumerate() {
                descend(Some(item), Segment::Index(index), after);
            }
        }
        (Some(Value::Array(items)), Segment::Index(index)) if *index < items.len() => {
            descend(items.get(*index), first.clone(), after);
        }
        (None, Segment::Key(_)) => descend(None, first.clone(), after),
        _ => {}
    }
}

/// Puts a node at a path from [`expand`], which only leads through tables, elements and missing tables.
fn put(root: &mut Node, path: &[Segment], node: Node) {
    let Some((first, after)) = path.split_first() else {
        *root = node;
        return;
    };
    match (&mut root.value, first) {
        (Value::Array(items), Segment::Index(index)) => {
            if let Some(item) = items.get_mut(*index) {
                put(item, after, node);
            }
        }
        (Value::Table(table), Segment::Key(name)) => {
            let key = Key { name: name.clone(), origin: node.origin.clone() };
            if after.is_empty() {
                table.insert(key, node);
            } else {
                if table.get(name).is_none() {
                    let empty = Node::new(Value::Table(Table::default()), node.origin.clone());
                    table.insert(key, empty);
                }
                if let Some(child) = table.get_mut(name) {
                    put(child, after, node);
                }
            }
        }
        _ => {}
    }
}

fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Table(below), Value::Table(above)) => {
            for Entry { key, node } in above.into_entries() {
                match below.get_mut(&key.name) {
                    Some(old) => merge(old, node),
                    None => below.insert(key, node),
                }
            }
            base.origin = over.origin;
        }
        (_, value) => *base = Node::new(value, over.origin),
    }
}
