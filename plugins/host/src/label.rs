//! The label in the data of a library: what it offers, read before any of its code runs.

use std::fmt;
use std::str::FromStr;

use isotherm_plugin_abi::label::MAGIC;
use thiserror::Error;

/// More bytes than any label has. What begins like one and does not end is none.
const LONGEST: usize = 64 * 1024;

/// What a scenario can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A router: `kind` of a `[[router]]`.
    Router,
    /// A telemetry source: `kind` of `[telemetry]`.
    Telemetry,
    /// A placement policy: `kind` of `[placement]`.
    Placement,
    /// A load of live runs. Since interface 1.1.
    Load,
}

impl Kind {
    /// All of them, in the order of lists.
    pub const ALL: [Self; 4] = [Self::Router, Self::Telemetry, Self::Placement, Self::Load];

    /// The word that labels and manifests use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Telemetry => "telemetry",
            Self::Placement => "placement",
            Self::Load => "load",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Telemetry => "telemetry source",
            Self::Placement => "placement",
            Self::Load => "load",
        }
    }
}

/// One thing that a library offers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// `owner/name`.
    pub name: String,
}

/// What a library says of itself.
///
/// ```
/// use isotherm_plugin_host::{Kind, Label};
/// let label: Label = "abi 1.0\npackage acme-routers\nversion 0.3.1\nrouter acme/cool-first\n".parse()?;
/// assert_eq!((label.abi, label.items[0].kind), ((1, 0), Kind::Router));
/// assert_eq!(label.to_string().parse(), Ok(label));
/// # Ok::<(), isotherm_plugin_host::LabelFault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The interface it was built for: first and second number.
    pub abi: (u16, u16),
    /// Name of the package it comes from.
    pub package: String,
    /// Version of the package.
    pub version: String,
    /// What it offers, in its own order.
    pub items: Vec<Item>,
}

/// Why text is no label.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelFault {
    /// A line that must be there is not.
    #[error("no line `{0}`")]
    Missing(&'static str),
    /// A line that may stand once stands twice.
    #[error("two lines `{0}`")]
    Twice(&'static str),
    /// The interface is not two numbers.
    #[error("the interface `{0}`, not two numbers such as 1.0")]
    Interface(String),
    /// A name that scenarios cannot use.
    #[error("the name `{0}`, not lower-case letters, digits and hyphens around one slash")]
    Name(String),
    /// One name twice for one kind of thing.
    #[error("the {} `{}` twice", .0.kind.noun(), .0.name)]
    Duplicate(Item),
    /// Nothing that a scenario could name.
    #[error("nothing that scenarios can name")]
    NothingOffered,
    /// Labels that say different things.
    #[error("two labels, of `{0}` and of `{1}`")]
    Several(String, String),
    /// No zero byte within the bytes that a label may have.
    #[error("no end within {LONGEST} bytes")]
    Endless,
    /// Bytes that are no text.
    #[error("bytes that are no text")]
    NoText,
}

/// Whether scenarios can use a name: lower-case letters, digits and hyphens around one slash.
///
/// ```
/// use isotherm_plugin_host::is_plugin_name;
/// assert!(is_plugin_name("acme/cool-first"));
/// assert!(!is_plugin_name("acme") && !is_plugin_name("acme/Cool") && !is_plugin_name("/x"));
/// ```
#[must_use]
pub fn is_plugin_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    name.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

impl FromStr for Label {
    type Err = LabelFault;

    /// Reads the lines of a label; keys that are not known are passed over.
    fn from_str(text: &str) -> Result<Self, LabelFault> {
        let (mut abi, mut package, mut version) = (None, None, None);
        let mut items = Vec::new();
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "abi" => once("abi", &mut abi, interface(value)?)?,
                "package" => once("package", &mut package, value.to_owned())?,
                "version" => once("version", &mut version, value.to_owned())?,
                _ => {
                    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == key) {
                        items.push(item(kind, value, &items)?);
                    }
                }
            }
        }
        let abi = abi.ok_or(LabelFault::Missing("abi"))?;
        let package = package.ok_or(LabelFault::Missing("package"))?;
        let version = version.ok_or(LabelFault::Missing("version"))?;
        if items.is_empty() {
            return Err(LabelFault::NothingOffered);
        }
        Ok(Self { abi, package, version, items })
    }
}

fn once<T>(key: &'static str, place: &mut Option<T>, value: T) -> Result<(), LabelFault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(LabelFault::Twice(key)),
    }
}

fn interface(value: &str) -> Result<(u16, u16), LabelFault> {
    let numbers = value.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    numbers.ok_or_else(|| LabelFault::Interface(value.to_owned()))
}

fn item(kind: Kind, name: &str, before: &[Item]) -> Result<Item, LabelFault> {
    if !is_plugin_name(name) {
        return Err(LabelFault::Name(name.to_owned()));
    }
    let item = Item { kind, name: name.to_owned() };
    if before.contains(&item) { Err(LabelFault::Duplicate(item)) } else { Ok(item) }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "abi {}.{}", self.abi.0, self.abi.1)?;
        writeln!(f, "package {}", self.package)?;
        writeln!(f, "version {}", self.version)?;
        self.items.iter().try_for_each(|item| writeln!(f, "{} {}", item.kind.word(), item.name))
    }
}

/// The label in the bytes of a file; `None` where there is none.
///
/// The words that begin a label may also stand where a program looks for labels. So what begins like one and is none is passed over
/// where another is found. A universal library of macOS has one for each processor.
///
/// # Errors
/// The fault of the first label, if none can be read, or that two differ.
pub fn find_label(bytes: &[u8]) -> Result<Option<Label>, LabelFault> {
    let mut found: Option<Label> = None;
    let mut fault = None;
    for at in memchr::memmem::find_iter(bytes, MAGIC[0]) {
        let Some(rest) = bytes[at + MAGIC[0].len()..].strip_prefix(MAGIC[1].as_bytes()) else { continue };
        match (text_of(rest).and_then(str::parse::<Label>), &found) {
            (Err(why), _) => fault = fault.or(Some(why)),
            (Ok(label), None) => found = Some(label),
            (Ok(label), Some(first)) if label == *first => {}
            (Ok(label), Some(first)) => {
                let name = |label: &Label| format!("{} {}", label.package, label.version);
                return Err(LabelFault::Several(name(first), name(&label)));
            }
        }
    }
    match (found, fault) {
        (None, Some(fault)) => Err(fault),
        (found, _) => Ok(found),
    }
}

fn text_of(rest: &[u8]) -> Result<&str, LabelFault> {
    let rest = &rest[..rest.len().min(LONGEST)];
    let end = memchr::memchr(0, rest).ok_or(LabelFault::Endless)?;
    std::str::from_utf8(&rest[..end]).map_err(|_| LabelFault::NoText)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "abi 1.0\npackage acme\nversion 0.3.1\nrouter acme/a\ntelemetry acme/a\n";

    fn in_a_file(text: &str) -> Vec<u8> {
        [b"\x7fELF...", MAGIC.concat().as_bytes(), text.as_bytes(), b"\0rest"].concat()
    }

    #[test]
    fn each_fault_has_its_own_words() {
        let fault = |from: &str, to: &str| GOOD.replace(from, to).parse::<Label>().unwrap_err().to_string();
        assert_eq!(fault("version 0.3.1\n", ""), "no line `version`");
        assert_eq!(fault("abi 1.0\n", "abi 1.0\nabi 1.0\n"), "two lines `abi`");
        assert_eq!(fault("1.0", "one"), "the interface `one`, not two numbers such as 1.0");
        assert!(fault("router acme/a", "router acme/A").starts_with("the name `acme/A`, not lower-case"));
        assert_eq!(fault("telemetry acme/a", "router acme/a"), "the router `acme/a` twice");
        assert_eq!(fault("router acme/a\ntelemetry acme/a\n", "gate acme/a\n"), "nothing that scenarios can name");
    }

    #[test]
    fn keys_of_later_versions_are_passed_over() {
        assert_eq!(GOOD.replace("version", "gate acme/g\nlicence MIT\nversion").parse(), GOOD.parse::<Label>());
    }

    #[test]
    fn a_label_is_found_among_what_only_begins_like_one() {
        let bytes = [in_a_file("nonsense"), in_a_file(GOOD), in_a_file(GOOD)].concat();
        assert_eq!(find_label(&bytes), Ok(Some(GOOD.parse().unwrap())));
        assert_eq!(find_label(&in_a_file("nonsense")), Err(LabelFault::Missing("abi")));
        assert_eq!(find_label(b"isotherm: nothing"), Ok(None));
        assert_eq!(find_label(MAGIC.concat().as_bytes()), Err(LabelFault::Endless));
        let other = [in_a_file(GOOD), in_a_file(&GOOD.replace("0.3.1", "0.4.0"))].concat();
        assert_eq!(find_label(&other), Err(LabelFault::Several("acme 0.3.1".into(), "acme 0.4.0".into())));
    }

    fn labels() -> impl Strategy<Value = Label> {
        let item = (prop::sample::select(Kind::ALL.to_vec()), "[a-z0-9-]{1,9}/[a-z0-9-]{1,9}")
            .prop_map(|(kind, name)| Item { kind, name });
        let items = prop::collection::btree_set(item, 1..6);
        (any::<(u16, u16)>(), "[^\0\r\n]{0,20}", "[^\0\r\n]{0,20}", items).prop_map(|(abi, package, version, items)| {
            Label { abi, package, version, items: items.into_iter().collect() }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(label in labels()) {
            prop_assert_eq!(find_label(&in_a_file(&label.to_string())), Ok(Some(label)));
        }

        #[test]
        fn no_bytes_make_it_panic(before in any::<Vec<u8>>(), bytes in any::<Vec<u8>>(), text in "(abi|package|router|version|[ -~])[ \n][ -~\n]*") {
            let _ = find_label(&[&before[..], MAGIC.concat().as_bytes(), &bytes[..]].concat());
            let _ = text.parse::<Label>();
        }
    }
}
