//! An assignment to a key that is swept: the key has this one value, and is an axis no more.

use super::canonical;
use super::exclude::is_like;
use super::read::{EXCLUDE, ZIP, below};
use crate::config::{Assignment, Entry, Fault, FaultKind, Node, Path, Segment, Table, Tree, Value};

/// How an assignment and an axis meet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    /// The axis goes on: it is about something else, or about a part of what is assigned.
    Apart,
    /// The assignment is to all that the axis is about.
    Replaced,
    /// The axis would put its own value over the assignment.
    Overruled,
}

/// Takes the axis out of the `[sweep]` that an assignment is about, and out of zips and excludes: without this, the sweep would put its own
/// values over it. To be called before the assignment is applied.
///
/// ```
/// use isotherm_core::config::{Assignment, Faults, SourceMap, Tree};
/// use isotherm_core::scenario::fix;
/// let mut sources = SourceMap::new();
/// let file = sources.add("a.toml", "[sweep]\n\"router.lambda\" = [0.1, 0.2]\n\"model.top_k\" = [1, 2]\n");
/// let mut tree = Tree::parse(&sources, file, &mut Faults::new()).expect("valid TOML");
/// fix(&mut tree, &"router.lambda=0.3".parse::<Assignment>()?)?;
/// assert!(tree.at("sweep.\"router.lambda\"").is_none());
/// assert!(tree.at("sweep.\"model.top_k\"").is_some());
/// # Ok::<(), Box<isotherm_core::config::Fault>>(())
/// ```
///
/// # Errors
/// A fault if an axis is about more than the assignment: `router[1].lambda` where `router.lambda` is swept. The tree is then unchanged.
pub fn fix(tree: &mut Tree, assignment: &Assignment) -> Result<(), Box<Fault>> {
    let Some(Node { value: Value::Table(sweep), origin }) = tree.at("sweep").cloned() else { return Ok(()) };
    if matches!(assignment.path().segments().first(), Some(Segment::Key(key)) if key == "sweep") {
        return Ok(());
    }
    let mut left = Table::default();
    for Entry { key, node } in sweep.into_entries() {
        let node = match key.name.as_str() {
            ZIP => each_table(node, &|zip| {
                Ok(axes(zip, &Path::root(), assignment)?.filter(|zip| !zip.entries().is_empty()))
            })?,
            EXCLUDE => each_table(node, &|exclude| conditions(exclude, &Path::root(), assignment))?,
            _ => {
                let mut one = Table::default();
                one.insert(key.clone(), node);
                axes(one, &Path::root(), assignment)?.and_then(|mut one| one.remove(&key.name))
            }
        };
        if let Some(node) = node {
            left.insert(key, node);
        }
    }
    let section = Path::root().child(Segment::Key("sweep".to_owned()));
    // The section was found in this very tree.
    let _ = tree.set(&section, Value::Table(left), origin);
    Ok(())
}

/// The tables of `[[sweep.zip]]` and the like that are left by `keep`; `None` where none is.
fn each_table(
    node: Node,
    keep: &dyn Fn(Table) -> Result<Option<Table>, Box<Fault>>,
) -> Result<Option<Node>, Box<Fault>> {
    let Node { value, origin } = node;
    let value = match value {
        Value::Table(table) => keep(table)?.map(Value::Table),
        Value::Array(items) => {
            let items: Vec<Option<Node>> =
                items.into_iter().map(|item| each_table(item, keep)).collect::<Result<_, _>>()?;
            let items: Vec<Node> = items.into_iter().flatten().collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        other => Some(other),
    };
    Ok(value.map(|value| Node::new(value, origin)))
}

/// The axes that the assignment leaves; `None` where there were some and none is left.
fn axes(table: Table, prefix: &Path, assignment: &Assignment) -> Result<Option<Table>, Box<Fault>> {
    let mut left = Table::default();
    let was_empty = table.entries().is_empty();
    for Entry { key, node } in table.into_entries() {
        let path = below(prefix, &key.name);
        let node = match (path, node) {
            (Some(path), Node { value: Value::Table(inner), origin }) => {
                axes(inner, &path, assignment)?.map(|inner| Node::new(Value::Table(inner), origin))
            }
            (Some(path), node) => match meeting(&path, assignment.path()) {
                Meeting::Apart => Some(node),
                Meeting::Replaced => None,
                Meeting::Overruled => return Err(overruled(&path, assignment)),
            },
            // What is no path is refused when the section is read.
            (None, node) => Some(node),
        };
        if let Some(node) = node {
            left.insert(key, node);
        }
    }
    Ok((was_empty || !left.entries().is_empty()).then_some(left))
}

/// The conditions that the assignment leaves open; `None` if it can never be met again.
fn conditions(table: Table, prefix: &Path, assignment: &Assignment) -> Result<Option<Table>, Box<Fault>> {
    let mut left = Table::default();
    for Entry { key, node } in table.into_entries() {
        let Some(path) = below(prefix, &key.name) else {
            left.insert(key, node);
            continue;
        };
        if meeting(&path, assignment.path()) == Meeting::Replaced {
            let given = assignment.value();
            let one_of = |items: &[Node]| items.iter().any(|item| is_like(given, &item.value));
            let holds = is_like(given, &node.value) || matches!(&node.value, Value::Array(items) if one_of(items));
            if !holds {
                return Ok(None);
            }
            continue;
        }
        match node {
            Node { value: Value::Table(inner), origin } if !inner.entries().is_empty() => {
                let Some(inner) = conditions(inner, &path, assignment)? else { return Ok(None) };
                if !inner.entries().is_empty() {
                    left.insert(key, Node::new(Value::Table(inner), origin));
                }
            }
            node => left.insert(key, node),
        }
    }
    Ok(Some(left))
}

/// How the axis and the assignment meet. A path without an index is about every element.
fn meeting(axis: &Path, assigned: &Path) -> Meeting {
    let (axis, assigned) = (canonical(axis), canonical(assigned));
    let (mut axis, mut assigned) = (axis.segments(), assigned.segments());
    let mut is_part = false;
    loop {
        match (axis, assigned) {
            ([], []) => return if is_part { Meeting::Overruled } else { Meeting::Replaced },
            ([], _) => return Meeting::Overruled,
            (_, []) => return Meeting::Apart,
            ([a, rest_a @ ..], [b, rest_b @ ..]) if a == b => (axis, assigned) = (rest_a, rest_b),
            (_, [Segment::Index(_), rest @ ..]) if !matches!(axis.first(), Some(Segment::Index(_))) => {
                (is_part, assigned) = (true, rest);
            }
            ([Segment::Index(_), rest @ ..], _) if !matches!(assigned.first(), Some(Segment::Index(_))) => axis = rest,
            _ => return Meeting::Apart,
        }
    }
}

fn overruled(axis: &Path, assignment: &Assignment) -> Box<Fault> {
    let path = assignment.path();
    let message = format!("`{path}` is set, but the sweep over `{axis}` puts its own values there");
    let set = format!("--set 'sweep.\"{axis}\"=[...]'");
    Box::new(
        Fault::new(FaultKind::Assignment, path.to_string(), message)
            .origin(assignment.origin())
            .expected(format!("an assignment to all of `{axis}`, which replaces its axis, or another axis"))
            .example(set),
    )
}
