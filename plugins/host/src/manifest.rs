//! What a library says of itself once it is open: versions, and for each thing it offers its documentation and the schema of its options.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::label::{Item, Kind};

/// The manifest of a library. Whatever it leaves out is empty.
///
/// ```
/// use isotherm_plugin_host::{Item, Kind, Manifest};
/// let text = r#"{"version": "0.3.1", "items": [{"kind": "router", "name": "acme/a", "summary": "Cool first."}]}"#;
/// let manifest: Manifest = text.parse()?;
/// let item = Item { kind: Kind::Router, name: "acme/a".to_owned() };
/// assert_eq!(manifest.entry(&item).map(|entry| entry.summary.as_str()), Some("Cool first."));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of the package.
    pub version: String,
    /// What the package is for.
    pub description: String,
    /// Its licence.
    pub license: String,
    /// Where its author can be found.
    pub homepage: String,
    /// What it was built with: `isotherm-plugin 1.0.0`.
    pub sdk: String,
    /// What a panic of it does: `unwind` or `abort`.
    pub panic: String,
    /// What it offers.
    pub items: Vec<ManifestEntry>,
}

/// What a manifest says of one thing that the library offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ManifestEntry {
    /// `router`, `telemetry`, `placement` or `load`.
    pub kind: String,
    /// `owner/name`.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// All there is to say.
    pub docs: String,
    /// JSON schema of the options; null where everything is accepted.
    pub options: Value,
    /// Options that work, as an object.
    pub example: Value,
}

impl std::str::FromStr for Manifest {
    type Err = serde_json::Error;

    /// Reads a manifest; the empty text is an empty manifest, and keys that are not known are passed over.
    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        if text.trim().is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }
}

impl Manifest {
    /// What it says of one thing that the library offers.
    #[must_use]
    pub fn entry(&self, item: &Item) -> Option<&ManifestEntry> {
        self.items.iter().find(|entry| entry.kind == item.kind.word() && entry.name == item.name)
    }
}

impl ManifestEntry {
    /// What it is; `None` for something of a later interface.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == self.kind)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> impl Strategy<Value = ManifestEntry> {
        ("[a-z]{1,9}", "[a-z]{1,5}/[a-z]{1,5}", any::<String>(), any::<f64>()).prop_map(|(kind, name, summary, x)| {
            let x = if x.is_finite() { x } else { 0.5 };
            let options = serde_json::json!({"type": "object", "properties": {"x": {"default": x}}});
            ManifestEntry { kind, name, summary, options, ..ManifestEntry::default() }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(version in any::<String>(), items in prop::collection::vec(entries(), 0..4)) {
            let manifest = Manifest { version, items, ..Manifest::default() };
            let text = serde_json::to_string(&manifest).unwrap();
            prop_assert_eq!(text.parse::<Manifest>().unwrap(), manifest);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), json in r#"[\{\["a-z:,0-9 nul]{0,40}"#) {
            let _ = text.parse::<Manifest>();
            let _ = json.parse::<Manifest>();
        }
    }

    #[test]
    fn nesting_without_end_is_an_error() {
        assert!(format!("{}{}", r#"{"options":"#, "[".repeat(100_000)).parse::<Manifest>().is_err());
        assert_eq!("".parse::<Manifest>().unwrap(), Manifest::default());
    }
}
