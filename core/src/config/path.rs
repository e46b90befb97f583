//! Dotted key paths: how `--set`, sweep axes and faults name a place in the tree.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// More segments than any scenario has; a bound keeps the recursion over trees shallow.
const MAX_SEGMENTS: usize = 64;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of a table.
    Key(String),
    /// An element of an array, from 0.
    Index(usize),
    /// Every element of an array: `[*]`.
    Every,
}

/// A place in a [`Tree`](super::Tree): `router.lambda`, `router[2].lambda`, `router[*].lambda`.
///
/// Keys that are not plain (letters, digits, `_`, `-`) are quoted as in TOML. The empty path is the root.
/// Printing and parsing agree.
///
/// ```
/// use isotherm_core::config::{Path, Segment};
/// let path: Path = "router[2].\"hot.share\"".parse()?;
/// assert_eq!(path.segments()[1], Segment::Index(2));
/// assert_eq!(path.segments()[2], Segment::Key("hot.share".into()));
/// assert_eq!(path.to_string(), "router[2].\"hot.share\"");
/// # Ok::<(), isotherm_core::config::PathError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

/// Why a text is no path, or why a path has no place in a tree. Nothing was changed; the run does not start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// The text is not a path.
    #[error("`{text}` is not a key path: {why}")]
    Malformed {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The tree has no such place, and it cannot be made.
    #[error("`{path}` cannot be set: {why}")]
    NoPlace {
        /// The path that was asked for.
        path: Path,
        /// What stands in the way.
        why: String,
    },
}

impl Path {
    /// The root of a tree.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps from the root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// This path and one step more.
    #[must_use]
    pub fn child(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// This path without its last step; `None` at the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// The last key of the path with the indices after it dropped: `router` of `model.router[1]`.
    #[must_use]
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The keys alone, dotted: `router.lambda` of `router[1].lambda`. Examples are looked up by it.
    #[must_use]
    pub fn keys(&self) -> String {
        let keys = self.0.iter().filter(|segment| matches!(segment, Segment::Key(_)));
        Self(keys.cloned().collect()).to_string()
    }

    /// Whether `self` lies strictly inside `outer`.
    pub(super) fn is_inside(&self, outer: &Self) -> bool {
        self.0.len() > outer.0.len() && self.0.starts_with(&outer.0)
    }
}

impl From<Vec<Segment>> for Path {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) => {
                    let dot = if i == 0 { "" } else { "." };
                    if is_bare(key) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
                        write!(f, "{dot}\"{quoted}\"")?;
                    }
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fault = |why| PathError::Malformed { text: text.to_owned(), why };
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if segments.len() >= MAX_SEGMENTS {
                return Err(fault("it has more than 64 steps"));
            }
            let (segment, after) = if let Some(inner) = rest.strip_prefix('[') {
                let (index, after) = inner.split_once(']').ok_or_else(|| fault("a `[` has no `]`"))?;
                (parse_index(index).map_err(fault)?, after)
            } else {
                let key = match rest.strip_prefix('.') {
                    Some(key) if !segments.is_empty() => key,
                    None if segments.is_empty() => rest,
                    _ => return Err(fault("steps are separated by one `.`")),
                };
                let (key, after) = split_key(key).map_err(fault)?;
                (Segment::Key(key), after)
            };
            segments.push(segment);
            rest = after;
        }
        Ok(Self(segments))
    }
}

fn parse_index(text: &str) -> Result<Segment, &'static str> {
    match text {
        "*" => Ok(Segment::Every),
        _ => text.parse().map(Segment::Index).map_err(|_| "an index is a whole number or `*`"),
    }
}

/// Takes one key, plain or quoted, off the front.
fn split_key(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (key, after) = text.split_at(end);
        return match is_bare(key) {
            true => Ok((key.to_owned(), after)),
            false if key.is_empty() => Err("a key is empty"),
            false => Err("a key with other characters than letters, digits, `_` and `-` needs quotes"),
        };
    };
    let mut key = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((key, &quoted[at + 1..])),
            '\\' => key.push(chars.next().ok_or("a quoted key ends in the middle of an escape")?.1),
            _ => key.push(c),
        }
    }
    Err("a quoted key has no closing quote")
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_paths_are_refused() {
        for text in [".a", "a.", "a..b", "a[", "a[x]", "a[1", "a b", "\"a", "a]b", "\"a\\"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
        assert!("a.".repeat(100_000).parse::<Path>().is_err());
    }

    #[test]
    fn keys_drop_indices() {
        let path: Path = "router[1].price[0]".parse().unwrap();
        assert_eq!(path.keys(), "router.price");
        assert_eq!(path.last_key(), Some("price"));
        assert_eq!("".parse::<Path>().unwrap(), Path::root());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(keys in prop::collection::vec((any::<String>(), prop::option::of(0usize..9)), 0..5)) {
            let mut segments = Vec::new();
            for (key, index) in keys {
                segments.push(Segment::Key(key));
                segments.extend(index.map(Segment::Index));
            }
            let path = Path::from(segments);
            prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
        }

        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = text.parse::<Path>();
        }
    }
}
