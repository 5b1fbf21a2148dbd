//! JSON bodies: awsJson 1.0 and 1.1, and restJson1.

use crate::Value;
use crate::model::{Kind, Member, Model, Shape, TimestampFormat};
use crate::scalar::{self, Malformed, kind_name};
use crate::timestamp;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::{DecodeError, Engine as _};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads `body` as a value of `shape`. Members of a structure that are bound elsewhere or unknown are passed over, as are nulls.
pub(crate) fn decode(model: &Model, shape: &Shape, body: &[u8]) -> Result<Value, Malformed> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let seed = Seed { model, shape };
    let read = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| {
        let text = error.to_string();
        let unread = format!("Could not parse request body into json: {text}");
        match error.is_data() {
            true => Malformed::new(text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text)),
            false if text.starts_with(TOO_DEEP) => Malformed::TooDeep(unread),
            false => Malformed::new(unread),
        }
    })
}

/// How the parser's own limit, 128 levels, is told.
const TOO_DEEP: &str = "recursion limit exceeded";

struct Seed<'m> {
    model: &'m Model,
    shape: &'m Shape,
}

impl<'m> Seed<'m> {
    fn of(&self, member: Option<&Member>) -> Self {
        Self { model: self.model, shape: member.map_or(self.shape, |member| self.model.shape(member.shape)) }
    }

    fn wrong<E: serde::de::Error>(&self, found: &str) -> E {
        match self.shape.kind {
            Kind::Structure | Kind::List | Kind::Map => E::custom("Unexpected field type"),
            Kind::Blob => E::custom("only base-64-encoded strings are convertible to bytes"),
            Kind::Boolean if found == "STRING_VALUE" => E::custom("Unexpected token received from parser"),
            scalar => E::custom(format!("{found} cannot be converted to {}", kind_name(scalar))),
        }
    }

    fn number(&self, number: f64, whole: Option<i64>) -> Option<Value> {
        match self.shape.kind {
            Kind::Integer => whole.filter(|n| i32::try_from(*n).is_ok()).map(Value::Int),
            Kind::Long => whole.map(Value::Int),
            Kind::Float | Kind::Double => Some(Value::Float(number)),
            Kind::Timestamp => timestamp::from_seconds(number).map(Value::Int),
            Kind::Document => Some(whole.map_or(Value::Float(number), Value::Int)),
            _ => None,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(kind_name(self.shape.kind))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Value, E> {
        match self.shape.kind {
            Kind::Boolean | Kind::Document => Ok(Value::Bool(truth)),
            _ => Err(self.wrong(if truth { "TRUE_VALUE" } else { "FALSE_VALUE" })),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value, E> {
        self.number(number as f64, Some(number)).ok_or_else(|| self.wrong("NUMBER_VALUE"))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        self.number(number as f64, i64::try_from(number).ok()).ok_or_else(|| self.wrong("NUMBER_VALUE"))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        let whole = (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64);
        let whole = whole.filter(|_| self.shape.kind != Kind::Document);
        self.number(number, whole).ok_or_else(|| self.wrong("DECIMAL_VALUE"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        match self.shape.kind {
            Kind::String | Kind::Document => Ok(Value::Text(text.into())),
            Kind::Blob => scalar::blob(text).map_err(|why| E::custom(bad_blob(text, &why))),
            Kind::Float | Kind::Double if matches!(text, "NaN" | "Infinity" | "-Infinity") => {
                scalar::float(text).map(Value::Float).ok_or_else(|| self.wrong("STRING_VALUE"))
            }
            Kind::Timestamp => timestamp::parse(text).map(Value::Int).ok_or_else(|| self.wrong("STRING_VALUE")),
            _ => Err(self.wrong("STRING_VALUE")),
        }
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        match self.shape.kind {
            Kind::String | Kind::Document => Ok(Value::Text(text)),
            _ => self.visit_str(&text),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        if !matches!(self.shape.kind, Kind::List | Kind::Document) {
            return Err(A::Error::custom(unexpected_list(self.model, self.shape)));
        }
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.of(self.shape.value.as_ref()))? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        match self.shape.kind {
            Kind::Structure => {
                while let Some(member) = entries.next_key_seed(Key(self.shape))? {
                    let Some(member) = member else {
                        entries.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value = entries.next_value_seed(self.of(Some(member)))?;
                    // Of a member that is there several times, the last one counts.
                    members.retain(|(name, _)| *name != member.name);
                    if value != Value::Null {
                        members.push((member.name.clone(), value));
                    }
                }
            }
            Kind::Map | Kind::Document => {
                while let Some(key) = entries.next_key::<String>()? {
                    members.push((key, entries.next_value_seed(self.of(self.shape.value.as_ref()))?));
                }
            }
            _ => return Err(A::Error::custom("Start of structure or map found where not expected")),
        }
        Ok(Value::Map(members))
    }
}

fn bad_blob(text: &str, why: &DecodeError) -> String {
    match why {
        _ if !text.len().is_multiple_of(4) => {
            format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len())
        }
        // Spelt as AWS spells it.
        DecodeError::InvalidLastSymbol(..) => "Invalid last non-pad Base64 character dectected".into(),
        _ => "A blob must be valid Base64 text".into(),
    }
}

/// A list where there can be none. AWS names the class that its servers have for what is there instead.
fn unexpected_list(model: &Model, shape: &Shape) -> String {
    match shape.kind {
        Kind::Structure if model.error_namespace.is_empty() => "Start of list found where not expected".into(),
        Kind::Map => format!("Unrecognized collection type {}", class(model, shape)),
        _ => format!("Unrecognized collection type class {}", class(model, shape)),
    }
}

fn class(model: &Model, shape: &Shape) -> String {
    let element = || shape.value.as_ref().map(|member| class(model, model.shape(member.shape))).unwrap_or_default();
    match shape.kind {
        Kind::Structure => format!("{}.{}", model.error_namespace, shape.name),
        Kind::Map => format!("java.util.Map<java.lang.String, {}>", element()),
        Kind::List => format!("java.util.List<{}>", element()),
        Kind::Blob => "java.nio.ByteBuffer".into(),
        Kind::Timestamp => "java.util.Date".into(),
        Kind::Document => "java.lang.Object".into(),
        scalar => format!("java.lang.{}", kind_name(scalar)),
    }
}

/// Finds the member that a key names, without keeping the key.
struct Key<'m>(&'m Shape);

impl<'de, 'm> DeserializeSeed<'de> for Key<'m> {
    type Value = Option<&'m Member>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'m> Visitor<'_> for Key<'m> {
    type Value = Option<&'m Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.body_member(key))
    }
}

/// Writes a value of `shape`. An error names a member or type that the shape does not have: a mistake of the service.
pub(crate) fn encode(model: &Model, shape: &Shape, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => string(text, out),
        Value::Float(number) if number.is_finite() => out.extend_from_slice(scalar::print_float(*number).as_bytes()),
        Value::Float(number) => string(&scalar::print_float(*number), out),
        Value::Blob(bytes) => {
            let length = bytes.len().div_ceil(3) * 4;
            out.reserve(length + 2);
            out.push(b'"');
            let start = out.len();
            out.resize(start + length, 0);
            BASE64.encode_slice(bytes, &mut out[start..]).map_err(|error| error.to_string())?;
            out.push(b'"');
        }
        Value::Int(ms) if shape.kind == Kind::Timestamp => {
            let format = shape.timestamp.unwrap_or(TimestampFormat::Unix);
            let text = timestamp::print(*ms, format);
            if format == TimestampFormat::Unix { out.extend_from_slice(text.as_bytes()) } else { string(&text, out) }
        }
        Value::Int(_) | Value::Bool(_) => {
            let text = scalar::print(shape, value, TimestampFormat::Unix).unwrap_or_default();
            out.extend_from_slice(text.as_bytes());
        }
        Value::List(items) => {
            let item_shape = element(model, shape, Kind::List)?;
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                encode(model, item_shape, item, out)?;
            }
            out.push(b']');
        }
        Value::Map(members) => encode_map(model, shape, members, out)?,
    }
    Ok(())
}

fn encode_map(model: &Model, shape: &Shape, members: &[(String, Value)], out: &mut Vec<u8>) -> Result<(), String> {
    out.push(b'{');
    let mut first = true;
    for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let (key, inner) = if shape.kind == Kind::Structure {
            let member = shape.member(name).ok_or_else(|| format!("{} has no member {name}", shape.name))?;
            (member.wire(), model.shape(member.shape))
        } else {
            (name.as_str(), element(model, shape, Kind::Map)?)
        };
        string(key, out);
        out.push(b':');
        encode(model, inner, value, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// What a list or map holds; a document holds documents.
pub(crate) fn element<'m>(model: &'m Model, shape: &'m Shape, kind: Kind) -> Result<&'m Shape, String> {
    match &shape.value {
        Some(value) if shape.kind == kind => Ok(model.shape(value.shape)),
        _ if shape.kind == Kind::Document => Ok(shape),
        _ => Err(format!("{} is no {kind:?}", shape.name)),
    }
}

/// Writes `text` as a JSON string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    // Writing into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelSource;

    /// DynamoDB's attribute values hold each other; a client decides how deep.
    #[test]
    fn depth_is_refused_before_it_costs_stack() {
        let model = ModelSource::find("dynamodb").expect("there is one").model();
        let put = model.operation("PutItem").and_then(|operation| operation.input).map(|input| model.shape(input));
        let read = |wraps: usize| {
            let item = format!("{}{{\"S\":\"\"}}{}", "{\"L\":[".repeat(wraps), "]}".repeat(wraps));
            decode(model, put.expect("it has one"), format!("{{\"Item\":{{\"a\":{item}}}}}").as_bytes())
        };
        assert!(read(32).is_ok());
        for wraps in [100, 1_000, 100_000] {
            assert!(matches!(read(wraps), Err(Malformed::TooDeep(_))), "{wraps}");
        }
    }
}
