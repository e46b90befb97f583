//! A serde deserializer over one node, strict where serde is lenient.

use serde::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::super::path::{Path, Segment};
use super::super::value::{Node, Table, Value};
use super::entries::{Elements, Entries};
use super::error::ReadError;
use super::recover::Session;
use super::variant::VariantReader;

/// Reads the node at `path`.
pub(super) struct NodeReader<'s> {
    pub(super) session: &'s Session,
    pub(super) node: &'s Node,
    pub(super) path: Path,
}

impl<'s> NodeReader<'s> {
    /// Reads a table, and refuses what its reader left over.
    ///
    /// A unit struct behind `typetag` does not even look at its keys, so the check has to be here.
    fn table<'de, V: Visitor<'de>>(
        self,
        table: &'s Table,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let mut entries = Entries::new(self.session, table, &self.path, fields);
        match visitor.visit_map(&mut entries) {
            Ok(value) => match entries.unread() {
                Some(entry) => {
                    let error = entries.unknown(&entry.key.name);
                    let place = self.path.child(Segment::Key(entry.key.name.clone()));
                    self.session.note(&place, &entry.key.origin, &error);
                    Err(error)
                }
                None => Ok(value),
            },
            Err(error) => {
                // An alias given beside its name is noticed after the key, before its value; and what was
                // buffered on the way (`flatten`) is refused after all keys.
                let culprit = match &error {
                    ReadError::DuplicateField { .. } => entries.last().and_then(|name| table.entry(name)),
                    ReadError::UnknownField { field, .. } => table.entry(field),
                    _ => None,
                };
                match culprit {
                    Some(entry) => {
                        let place = self.path.child(Segment::Key(entry.key.name.clone()));
                        self.session.note(&place, &entry.key.origin, &error);
                    }
                    None => self.session.note(&self.path, &self.node.origin, &error),
                }
                Err(error)
            }
        }
    }

    /// Reads an array, and refuses elements left over: serde's tuples read the first few.
    fn array<'de, V: Visitor<'de>>(
        self,
        items: &'s [Node],
        len: Option<usize>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let mut elements = Elements::new(self.session, items, &self.path);
        let value = visitor.visit_seq(&mut elements)?;
        if elements.is_read() {
            Ok(value)
        } else {
            let expected = len.map_or_else(|| "fewer".to_owned(), |len| format!("an array of {len} elements"));
            Err(de::Error::invalid_length(items.len(), &expected.as_str()))
        }
    }

    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Float(value) if value.is_finite() => Err(ReadError::not_whole(value, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Whole numbers are numbers too, as long as no digit is lost.
    fn float<'de, V: Visitor<'de>>(self, visitor: V, limit: f64) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Integer(value) => {
                #[allow(clippy::cast_precision_loss)] // the next line compares
                let float = value as f64;
                #[allow(clippy::cast_possible_truncation)] // 2^63 fits into i128
                if float as i128 == i128::from(value) {
                    visitor.visit_f64(float)
                } else {
                    let expected = "a number with at most 53 bits; write it with a point";
                    Err(de::Error::invalid_value(Unexpected::Signed(value), &expected))
                }
            }
            Value::Float(value) if value.is_finite() && value.abs() > limit => {
                let expected = format!("a number up to {limit:e}");
                Err(de::Error::invalid_value(Unexpected::Float(value), &expected.as_str()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match &self.node.value {
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Integer(value) => Unexpected::Signed(*value),
            Value::Float(value) => Unexpected::Float(*value),
            Value::String(text) => Unexpected::Str(text),
            Value::Datetime(_) => Unexpected::Other("a date"),
            Value::Array(_) => Unexpected::Seq,
            Value::Table(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for NodeReader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) if !value.is_finite() => Err(ReadError::NotFinite { value: value.to_string() }),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(text) => visitor.visit_str(text),
            Value::Datetime(_) => Err(ReadError::invalid_type(self.unexpected(), &visitor)),
            Value::Array(items) => self.array(items, None, visitor),
            Value::Table(table) => self.table(table, None, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        // TOML has no null: a key that is there has a value.
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Array(items) => self.array(items, None, visitor),
            _ => Err(ReadError::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Array(items) => self.array(items, Some(len), visitor),
            _ => Err(ReadError::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Table(table) => self.table(table, None, visitor),
            _ => Err(ReadError::invalid_type(self.unexpected(), &visitor)),
        }
    }

    /// A table only: serde's derive would also take an array and fill the fields in order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Table(table) => self.table(table, Some(fields), visitor),
            _ => Err(ReadError::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::String(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            Value::Table(table) => {
                let mut entries = Entries::new(self.session, table, &self.path, None);
                match entries.only_one() {
                    true => visitor.visit_enum(VariantReader { entries: &mut entries }),
                    false => Err(de::Error::custom(
                        "a choice is one word or a table with one key; expected exactly one key here",
                    )),
                }
            }
            _ => Err(ReadError::invalid_type(self.unexpected(), &visitor)),
        }
    }

    /// serde skips a key that a struct does not know. We do not: a misspelt key would silently do nothing.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ReadError> {
        let field = self.path.last_key().unwrap_or_default().to_owned();
        Err(ReadError::UnknownField { field, expected: Vec::new() })
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.integer(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.float(visitor, f64::from(f32::MAX))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.float(visitor, f64::MAX)
    }

    forward_to_deserialize_any! { bool char str string bytes byte_buf unit unit_struct identifier }
}
