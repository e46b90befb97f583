//! The scenario as it will be run, as a text that can be run again.

use isotherm_core::config::Tree;
use isotherm_core::scenario::WorldPlan;

use super::libraries::{self, UsedPlugin};
use crate::fault::Fault;

/// The scenario as it will be run: every default written out, the sweep and the routers as given.
pub(super) fn text(world: &WorldPlan, tree: &Tree, plugins: &[UsedPlugin]) -> Result<String, Fault> {
    let internal =
        |error: &dyn std::fmt::Display| Fault::Internal(format!("the scenario cannot be written back: {error}"));
    let mut table = toml::Table::try_from(&world.scenario).map_err(|error| internal(&error))?;
    table.insert("base_dir".to_owned(), toml::Value::String(".".to_owned()));
    if !plugins.is_empty() {
        let files = plugins.iter().map(|plugin| toml::Value::String(plugin.path.display().to_string()));
        table.insert(libraries::KEY.to_owned(), toml::Value::Array(files.collect()));
    }
    let mut routers = Vec::new();
    let mut last = None;
    for variant in world.variants.iter().filter(|variant| variant.index.is_some()) {
        if last == variant.index {
            continue;
        }
        last = variant.index;
        let mut router = toml::Table::new();
        router.insert("name".to_owned(), toml::Value::String(variant.label.clone()));
        router.extend(toml::Table::try_from(variant.spec.as_ref()).map_err(|error| internal(&error))?);
        router.extend(toml::Table::try_from(&variant.options).map_err(|error| internal(&error))?);
        routers.push(toml::Value::Table(router));
    }
    table.insert("router".to_owned(), toml::Value::Array(routers));
    if let Some(sweep) = tree.at("sweep") {
        table.insert("sweep".to_owned(), toml::Value::try_from(sweep).map_err(|error| internal(&error))?);
    }
    let text = toml::to_string(&table).map_err(|error| internal(&error))?;
    Ok(format!(
        "# The scenario as it was run: all defaults written out, paths from the directory isotherm was started in.\n{text}"
    ))
}
