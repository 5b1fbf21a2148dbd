//! From HTTP to an operation's input, whatever the protocol.

use crate::model::{Kind, Model, Operation, Shape};
use crate::protocol::Protocol;
use crate::query::{self, Pairs};
use crate::recognise::Recognised;
use crate::scalar::Malformed;
use crate::{Value, cbor, json, rest, xml};
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;

/// Reads the input of a recognised request. Always a [`Value::Map`].
pub(crate) fn decode(call: &Recognised, headers: &HeaderMap, body: Bytes) -> Result<Value, Malformed> {
    let model = call.source.model();
    let Some(shape) = input_shape(model, call.operation) else { return Ok(Value::Map(Vec::new())) };
    let read = match call.protocol {
        Protocol::Json10 | Protocol::Json11 if body.iter().all(u8::is_ascii_whitespace) => Value::Map(Vec::new()),
        Protocol::Json10 | Protocol::Json11 => json::decode(model, shape, &body)?,
        Protocol::OldCbor => cbor::decode(model, shape, &body, cbor::Epoch::Milliseconds)?,
        Protocol::RpcCbor if body.is_empty() => Value::Map(Vec::new()),
        Protocol::RpcCbor => cbor::decode(model, shape, &body, cbor::Epoch::Seconds)?,
        Protocol::Query => query::decode(model, shape, &call.parameters)?,
        Protocol::RestJson | Protocol::RestXml => decode_rest(call, model, shape, headers, body)?,
    };
    match read {
        Value::Map(_) => Ok(read),
        _ => Err(Malformed::new("The request body must be a structure")),
    }
}

/// Puts the address that a request came to into `member` of its input, where the input has none.
pub(crate) fn add_address(value: &mut Value, member: &str, head: &Parts) {
    let path = head.uri.path();
    if let Value::Map(members) = value
        && path.len() > 1
        && members.iter().all(|(name, _)| name != member)
    {
        members.push((member.to_owned(), Value::Text(path.to_owned())));
    }
}

/// The shape of an operation's input.
pub(crate) fn input_shape<'m>(model: &'m Model, operation: &Operation) -> Option<&'m Shape> {
    operation.input.map(|number| model.shape(number))
}

fn decode_rest(
    call: &Recognised,
    model: &Model,
    shape: &Shape,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Value, Malformed> {
    let labels: &Pairs = &call.labels;
    let mut members = rest::decode_bindings(model, shape, labels, &call.parameters, headers)?;
    let structure = |shape: &Shape, body: &[u8]| match call.protocol {
        Protocol::RestXml => xml::decode(model, shape, body),
        _ => json::decode(model, shape, body),
    };
    match shape.payload_member() {
        _ if body.is_empty() => {}
        Some(member) => {
            let inner = model.shape(member.shape);
            let value = match inner.kind {
                Kind::Blob => Value::Blob(body),
                Kind::String => {
                    Value::Text(String::from_utf8(body.into()).map_err(|_| Malformed::new("The body must be UTF-8"))?)
                }
                _ => structure(inner, &body)?,
            };
            members.push((member.name.clone(), value));
        }
        None => match structure(shape, &body)? {
            Value::Map(from_body) => members.extend(from_body),
            Value::Null => {}
            _ => return Err(Malformed::new("The request body must be a structure")),
        },
    }
    Ok(Value::Map(members))
}
