//! Scalars as text, the way forms, XML, paths, query strings and headers hold them.

use crate::Value;
use crate::model::{Kind, Shape, TimestampFormat};
use crate::timestamp;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::{DecodeError, Engine as _};
use std::borrow::Cow;

/// Why a request could not be read; the text is for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// It is not what the protocol or the shape says.
    #[error("{0}")]
    Wrong(String),
    /// It is nested deeper than is read.
    #[error("{0}")]
    TooDeep(String),
}

impl Malformed {
    pub fn new(text: impl Into<String>) -> Self {
        Self::Wrong(text.into())
    }
}

/// Reads `text` as a value of a scalar shape.
pub(crate) fn parse(shape: &Shape, text: &str) -> Result<Value, Malformed> {
    let wrong = || Malformed::new(format!("'{}' cannot be converted to {}", excerpt(text), kind_name(shape.kind)));
    match shape.kind {
        Kind::String => Ok(Value::Text(text.into())),
        Kind::Boolean => match text.trim() {
            "true" | "True" | "TRUE" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "0" => Ok(Value::Bool(false)),
            _ => Err(wrong()),
        },
        Kind::Integer => text.trim().parse::<i32>().map(|n| Value::Int(n.into())).map_err(|_| wrong()),
        Kind::Long => text.trim().parse::<i64>().map(Value::Int).map_err(|_| wrong()),
        Kind::Float | Kind::Double => float(text.trim()).map(Value::Float).ok_or_else(wrong),
        Kind::Timestamp => timestamp::parse(text).map(Value::Int).ok_or_else(wrong),
        Kind::Blob => blob(text.trim()).map_err(|_| wrong()),
        Kind::Structure | Kind::List | Kind::Map | Kind::Document => Err(wrong()),
    }
}

/// Base64, with or without padding.
pub(crate) fn blob(text: &str) -> Result<Value, DecodeError> {
    BASE64.decode(text).map(|bytes| Value::Blob(bytes.into()))
}

/// A number, or one of the three names that floats have.
pub(crate) fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}

/// Writes a float the way every protocol's text has it.
pub(crate) fn print_float(number: f64) -> String {
    match number {
        n if n.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        n => serde_json::Number::from_f64(n).map_or_else(String::new, |n| n.to_string()),
    }
}

/// Writes a scalar; `format` is how the place writes timestamps unless the shape says otherwise. `None` for structures and lists.
pub(crate) fn print<'v>(shape: &Shape, value: &'v Value, format: TimestampFormat) -> Option<Cow<'v, str>> {
    match value {
        Value::Int(ms) if shape.kind == Kind::Timestamp => {
            Some(timestamp::print(*ms, shape.timestamp.unwrap_or(format)).into())
        }
        Value::Bool(truth) => Some(if *truth { "true" } else { "false" }.into()),
        Value::Int(number) => Some(number.to_string().into()),
        Value::Float(number) => Some(print_float(*number).into()),
        Value::Text(text) => Some(text.as_str().into()),
        Value::Blob(bytes) => Some(BASE64.encode(bytes).into()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// What AWS calls a type in its messages.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Structure => "a structure",
        Kind::List => "a list",
        Kind::Map => "a map",
        Kind::String => "String",
        Kind::Blob => "Blob",
        Kind::Boolean => "Boolean",
        Kind::Integer => "Integer",
        Kind::Long => "Long",
        Kind::Float => "Float",
        Kind::Double => "Double",
        Kind::Timestamp => "Timestamp",
        Kind::Document => "Document",
    }
}

/// Enough of a bad text to recognise it in a message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}
