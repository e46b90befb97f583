//! Scenarios as text again. Axes keep their order, which decides the order of the points; `toml::Table` would sort them.

use isotherm_core::config::{Node, Path, Tree, Value};
use isotherm_core::scenario::WorldPlan;

use super::libraries::{self, UsedPlugin};
use crate::fault::Fault;

/// The scenario as it will be run: every default written out, the sweep and the routers as given. `world` is the first, with all routers.
pub(super) fn resolved(world: &WorldPlan, tree: &Tree, plugins: &[UsedPlugin]) -> Result<String, Fault> {
    let mut table = toml::Table::try_from(&world.scenario).map_err(internal)?;
    let mut routers = Vec::new();
    let mut last = None;
    for variant in world.variants.iter().filter(|variant| variant.index.is_some()) {
        if last == variant.index {
            continue;
        }
        last = variant.index;
        let mut router = toml::Table::new();
        router.insert("name".to_owned(), toml::Value::String(variant.label.clone()));
        router.extend(toml::Table::try_from(variant.spec.as_ref()).map_err(internal)?);
        router.extend(toml::Table::try_from(&variant.options).map_err(internal)?);
        routers.push(toml::Value::Table(router));
    }
    table.insert("router".to_owned(), toml::Value::Array(routers));
    let text = text(table, tree, plugins)?;
    Ok(format!(
        "# The scenario as it was run: all defaults written out, paths from the directory isotherm was started in.\n{text}"
    ))
}

/// The scenario as it was given, in one file: with the assignments of the command line and the sections of the hardware in it. Unlike
/// [`resolved`] it has no defaults, which may be others at other points, so that it makes the same points whenever it is read.
pub(super) fn frozen(tree: &Tree, plugins: &[UsedPlugin]) -> Result<String, Fault> {
    let mut table = toml::Table::try_from(tree).map_err(internal)?;
    table.remove(SWEEP);
    let text = text(table, tree, plugins)?;
    Ok(format!("# The scenario as it was given, paths from the directory isotherm was started in.\n{text}"))
}

const SWEEP: &str = "sweep";

/// A scenario's sections with the sweep of `tree`, and with what says where its files are.
fn text(mut table: toml::Table, tree: &Tree, plugins: &[UsedPlugin]) -> Result<String, Fault> {
    table.insert("base_dir".to_owned(), toml::Value::String(".".to_owned()));
    if !plugins.is_empty() {
        let files = plugins.iter().map(|plugin| toml::Value::String(plugin.path.display().to_string()));
        table.insert(libraries::KEY.to_owned(), toml::Value::Array(files.collect()));
    }
    let Some(sweep) = tree.at(SWEEP) else { return toml::to_string(&table).map_err(internal) };
    // The sections are in the order of their names.
    let is_section = |value: &toml::Value| match value {
        toml::Value::Table(_) => true,
        toml::Value::Array(items) => !items.is_empty() && items.iter().all(toml::Value::is_table),
        _ => false,
    };
    let (after, before): (toml::Table, toml::Table) =
        table.into_iter().partition(|(key, value)| key.as_str() > SWEEP && is_section(value));
    let mut sections = vec![toml::to_string(&before).map_err(internal)?, sweep_section(sweep)?];
    if !after.is_empty() {
        sections.push(toml::to_string(&after).map_err(internal)?);
    }
    Ok(sections.join("\n"))
}

/// The `[sweep]` section. The order of its axes decides the order of the points, and that of the keys in a value how the value is called in tables:
/// everything stays where it was. Values with tables in them are written inline, for TOML would put `[[sweep.hardware]]` behind its neighbours.
fn sweep_section(sweep: &Node) -> Result<String, Fault> {
    let mut section = format!("[{SWEEP}]\n");
    let Value::Table(table) = &sweep.value else { return Ok(section) };
    let (groups, plain): (Vec<_>, Vec<_>) =
        table.entries().iter().partition(|entry| ["zip", "exclude"].contains(&entry.key.name.as_str()));
    for entry in plain {
        axes(&Path::root(), &entry.key.name, &entry.node, &mut section)?;
    }
    for entry in groups {
        let (items, brackets) = match &entry.node.value {
            Value::Array(items) => (items.as_slice(), ("[[", "]]")),
            _ => (std::slice::from_ref(&entry.node), ("[", "]")),
        };
        for item in items {
            section.push_str(&format!("\n{}{SWEEP}.{}{}\n", brackets.0, entry.key.name, brackets.1));
            let Value::Table(table) = &item.value else { continue };
            for own in table.entries() {
                match entry.key.name.as_str() {
                    "zip" => axes(&Path::root(), &own.key.name, &own.node, &mut section)?,
                    _ => line(&own.key.name, &own.node, &mut section)?,
                }
            }
        }
    }
    Ok(section)
}

/// Axes of nested tables are written with their whole paths.
fn axes(prefix: &Path, key: &str, node: &Node, into: &mut String) -> Result<(), Fault> {
    let own: Path = key.parse().map_err(|error| Fault::Internal(format!("{error}")))?;
    let path = own.segments().iter().fold(prefix.clone(), |path, segment| path.child(segment.clone()));
    match &node.value {
        Value::Table(inner) => inner.entries().iter().try_for_each(|e| axes(&path, &e.key.name, &e.node, into)),
        _ => line(&path.to_string(), node, into),
    }
}

fn line(key: &str, node: &Node, into: &mut String) -> Result<(), Fault> {
    into.push_str(&format!("{} = {}\n", word(key), inline(node)?));
    Ok(())
}

/// A key, in quotes where it needs them.
fn word(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if is_bare { key.to_owned() } else { toml::Value::String(key.to_owned()).to_string() }
}

/// A value on one line, the keys of its tables in their order.
fn inline(node: &Node) -> Result<String, Fault> {
    Ok(match &node.value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Result<Vec<_>, _>>()?.join(", ")),
        Value::Table(table) if table.entries().is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let pair = |e: &isotherm_core::config::Entry| Ok(format!("{} = {}", word(&e.key.name), inline(&e.node)?));
            format!("{{ {} }}", table.entries().iter().map(pair).collect::<Result<Vec<_>, Fault>>()?.join(", "))
        }
        _ => toml::Value::try_from(node).map_err(internal)?.to_string(),
    })
}

fn internal(error: impl std::fmt::Display) -> Fault {
    Fault::Internal(format!("the scenario cannot be written back: {error}"))
}
