//! The catalogue of libraries: opens what a scenario names, when it is named, and remembers what was used.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Mutex, PoisonError};

use isotherm_core::config::{Fault, FaultKind, Faults, Node, Path, Segment, TAG, Value};
use isotherm_core::load::{Load, LoadError, LoadShape};
use isotherm_core::placement::PlacementSpec;
use isotherm_core::registry::Catalogue;
use isotherm_core::router::RouterSpec;
use isotherm_core::telemetry::TelemetrySpec;

use crate::discovery::Discovery;
use crate::inspection::{Inspection, inspect};
use crate::label::{Item, Kind, is_plugin_name};
use crate::library::Library;
use crate::load::LoadedLoad;
use crate::offer::Offer;
use crate::placement::LoadedPlacement;
use crate::router::LoadedRouter;
use crate::tables::Functions;
use crate::telemetry::LoadedTelemetry;

/// What libraries offer to scenarios. A library is opened when a scenario first names something of it.
///
/// ```
/// use isotherm_core::{config::{Faults, SourceMap, Tree}, registry::Catalogue};
/// use isotherm_plugin_host::{Discovery, Environment, Places, Plugins};
/// let environment = Environment::default();
/// let plugins = Plugins::new(Discovery::search(&Places { named: &[], scenario: None, environment: &environment }));
/// let mut sources = SourceMap::new();
/// let mut faults = Faults::new();
/// let file = sources.add("a.toml", "kind = \"acme/x\"\n");
/// let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
/// let kind = tree.at("kind").expect("it is there");
/// assert!(plugins.router(kind, tree.root(), "router[0]", &mut faults).is_none());
/// assert!(faults.render(&sources).contains("no plugin offers the router `acme/x`"));
/// assert!(plugins.used().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Plugins {
    discovery: Discovery,
    used: Mutex<BTreeMap<Item, Provenance>>,
}

/// Where something that a run has used comes from: enough to tie a result to a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// What was used, and by which name.
    pub item: Item,
    /// The package it is of.
    pub package: String,
    /// The package's version.
    pub version: String,
    /// The interface it was built for.
    pub abi: (u16, u16),
    /// The file, without links and relative parts.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Provenance {
    /// Where something that a file offers comes from.
    ///
    /// ```
    /// use isotherm_plugin_host::{FileKind, Inspection, Provenance};
    /// let label: isotherm_plugin_host::Label = "abi 1.0\npackage acme\nversion 0.3.1\nrouter acme/x\n".parse()?;
    /// let item = label.items[0].clone();
    /// let module = Inspection::new("a.wasm".as_ref(), "/routers/a.wasm".into(), FileKind::WebAssembly, label, b"\0asm");
    /// let provenance = Provenance::new(item, &module);
    /// assert_eq!((provenance.package.as_str(), provenance.version.as_str()), ("acme", "0.3.1"));
    /// # Ok::<(), isotherm_plugin_host::LabelFault>(())
    /// ```
    #[must_use]
    pub fn new(item: Item, inspection: &Inspection) -> Self {
        Self {
            item,
            package: inspection.label.package.clone(),
            version: inspection.label.version.clone(),
            abi: inspection.label.abi,
            path: inspection.path.clone(),
            sha256: inspection.sha256.clone(),
        }
    }
}

impl Plugins {
    /// What the found libraries offer. Opens none of them.
    #[must_use]
    pub fn new(discovery: Discovery) -> Self {
        Self { discovery, used: Mutex::default() }
    }

    /// What was found.
    #[must_use]
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// Everything that scenarios have got from libraries so far, by kind and name.
    #[must_use]
    pub fn used(&self) -> Vec<Provenance> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Makes a load: `name` is `owner/name`, or the file of a library that offers one load and may be anywhere. `options` is a JSON object. The devices
    /// of `shape` are opened, and the weights of all experts put on each of them.
    ///
    /// ```
    /// use isotherm_core::load::LoadShape;
    /// use isotherm_plugin_host::Plugins;
    /// let shape = LoadShape { devices: vec![0, 1], experts: 8, top_k: 2, d_model: 4096, d_ff: 14336, matrices: 3 };
    /// let error = Plugins::default().load("isotherm/experts", &shape, "{}").err().expect("no library is known");
    /// assert!(error.to_string().starts_with("no plugin offers the load `isotherm/experts`"), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`LoadError::Unfit`] if no library offers it, or with what the library has to say about options, devices and memory.
    pub fn load(&self, name: &str, shape: &LoadShape, options: &str) -> Result<Box<dyn Load>, LoadError> {
        let (library, item) = self.open_load(name)?;
        let Some(Functions::Load(functions)) = library.functions(&item).copied() else {
            return Err(LoadError::Unfit(format!("{} offers no load `{}`", library.title(), item.name)));
        };
        let load = LoadedLoad::new(library, &item.name, functions, shape, options)?;
        self.remember(&Offer { library, item });
        Ok(Box::new(load))
    }

    fn open_load(&self, name: &str) -> Result<(&'static Library, Item), LoadError> {
        let unfit = |error: &dyn std::fmt::Display| LoadError::Unfit(error.to_string());
        let file = FilePath::new(name);
        if is_plugin_name(name) && !file.exists() {
            let inspection = self.discovery.resolve(Kind::Load, name).map_err(|unknown| unfit(&unknown))?;
            let library = Library::open_inspected(inspection).map_err(|refusal| unfit(&refusal))?;
            return Ok((library, Item { kind: Kind::Load, name: name.to_owned() }));
        }
        // Looked at before it is opened: what offers no load has no reason to run.
        let inspection = inspect(file).map_err(|refusal| unfit(&refusal))?;
        let mut loads = inspection.label.items.iter().filter(|item| item.kind == Kind::Load);
        match (loads.next(), loads.next()) {
            (Some(item), None) => {
                let library = Library::open_inspected(&inspection).map_err(|refusal| unfit(&refusal))?;
                Ok((library, item.clone()))
            }
            (None, _) => Err(unfit(&format_args!(
                "{name}: offers no load; expected a library such as that of `isotherm/experts`"
            ))),
            (Some(one), Some(other)) => Err(unfit(&format_args!(
                "{name}: offers the loads `{}` and `{}`, perhaps more; expected the name of one, with the library named by `--plugin {name}`",
                one.name, other.name
            ))),
        }
    }

    /// The library that a name means, opened.
    fn open(&self, kind: Kind, node: &Node, place: &Path, faults: &mut Faults) -> Option<Offer> {
        let name = match &node.value {
            Value::String(name) => name.as_str(),
            _ => "",
        };
        let inspection = match self.discovery.resolve(kind, name) {
            Ok(inspection) => inspection,
            Err(unknown) => {
                let pointer = place.child(Segment::Key(TAG.to_owned())).to_string();
                let fault = Fault::new(FaultKind::UnknownKind, pointer, unknown.message).origin(node.origin.clone());
                faults.push(fault.expected(unknown.expected).hint(unknown.hint));
                return None;
            }
        };
        match Library::open_inspected(inspection) {
            Ok(library) => Some(Offer { library, item: Item { kind, name: name.to_owned() } }),
            Err(refusal) => {
                faults.push(refusal.to_fault(node, place));
                None
            }
        }
    }

    fn remember(&self, offer: &Offer) {
        let provenance = Provenance::new(offer.item.clone(), offer.library.inspection());
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(offer.item.clone(), provenance);
    }

    /// Opens what a name means and makes a spec of it.
    fn spec<S>(
        &self,
        kind: Kind,
        (node, place): (&Node, &str),
        faults: &mut Faults,
        make: impl FnOnce(&Offer, Functions, &Path, &mut Faults) -> Option<S>,
    ) -> Option<S> {
        let place: Path = place.parse().unwrap_or_default();
        let offer = self.open(kind, node, &place, faults)?;
        // A library that is open offers what its label says.
        let spec = make(&offer, offer.functions()?, &place, faults)?;
        self.remember(&offer);
        Some(spec)
    }
}

impl Catalogue for Plugins {
    fn router(&self, kind: &Node, options: &Node, place: &str, faults: &mut Faults) -> Option<Box<dyn RouterSpec>> {
        self.spec(Kind::Router, (kind, place), faults, |offer, functions, place, faults| {
            let Functions::Router(functions) = functions else { return None };
            Some(Box::new(LoadedRouter::new(offer, functions, options, place, faults)?) as Box<dyn RouterSpec>)
        })
    }

    fn telemetry(
        &self,
        kind: &Node,
        options: &Node,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Box<dyn TelemetrySpec>> {
        self.spec(Kind::Telemetry, (kind, place), faults, |offer, functions, place, faults| {
            let Functions::Telemetry(functions) = functions else { return None };
            Some(Box::new(LoadedTelemetry::new(offer, functions, options, place, faults)?) as Box<dyn TelemetrySpec>)
        })
    }

    fn placement(
        &self,
        kind: &Node,
        options: &Node,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Box<dyn PlacementSpec>> {
        self.spec(Kind::Placement, (kind, place), faults, |offer, functions, place, faults| {
            let Functions::Placement(functions) = functions else { return None };
            Some(Box::new(LoadedPlacement::new(offer, functions, options, place, faults)?) as Box<dyn PlacementSpec>)
        })
    }
}
