//! Scenarios as text again. Axes keep their order, which decides the order of the points; `toml::Table` would sort them.

use isotherm_core::config::{Node, Path, Tree, Value};
use isotherm_core::scenario::WorldPlan;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::libraries::{self, UsedPlugin};
use crate::fault::Fault;

/// Keys and values in the order in which they are written.
struct Section(Vec<(String, Item)>);

enum Item {
    Value(toml::Value),
    Section(Section),
    Sections(Vec<Section>),
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, item) in &self.0 {
            match item {
                Item::Value(value) => map.serialize_entry(key, value)?,
                Item::Section(section) => map.serialize_entry(key, section)?,
                Item::Sections(sections) => map.serialize_entry(key, sections)?,
            }
        }
        map.end()
    }
}

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
    let mut whole: Vec<(String, Item)> = table.into_iter().map(|(key, value)| (key, Item::Value(value))).collect();
    if let Some(sweep) = tree.at(SWEEP) {
        let at = whole.partition_point(|(key, _)| key.as_str() < SWEEP);
        whole.insert(at, (SWEEP.to_owned(), Item::Section(sweep_section(sweep)?)));
    }
    toml::to_string(&Section(whole)).map_err(internal)
}

fn sweep_section(sweep: &Node) -> Result<Section, Fault> {
    let mut section = Vec::new();
    let Value::Table(table) = &sweep.value else { return Ok(Section(section)) };
    for entry in table.entries() {
        let key = entry.key.name.clone();
        match (key.as_str(), &entry.node.value) {
            ("exclude", _) => section.push((key, Item::Value(toml_value(&entry.node)?))),
            ("zip", Value::Array(items)) => {
                let zips: Vec<Section> = items.iter().map(axes).collect::<Result<_, _>>()?;
                section.push((key, Item::Sections(zips)));
            }
            ("zip", _) => section.push((key, Item::Section(axes(&entry.node)?))),
            (_, _) => collect(&Path::root(), &key, &entry.node, &mut section)?,
        }
    }
    Ok(Section(section))
}

/// The axes of a table.
fn axes(node: &Node) -> Result<Section, Fault> {
    let mut section = Vec::new();
    if let Value::Table(table) = &node.value {
        for entry in table.entries() {
            collect(&Path::root(), &entry.key.name, &entry.node, &mut section)?;
        }
    }
    Ok(Section(section))
}

/// Axes of nested tables are written with their whole paths: TOML would put tables behind their neighbours.
fn collect(prefix: &Path, key: &str, node: &Node, into: &mut Vec<(String, Item)>) -> Result<(), Fault> {
    let own: Path = key.parse().map_err(|error| Fault::Internal(format!("{error}")))?;
    let path = own.segments().iter().fold(prefix.clone(), |path, segment| path.child(segment.clone()));
    match &node.value {
        Value::Table(inner) => inner.entries().iter().try_for_each(|e| collect(&path, &e.key.name, &e.node, into)),
        _ => {
            into.push((path.to_string(), Item::Value(toml_value(node)?)));
            Ok(())
        }
    }
}

fn toml_value(node: &Node) -> Result<toml::Value, Fault> {
    toml::Value::try_from(node).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Fault {
    Fault::Internal(format!("the scenario cannot be written back: {error}"))
}
