//! `summary.json` read back row by row, in memory that does not grow with it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, Error};
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Curve, Failure, Head, Row};

/// Who is shown the lists of a summary, written or read, in the order of the file.
pub(super) trait See {
    /// A row.
    fn row(&mut self, row: &Row);
    /// A mean frontier.
    ///
    /// # Errors
    /// If it cannot be kept; the file is not read on.
    fn curve(&mut self, curve: Curve) -> std::io::Result<()> {
        drop(curve);
        Ok(())
    }
    /// A run that failed.
    fn failure(&mut self, failure: &Failure);
}

/// A part of a summary, of whatever format: nothing of its lists is kept.
pub(super) fn read_part<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_reader(BufReader::new(File::open(path).ok()?)).ok()
}

/// Reads a summary of the present format.
///
/// # Errors
/// If it cannot be read or is no summary, and those of `seen`.
pub(super) fn read(path: &Path, seen: &mut impl See) -> std::io::Result<Head> {
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

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut head = serde_json::Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "rows" => map.next_value_seed(Each::new(|row| {
                    self.0.borrow_mut().row(&row);
                    Ok(())
                }))?,
                "frontier" => map.next_value_seed(Each::new(|curve| self.0.borrow_mut().curve(curve)))?,
                "failures" => map.next_value_seed(Each::new(|failure| {
                    self.0.borrow_mut().failure(&failure);
                    Ok(())
                }))?,
                _ => drop(head.insert(key, map.next_value()?)),
            }
        }
        Ok(head)
    }
}

/// A list, element by element.
struct Each<T, F>(F, PhantomData<T>);

impl<T, F: FnMut(T) -> Result<(), Error>> Each<T, F> {
    fn new(each: F) -> Self {
        Self(each, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), Error>> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), Error>> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            (self.0)(element).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
