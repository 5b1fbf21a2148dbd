//! The one representation between the protocols and the services: what a shape table's decoder makes of a request, and what
//! an encoder renders.

mod de;
mod ser;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A value of a modelled shape.
///
/// Timestamps are [`Value::Int`], milliseconds since the epoch; the encoder writes each the way its shape says.
/// A structure's members and a map's entries are [`Value::Map`], in order; absent members are not in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// An explicit JSON null; left out when encoding.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// Any integer, and timestamps.
    Int(i64),
    /// A float or double.
    Float(f64),
    /// A string.
    Text(String),
    /// Bytes, decoded from the protocol's form (base64 in JSON).
    Blob(Bytes),
    /// A list.
    List(Vec<Value>),
    /// A structure or map.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The member `name` of a map.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The member `name`, moved out of a map.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        match self {
            Self::Map(members) => {
                members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| std::mem::take(value))
            }
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Blob(bytes)
    }
}

/// A member of shape blob in a typed structure. Reading one out of a [`Value`] does not copy bytes that nobody else holds.
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct Blob(pub Bytes);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(de::BlobVisitor)
    }
}

/// Reads a typed structure out of a value. A blob reads as bytes (`serde_bytes`-style `visit_byte_buf`, without a copy where it
/// is unshared); [`Blob`] is the type to hold it.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

/// Makes a value of a typed structure. `None` members are left out; integers beyond 64 bits are an error.
pub fn to_value<T: Serialize + ?Sized>(typed: &T) -> Result<Value, serde_json::Error> {
    typed.serialize(ser::ToValue)
}

#[cfg(test)]
mod tests;
