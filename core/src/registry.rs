//! What can be named as `kind = "..."`: lists of what is linked in, and a catalogue of what libraries offer.

use crate::config::{Fault, FaultKind, Faults, Node, Value};
use crate::placement::PlacementSpec;
use crate::router::RouterSpec;
use crate::telemetry::TelemetrySpec;

/// One `kind = "..."` of a scenario.
///
/// A plugin crate keeps its kinds in a constant list beside the code; a test holds the list and the linked
/// implementations together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name a scenario uses.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The smallest table that works, as TOML.
    pub example: &'static str,
}

/// Finds kinds that are not linked in: those with a slash in their name, `owner/name`, which libraries offer.
///
/// Each method gets the `kind`, its table without that key, and the table's place in the scenario (`router[1]`, or empty where a fault is not
/// shown). `None` if and only if faults were pushed. What is known to be wrong with single options stands at their own places.
pub trait Catalogue: Sync {
    /// A router.
    fn router(&self, kind: &Node, options: &Node, place: &str, faults: &mut Faults) -> Option<Box<dyn RouterSpec>>;

    /// A telemetry source.
    fn telemetry(
        &self,
        kind: &Node,
        options: &Node,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Box<dyn TelemetrySpec>>;

    /// A placement policy.
    fn placement(
        &self,
        kind: &Node,
        options: &Node,
        place: &str,
        faults: &mut Faults,
    ) -> Option<Box<dyn PlacementSpec>>;
}

/// The catalogue of a program that loads no libraries: it refuses whatever it is asked for.
///
/// ```
/// use isotherm_core::config::{Faults, SourceMap, Tree};
/// use isotherm_core::registry::{Catalogue, NoLibraries};
/// let mut sources = SourceMap::new();
/// let mut faults = Faults::new();
/// let file = sources.add("a.toml", "kind = \"acme/cool-first\"\n");
/// let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
/// let kind = tree.at("kind").expect("it is there");
/// assert!(NoLibraries.router(kind, tree.root(), "router[0]", &mut faults).is_none());
/// assert!(faults.render(&sources).contains("no plugin is loaded"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NoLibraries;

impl NoLibraries {
    fn refuse<T>(kind: &Node, place: &str, faults: &mut Faults) -> Option<T> {
        let name = if let Value::String(name) = &kind.value { name } else { "" };
        faults.push(
            Fault::new(
                FaultKind::UnknownKind,
                format!("{place}.kind"),
                format!("no plugin is loaded that offers `{name}`"),
            )
            .origin(kind.origin.clone()),
        );
        None
    }
}

impl Catalogue for NoLibraries {
    fn router(&self, kind: &Node, _: &Node, place: &str, faults: &mut Faults) -> Option<Box<dyn RouterSpec>> {
        Self::refuse(kind, place, faults)
    }

    fn telemetry(&self, kind: &Node, _: &Node, place: &str, faults: &mut Faults) -> Option<Box<dyn TelemetrySpec>> {
        Self::refuse(kind, place, faults)
    }

    fn placement(&self, kind: &Node, _: &Node, place: &str, faults: &mut Faults) -> Option<Box<dyn PlacementSpec>> {
        Self::refuse(kind, place, faults)
    }
}
