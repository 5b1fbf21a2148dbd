//! Makes [`Value`]s of typed structures.

use super::Value;
use bytes::Bytes;
use serde::Serialize;
use serde::ser::{
    Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

type Error = serde_json::Error;

pub(super) struct ToValue;

/// A structure, map or list under construction; `variant` names the enum variant around it.
#[derive(Default)]
pub(super) struct Building {
    variant: Option<&'static str>,
    members: Vec<(String, Value)>,
    items: Vec<Value>,
    key: Option<String>,
}

impl Building {
    fn of(variant: Option<&'static str>, capacity: Option<usize>) -> Self {
        let items = Vec::with_capacity(capacity.unwrap_or(0).min(1024));
        Self { variant, items, ..Self::default() }
    }

    fn wrapped(variant: Option<&'static str>, content: Value) -> Value {
        match variant {
            Some(name) => Value::Map(vec![(name.into(), content)]),
            None => content,
        }
    }

    fn list(self) -> Value {
        Self::wrapped(self.variant, Value::List(self.items))
    }

    fn map(self) -> Value {
        Self::wrapped(self.variant, Value::Map(self.members))
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.items.push(item.serialize(ToValue)?);
        Ok(())
    }

    /// An absent member is left out.
    fn member<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Error> {
        match value.serialize(ToValue)? {
            Value::Null => {}
            value => self.members.push((key, value)),
        }
        Ok(())
    }
}

fn integer<N: TryInto<i64>>(number: N) -> Result<Value, Error> {
    number.try_into().map(Value::Int).map_err(|_| Error::custom("an integer does not fit into 64 bits"))
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Building;
    type SerializeTuple = Building;
    type SerializeTupleStruct = Building;
    type SerializeTupleVariant = Building;
    type SerializeMap = Building;
    type SerializeStruct = Building;
    type SerializeStructVariant = Building;

    fn serialize_bool(self, v: bool) -> Result<Value, Error> {
        Ok(Value::Bool(v))
    }
    fn serialize_i8(self, v: i8) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_i16(self, v: i16) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_i32(self, v: i32) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_i64(self, v: i64) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_i128(self, v: i128) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_u8(self, v: u8) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_u16(self, v: u16) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_u32(self, v: u32) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_u64(self, v: u64) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_u128(self, v: u128) -> Result<Value, Error> {
        integer(v)
    }
    fn serialize_f32(self, v: f32) -> Result<Value, Error> {
        Ok(Value::Float(v.into()))
    }
    fn serialize_f64(self, v: f64) -> Result<Value, Error> {
        Ok(Value::Float(v))
    }
    fn serialize_char(self, v: char) -> Result<Value, Error> {
        Ok(Value::Text(v.into()))
    }
    fn serialize_str(self, v: &str) -> Result<Value, Error> {
        Ok(Value::Text(v.into()))
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<Value, Error> {
        Ok(Value::Blob(Bytes::copy_from_slice(v)))
    }
    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }
    /// `()` is an output without members.
    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Map(Vec::new()))
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Error> {
        Ok(Value::Text(variant.into()))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(Value::Map(vec![(variant.into(), value.serialize(self)?)]))
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Building, Error> {
        Ok(Building::of(None, len))
    }
    fn serialize_tuple(self, len: usize) -> Result<Building, Error> {
        Ok(Building::of(None, Some(len)))
    }
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Building, Error> {
        Ok(Building::of(None, Some(len)))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Building, Error> {
        Ok(Building::of(Some(variant), Some(len)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Building, Error> {
        Ok(Building::default())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Building, Error> {
        Ok(Building::default())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Building, Error> {
        Ok(Building::of(Some(variant), None))
    }
}

impl SerializeSeq for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.list())
    }
}

impl SerializeTuple for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.list())
    }
}

impl SerializeTupleStruct for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.list())
    }
}

impl SerializeTupleVariant for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.list())
    }
}

impl SerializeMap for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(key.serialize(ToKey)?);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error::custom("a map's value came before its key"))?;
        self.member(key, value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.map())
    }
}

impl SerializeStruct for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.member(key.into(), value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.map())
    }
}

impl SerializeStructVariant for Building {
    type Ok = Value;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.member(key.into(), value)
    }
    fn end(self) -> Result<Value, Error> {
        Ok(self.map())
    }
}

/// A map's key: text, or what prints as one.
struct ToKey;

macro_rules! printed_keys {
    ($($name:ident: $type:ty),*) => {$(
        fn $name(self, v: $type) -> Result<String, Error> { Ok(v.to_string()) }
    )*};
}

fn no_key<T>() -> Result<T, Error> {
    Err(Error::custom("a map's key must be text"))
}

impl Serializer for ToKey {
    type Ok = String;
    type Error = Error;
    type SerializeSeq = Impossible<String, Error>;
    type SerializeTuple = Impossible<String, Error>;
    type SerializeTupleStruct = Impossible<String, Error>;
    type SerializeTupleVariant = Impossible<String, Error>;
    type SerializeMap = Impossible<String, Error>;
    type SerializeStruct = Impossible<String, Error>;
    type SerializeStructVariant = Impossible<String, Error>;

    printed_keys! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char,
        serialize_str: &str
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, Error> {
        Ok(variant.into())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String, Error> {
        value.serialize(self)
    }
    fn serialize_f32(self, _: f32) -> Result<String, Error> {
        no_key()
    }
    fn serialize_f64(self, _: f64) -> Result<String, Error> {
        no_key()
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<String, Error> {
        no_key()
    }
    fn serialize_none(self) -> Result<String, Error> {
        no_key()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<String, Error> {
        no_key()
    }
    fn serialize_unit(self) -> Result<String, Error> {
        no_key()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<String, Error> {
        no_key()
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Error> {
        no_key()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        no_key()
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        no_key()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        no_key()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        no_key()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        no_key()
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        no_key()
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        no_key()
    }
}
