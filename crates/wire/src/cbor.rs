//! CBOR bodies: Smithy RPC v2, and the older `application/x-amz-cbor-1.1`. Members go by their names; other names on the wire are for JSON
//! and XML.

use crate::Value;
use crate::json::element;
use crate::model::{Kind, Member, Model, Shape};
use crate::scalar::{Malformed, kind_name};
use crate::timestamp;
use ciborium::Value as Cbor;

/// How deep values may be nested.
const DEPTH_LIMIT: usize = 128;

/// What one unit of a tagged timestamp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Epoch {
    /// Smithy RPC v2.
    Seconds,
    /// `application/x-amz-cbor-1.1`.
    Milliseconds,
}

/// Reads `body` as a value of `shape`. Unknown members are passed over, as are nulls.
pub(crate) fn decode(model: &Model, shape: &Shape, body: &[u8], epoch: Epoch) -> Result<Value, Malformed> {
    let mut rest = body;
    let cbor: Cbor = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_LIMIT)
        .map_err(|error| Malformed::new(format!("Could not parse request body into CBOR: {error}")))?;
    if !rest.is_empty() {
        return Err(Malformed::new("Could not parse request body into CBOR: bytes follow its end"));
    }
    value(model, shape, cbor, epoch)
}

fn value(model: &Model, shape: &Shape, cbor: Cbor, epoch: Epoch) -> Result<Value, Malformed> {
    let inner = |member: Option<&Member>| member.map_or(shape, |member| model.shape(member.shape));
    match (shape.kind, cbor) {
        (_, Cbor::Null) => Ok(Value::Null),
        (Kind::Structure, Cbor::Map(entries)) => {
            let mut members = Vec::new();
            for (key, content) in entries {
                let Cbor::Text(key) = key else { return Err(Malformed::new("A member's name must be text")) };
                let Some(member) = shape.member(&key) else { continue };
                match value(model, model.shape(member.shape), content, epoch)? {
                    Value::Null => {}
                    content => members.push((member.name.clone(), content)),
                }
            }
            Ok(Value::Map(members))
        }
        (Kind::Map | Kind::Document, Cbor::Map(entries)) => {
            let entry = |(key, content)| match key {
                Cbor::Text(key) => Ok((key, value(model, inner(shape.value.as_ref()), content, epoch)?)),
                _ => Err(Malformed::new("A map's key must be text")),
            };
            entries.into_iter().map(entry).collect::<Result<_, _>>().map(Value::Map)
        }
        (Kind::List | Kind::Document, Cbor::Array(items)) => {
            let items = items.into_iter().map(|item| value(model, inner(shape.value.as_ref()), item, epoch));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        (Kind::String | Kind::Document, Cbor::Text(text)) => Ok(Value::Text(text)),
        (Kind::Blob | Kind::Document, Cbor::Bytes(bytes)) => Ok(Value::Blob(bytes.into())),
        (Kind::Boolean | Kind::Document, Cbor::Bool(truth)) => Ok(Value::Bool(truth)),
        (Kind::Timestamp, Cbor::Tag(1, content)) => moment(&content, epoch),
        (Kind::Timestamp, content) => moment(&content, epoch),
        (kind, number) => scalar(kind, &number)
            .ok_or_else(|| Malformed::new(format!("{} cannot be converted to {}", found(&number), kind_name(kind)))),
    }
}

fn moment(content: &Cbor, epoch: Epoch) -> Result<Value, Malformed> {
    let number = match content {
        Cbor::Integer(number) => i64::try_from(*number).ok().map(|number| number as f64),
        Cbor::Float(number) => Some(*number),
        _ => None,
    };
    let number = match epoch {
        Epoch::Seconds => number,
        Epoch::Milliseconds => number.map(|number| number / 1000.0),
    };
    let at = number.and_then(timestamp::from_seconds).map(Value::Int);
    at.ok_or_else(|| Malformed::new(format!("{} cannot be converted to Timestamp", found(content))))
}

fn scalar(kind: Kind, cbor: &Cbor) -> Option<Value> {
    match (kind, cbor) {
        (Kind::Integer, Cbor::Integer(number)) => i32::try_from(*number).ok().map(|n| Value::Int(n.into())),
        (Kind::Long | Kind::Document, Cbor::Integer(number)) => i64::try_from(*number).ok().map(Value::Int),
        (Kind::Float | Kind::Double, Cbor::Integer(number)) => {
            i64::try_from(*number).ok().map(|n| Value::Float(n as f64))
        }
        (Kind::Float | Kind::Double | Kind::Document, Cbor::Float(number)) => Some(Value::Float(*number)),
        _ => None,
    }
}

fn found(cbor: &Cbor) -> &'static str {
    match cbor {
        Cbor::Integer(_) => "NUMBER_VALUE",
        Cbor::Float(_) => "DECIMAL_VALUE",
        Cbor::Bool(_) => "BOOLEAN_VALUE",
        Cbor::Text(_) => "STRING_VALUE",
        Cbor::Bytes(_) => "BYTES_VALUE",
        Cbor::Array(_) => "LIST_VALUE",
        Cbor::Map(_) => "MAP_VALUE",
        _ => "VALUE",
    }
}

/// Writes a value of `shape`. An error names a member or type that the shape does not have: a mistake of the service.
pub(crate) fn encode(
    model: &Model,
    shape: &Shape,
    value: &Value,
    epoch: Epoch,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(truth) => out.push(if *truth { 0xf5 } else { 0xf4 }),
        Value::Int(ms) if shape.kind == Kind::Timestamp => {
            head(6, 1, out);
            match epoch {
                Epoch::Milliseconds => integer(*ms, out),
                Epoch::Seconds if ms.rem_euclid(1000) == 0 => integer(ms.div_euclid(1000), out),
                Epoch::Seconds => double(*ms as f64 / 1000.0, out),
            }
        }
        Value::Int(number) if matches!(shape.kind, Kind::Float | Kind::Double) => double(*number as f64, out),
        Value::Int(number) => integer(*number, out),
        Value::Float(number) => double(*number, out),
        Value::Text(text) => string(text, out),
        Value::Blob(bytes) => {
            head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::List(items) => {
            let inner = element(model, shape, Kind::List)?;
            head(4, items.len() as u64, out);
            items.iter().try_for_each(|item| encode(model, inner, item, epoch, out))?;
        }
        Value::Map(members) => {
            let present = || members.iter().filter(|(_, value)| *value != Value::Null);
            head(5, present().count() as u64, out);
            for (name, value) in present() {
                let (key, inner) = if shape.kind == Kind::Structure {
                    let member = shape.member(name).ok_or_else(|| format!("{} has no member {name}", shape.name))?;
                    (member.name.as_str(), model.shape(member.shape))
                } else {
                    (name.as_str(), element(model, shape, Kind::Map)?)
                };
                string(key, out);
                encode(model, inner, value, epoch, out)?;
            }
        }
    }
    Ok(())
}

/// Writes a text string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    head(3, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Writes the begin of a map with `count` entries.
pub(crate) fn map(count: usize, out: &mut Vec<u8>) {
    head(5, count as u64, out);
}

fn integer(number: i64, out: &mut Vec<u8>) {
    match u64::try_from(number) {
        Ok(number) => head(0, number, out),
        Err(_) => head(1, !number as u64, out),
    }
}

fn double(number: f64, out: &mut Vec<u8>) {
    out.push(0xfb);
    out.extend_from_slice(&number.to_be_bytes());
}

/// A major type with its argument in the shortest form.
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}
