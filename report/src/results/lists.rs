//! `summary.json` element by element: that of a large sweep has some hundred megabytes. Whoever reads it says what an element is to them, so
//! that those who write results and those who show them read one file in one way.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, Error, Result};
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Who is shown the lists of a summary, in the order of the file. An error ends the reading.
pub trait See {
    /// What a row is read as.
    type Row: DeserializeOwned;
    /// What a frontier is read as; [`serde::de::IgnoredAny`] to pass over it.
    type Curve: DeserializeOwned;
    /// What a failure is read as.
    type Failure: DeserializeOwned;

    /// A row.
    ///
    /// # Errors
    /// If nothing more can be taken in.
    fn row(&mut self, row: Self::Row) -> Result<()>;

    /// A frontier.
    ///
    /// # Errors
    /// As for [`row`](Self::row).
    fn curve(&mut self, curve: Self::Curve) -> Result<()>;

    /// A run that failed.
    ///
    /// # Errors
    /// As for [`row`](Self::row).
    fn failure(&mut self, failure: Self::Failure) -> Result<()>;
}

/// Shows the lists of the summary in a file, and returns everything else of it, in memory that does not grow with the lists.
///
/// ```
/// use isotherm_report::results::lists::{See, read};
/// use serde_json::Value;
///
/// #[derive(Default)]
/// struct Names(Vec<String>);
/// impl See for Names {
///     type Row = Value;
///     type Curve = Value;
///     type Failure = Value;
///     fn row(&mut self, row: Value) -> std::io::Result<()> {
///         self.0.push(row["router"].as_str().unwrap_or_default().to_owned());
///         Ok(())
///     }
///     fn curve(&mut self, _: Value) -> std::io::Result<()> {
///         Ok(())
///     }
///     fn failure(&mut self, _: Value) -> std::io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), r#"{ "schema_version": 2, "rows": [{ "router": "cool" }] }"#)?;
/// let mut names = Names::default();
/// let head: Value = read(file.path(), &mut names)?;
/// assert_eq!((names.0, head["schema_version"].as_u64()), (vec!["cool".to_owned()], Some(2)));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If it cannot be read or is no summary, and those of `seen`.
pub fn read<H: DeserializeOwned>(path: &Path, seen: &mut impl See) -> Result<H> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(File::open(path)?));
    let head = json.deserialize_map(Contents(RefCell::new(seen)))?;
    json.end()?;
    Ok(serde_json::from_value(serde_json::Value::Object(head))?)
}

/// The whole file: lists are shown, everything else is kept.
struct Contents<'a, S>(RefCell<&'a mut S>);

impl<'de, S: See> Visitor<'de> for Contents<'_, S> {
    type Value = serde_json::Map<String, serde_json::Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the summary of a results folder")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut head = serde_json::Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "rows" => map.next_value_seed(Each::new(|row| self.0.borrow_mut().row(row)))?,
                "frontier" => map.next_value_seed(Each::new(|curve| self.0.borrow_mut().curve(curve)))?,
                "failures" => map.next_value_seed(Each::new(|failure| self.0.borrow_mut().failure(failure)))?,
                _ => drop(head.insert(key, map.next_value()?)),
            }
        }
        Ok(head)
    }
}

/// A list, element by element.
struct Each<T, F>(F, PhantomData<T>);

impl<T, F: FnMut(T) -> Result<()>> Each<T, F> {
    fn new(each: F) -> Self {
        Self(each, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<()>> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<()>> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> std::result::Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            (self.0)(element).map_err(|error: Error| serde::de::Error::custom(error))?;
        }
        Ok(())
    }
}
