//! A catalogue of the libraries of a test, asked with tables as scenarios write them.

use isotherm_core::config::{Faults, Node, SourceMap, Table, Tree, Value};
use isotherm_core::placement::PlacementSpec;
use isotherm_core::registry::Catalogue;
use isotherm_core::router::RouterSpec;
use isotherm_core::telemetry::TelemetrySpec;
use isotherm_plugin_host::{Discovery, Environment, Places, Plugins};

use crate::build::Libraries;

/// The plugins of `tests/c/controls.c`.
pub(crate) struct Controls {
    pub(crate) plugins: Plugins,
    pub(crate) file_name: String,
    _libraries: Libraries,
}

impl Controls {
    pub(crate) fn new() -> Option<Self> {
        let libraries = Libraries::new()?;
        let file = libraries.build("controls", "controls", &[]);
        let file_name = file.file_name().unwrap().to_string_lossy().into_owned();
        let places = Places { named: &[file], scenario: None, environment: &Environment::default() };
        Some(Self { plugins: Plugins::new(Discovery::search(&places)), file_name, _libraries: libraries })
    }

    /// The plugins of a library that has been built already.
    #[allow(dead_code)] // for the bench
    pub(crate) fn of_file(file: std::path::PathBuf) -> Self {
        let places = Places { named: &[file], scenario: None, environment: &Environment::default() };
        let libraries = Libraries::new().expect("a temporary folder");
        Self::of(Plugins::new(Discovery::search(&places)), libraries)
    }

    /// Plugins of other libraries.
    pub(crate) fn of(plugins: Plugins, libraries: Libraries) -> Self {
        Self { plugins, file_name: String::new(), _libraries: libraries }
    }

    /// How messages name something of the library.
    pub(crate) fn subject(&self, name: &str) -> String {
        format!("plugin `{name}` 0.3.1 ({})", self.file_name)
    }

    pub(crate) fn router(&self, options: &str) -> Result<Box<dyn RouterSpec>, String> {
        self.named_router("acme/controls", options)
    }

    pub(crate) fn named_router(&self, name: &str, options: &str) -> Result<Box<dyn RouterSpec>, String> {
        let table = Text::new(name, options);
        table.answer(|kind, options, faults| self.plugins.router(kind, options, "router[1]", faults))
    }

    pub(crate) fn telemetry(&self, options: &str) -> Result<Box<dyn TelemetrySpec>, String> {
        let table = Text::new("acme/echo", options);
        table.answer(|kind, options, faults| self.plugins.telemetry(kind, options, "telemetry", faults))
    }

    pub(crate) fn placement(&self, options: &str) -> Result<Box<dyn PlacementSpec>, String> {
        let table = Text::new("acme/reverse", options);
        table.answer(|kind, options, faults| self.plugins.placement(kind, options, "placement", faults))
    }
}

/// A table of a scenario.
struct Text {
    sources: SourceMap,
    kind: Node,
    options: Node,
}

impl Text {
    fn new(name: &str, options: &str) -> Self {
        let mut sources = SourceMap::new();
        let file = sources.add("a.toml", format!("kind = \"{name}\"\n{options}"));
        let tree = Tree::parse(&sources, file, &mut Faults::new()).unwrap();
        let Value::Table(mut table): Value = tree.root().value.clone() else { panic!("a table") };
        let kind = Table::remove(&mut table, "kind").unwrap();
        Self { sources, kind, options: Node::new(Value::Table(table), tree.root().origin.clone()) }
    }

    fn answer<S>(self, ask: impl FnOnce(&Node, &Node, &mut Faults) -> Option<S>) -> Result<S, String> {
        let mut faults = Faults::new();
        match ask(&self.kind, &self.options, &mut faults) {
            Some(spec) => {
                assert!(faults.is_empty(), "{faults}");
                Ok(spec)
            }
            None => {
                assert!(!faults.is_empty(), "a refusal has a reason");
                Err(faults.render(&self.sources))
            }
        }
    }
}
