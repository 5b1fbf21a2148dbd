//! The one representation between the protocols and the services: what a shape table's decoder makes of a request, and what
//! an encoder renders.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// Reads a typed structure out of a value. A blob reads as bytes (`serde_bytes`-style `visit_byte_buf`, without a copy where it is unshared).
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(to_json(value))
}

/// Makes a value of a typed structure. `None` members are left out.
pub fn to_value<T: Serialize + ?Sized>(typed: &T) -> Result<Value, serde_json::Error> {
    serde_json::to_value(typed).map(from_json)
}

fn to_json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => truth.into(),
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => bytes.into_iter().collect::<Vec<u8>>().into(),
        Value::List(items) => items.into_iter().map(to_json).collect(),
        Value::Map(members) => serde_json::Value::Object(members.into_iter().map(|(k, v)| (k, to_json(v))).collect()),
    }
}

fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or(0.0)), Value::Int),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::Map(map.into_iter().map(|(k, v)| (k, from_json(v))).collect()),
    }
}
