//! `summary.json` row by row: that of a large sweep has some hundred megabytes.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, Error};
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::results::{Failure, Row, Summary};

/// Who is shown the lists of a summary, in the order of the file.
pub(super) trait See {
    /// A row.
    ///
    /// # Errors
    /// If nothing more can be taken in; the file is not read on.
    fn row(&mut self, row: &Row) -> std::io::Result<()>;
    /// A run that failed.
    fn failure(&mut self, failure: &Failure) {
        let _ = failure;
    }
}

/// Shows the rows and failures of a folder's summary, and returns it without them.
///
/// # Errors
/// If it cannot be read or is no summary, and those of `seen`.
pub(super) fn read(folder: &Path, seen: &mut impl See) -> std::io::Result<Summary> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(File::open(folder.join("summary.json"))?));
    let head = json.deserialize_map(Contents(RefCell::new(seen)))?;
    json.end()?;
    Ok(serde_json::from_value(serde_json::Value::Object(head))?)
}

/// The whole file: rows and failures are shown, frontiers passed over, everything else is kept.
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
                "rows" => map.next_value_seed(Each::new(|row| self.0.borrow_mut().row(&row)))?,
                "failures" => map.next_value_seed(Each::new(|failure| {
                    self.0.borrow_mut().failure(&failure);
                    Ok(())
                }))?,
                "frontier" => drop(map.next_value::<IgnoredAny>()?),
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
