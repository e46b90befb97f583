//! Routers of WebAssembly modules beside what native libraries offer, under one rule: of two files that offer a name, the one found first is
//! meant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use isotherm_core::config::{Fault, FaultKind, Faults, Node, Path, Value};
use isotherm_core::placement::PlacementSpec;
use isotherm_core::registry::Catalogue;
use isotherm_core::router::RouterSpec;
use isotherm_core::telemetry::TelemetrySpec;
use isotherm_plugin_host::{Discovery, FileKind, Inspection, Item, Kind, Plugins, Provenance, Refusal, options};
use isotherm_plugin_wasm::{Limits, Module, OptionsFault};

/// What libraries and modules offer to scenarios. A module is compiled when a scenario first names a router of it.
#[derive(Debug)]
pub(super) struct PluginsAndModules {
    plugins: Plugins,
    /// Modules by the files they come from: points of a sweep share them.
    opened: Mutex<BTreeMap<PathBuf, Module>>,
    used: Mutex<BTreeMap<Item, Provenance>>,
}

impl PluginsAndModules {
    pub(super) fn new(discovery: Discovery) -> Self {
        Self { plugins: Plugins::new(discovery), opened: Mutex::default(), used: Mutex::default() }
    }

    /// Everything that scenarios have got so far, by kind and name.
    pub(super) fn used(&self) -> Vec<Provenance> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner).clone();
        used.extend(self.plugins.used().into_iter().map(|provenance| (provenance.item.clone(), provenance)));
        used.into_values().collect()
    }

    /// The module that a router's name means, if it means one, and the name.
    fn named(&self, kind: &Node) -> Option<(&Inspection, Item)> {
        let Value::String(name) = &kind.value else { return None };
        let inspection = self.plugins.discovery().resolve(Kind::Router, name).ok()?;
        let item = Item { kind: Kind::Router, name: name.clone() };
        (inspection.format == FileKind::WebAssembly).then_some((inspection, item))
    }

    fn open(&self, inspection: &Inspection) -> Result<Module, Refusal> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = opened.get(&inspection.path) {
            return Ok(module.clone());
        }
        let module = Module::open(&inspection.file, Limits::default())?;
        opened.insert(inspection.path.clone(), module.clone());
        Ok(module)
    }

    fn remember(&self, item: Item, module: &Module) {
        let provenance = Provenance::new(item.clone(), module.inspection());
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(item, provenance);
    }
}

/// A router of a module with the options of a table. What is wrong with them stands at their lines.
fn router_of(
    module: &Module,
    item: &Item,
    table: &Node,
    place: &Path,
    faults: &mut Faults,
) -> Option<Box<dyn RouterSpec>> {
    let given = options::read(table, module.manifest().entry(item), place, faults)?;
    match module.router(&item.name, &given) {
        Ok(router) => return Some(Box::new(router)),
        Err(OptionsFault::Options { subject, reports }) => {
            options::push_reports(&reports, &subject, table, place, faults);
        }
        Err(fault) => {
            let fault = Fault::new(FaultKind::Invalid, place.to_string(), fault.to_string());
            faults.push(fault.origin(table.origin.clone()));
        }
    }
    None
}

impl Catalogue for PluginsAndModules {
    fn router(&self, kind: &Node, options: &Node, place: &str, faults: &mut Faults) -> Option<Box<dyn RouterSpec>> {
        let Some((inspection, item)) = self.named(kind) else {
            return self.plugins.router(kind, options, place, faults);
        };
        let place: Path = place.parse().unwrap_or_default();
        match self.open(inspection) {
            Ok(module) => {
                let router = router_of(&module, &item, options, &place, faults)?;
                self.remember(item, &module);
                Some(router)
            }
            Err(refusal) => {
                faults.push(refusal.to_fault(kind, &place));
                None
            }
        }
    }

    fn telemetry(
        &self,
        kind: &Node,
        options: &Node,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Box<dyn TelemetrySpec>> {
        self.plugins.telemetry(kind, options, place, faults)
    }

    fn placement(
        &self,
        kind: &Node,
        options: &Node,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Box<dyn PlacementSpec>> {
        self.plugins.placement(kind, options, place, faults)
    }
}
