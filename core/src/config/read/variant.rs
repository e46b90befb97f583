//! A choice written as a table with one key: `cost = { table = { hot = 2.0 } }`.

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, VariantAccess, Visitor};

use super::entries::Entries;
use super::error::ReadError;

/// The key is the choice, the value its content.
pub(super) struct VariantReader<'e, 's> {
    pub(super) entries: &'e mut Entries<'s>,
}

impl<'de, 'e, 's> EnumAccess<'de> for VariantReader<'e, 's> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        match (&mut *self.entries).next_key_seed(seed)? {
            Some(variant) => Ok((variant, self)),
            None => Err(de::Error::custom("expected exactly one key here")),
        }
    }
}

impl<'de> VariantAccess<'de> for VariantReader<'_, '_> {
    type Error = ReadError;

    /// A choice without options may be written with an empty table.
    fn unit_variant(self) -> Result<(), ReadError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}

        (&mut *self.entries).next_value::<Nothing>().map(|Nothing {}| ())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        (&mut *self.entries).next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ReadError> {
        (&mut *self.entries).next_value_seed(Content { shape: Shape::Tuple(len), visitor })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        (&mut *self.entries).next_value_seed(Content { shape: Shape::Struct(fields), visitor })
    }
}

enum Shape {
    Tuple(usize),
    Struct(&'static [&'static str]),
}

/// Lets a variant's visitor read the value with the shape it asked for.
struct Content<V> {
    shape: Shape,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Content<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        match self.shape {
            Shape::Tuple(len) => deserializer.deserialize_tuple(len, self.visitor),
            Shape::Struct(fields) => deserializer.deserialize_struct("", fields, self.visitor),
        }
    }
}
