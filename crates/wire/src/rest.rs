//! Members that stand outside the body: in path, query string, headers and the status code.

use crate::Value;
use crate::model::{Kind, Location, Member, Model, Shape, TimestampFormat};
use crate::query::Pairs;
use crate::scalar::{self, Malformed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Reads the members of `shape` that are bound to the path's `labels`, the `query` string and the `headers`.
pub(crate) fn decode_bindings(
    model: &Model,
    shape: &Shape,
    labels: &Pairs,
    query: &Pairs,
    headers: &HeaderMap,
) -> Result<Vec<(String, Value)>, Malformed> {
    let mut members = Vec::new();
    for member in &shape.members {
        let inner = model.shape(member.shape);
        let value = match member.location {
            Location::Body | Location::StatusCode => None,
            Location::Uri => first(labels, member.wire()).map(|text| scalar::parse(inner, text)).transpose()?,
            Location::Query => decode_query(model, shape, member, query)?,
            Location::Header => decode_header(model, member, headers)?,
            Location::HeaderPrefix => decode_prefixed(member, headers),
        };
        members.extend(value.map(|value| (member.name.clone(), value)));
    }
    Ok(members)
}

fn first<'p>(pairs: &'p Pairs, key: &str) -> Option<&'p str> {
    pairs.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
}

fn decode_query(model: &Model, shape: &Shape, member: &Member, query: &Pairs) -> Result<Option<Value>, Malformed> {
    let inner = model.shape(member.shape);
    let own = |key: &str| {
        shape.members.iter().any(|m| m.location == Location::Query && m.wire() == key && m.name != member.name)
    };
    match (inner.kind, &inner.value) {
        (Kind::List, Some(item)) => {
            let item = model.shape(item.shape);
            let texts = query.iter().filter(|(key, _)| key == member.wire());
            let items: Vec<Value> = texts.map(|(_, text)| scalar::parse(item, text)).collect::<Result<_, _>>()?;
            Ok((!items.is_empty()).then_some(Value::List(items)))
        }
        // A map takes every parameter that no other member is bound to.
        (Kind::Map, Some(item)) => {
            let item = model.shape(item.shape);
            let mut entries: Vec<(String, Value)> = Vec::new();
            for (key, text) in query.iter().filter(|(key, _)| !own(key)) {
                let many =
                    item.value.as_ref().filter(|_| item.kind == Kind::List).map(|inner| model.shape(inner.shape));
                let parsed = scalar::parse(many.unwrap_or(item), text)?;
                match entries.iter_mut().find(|(k, _)| k == key) {
                    Some((_, Value::List(items))) => items.push(parsed),
                    Some(_) => {}
                    None if many.is_some() => entries.push((key.clone(), Value::List(vec![parsed]))),
                    None => entries.push((key.clone(), parsed)),
                }
            }
            Ok((!entries.is_empty()).then_some(Value::Map(entries)))
        }
        _ => first(query, member.wire()).map(|text| scalar::parse(inner, text)).transpose(),
    }
}

fn decode_header(model: &Model, member: &Member, headers: &HeaderMap) -> Result<Option<Value>, Malformed> {
    let Some(header) = headers.get(member.wire()) else { return Ok(None) };
    let text = String::from_utf8_lossy(header.as_bytes());
    let inner = model.shape(member.shape);
    if member.json_text {
        let decoded = BASE64.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded =
            decoded.ok_or_else(|| Malformed::new(format!("The header {} is not valid Base64 text", member.wire())))?;
        return Ok(Some(Value::Text(decoded)));
    }
    match (inner.kind, &inner.value) {
        (Kind::List, Some(item)) => {
            let item = model.shape(item.shape);
            let all = headers.get_all(member.wire()).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            let joined = all.collect::<Vec<_>>().join(",");
            let items = split_list(&joined, item.kind == Kind::Timestamp);
            items.iter().map(|text| scalar::parse(item, text)).collect::<Result<_, _>>().map(Value::List).map(Some)
        }
        _ => scalar::parse(inner, &text).map(Some),
    }
}

/// Splits a header's list at commas; quoted items may hold commas, and dates hold one each.
fn split_list(text: &str, dates: bool) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let (mut quoted, mut commas) = (false, 0);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => item.extend(chars.next()),
            ',' if !quoted && dates && commas == 0 && !item.trim().starts_with(|c: char| c.is_ascii_digit()) => {
                commas = 1;
                item.push(c);
            }
            ',' if !quoted => {
                items.push(std::mem::take(&mut item).trim().to_owned());
                commas = 0;
            }
            c => item.push(c),
        }
    }
    items.push(item.trim().to_owned());
    items.retain(|item| !item.is_empty());
    items
}

fn decode_prefixed(member: &Member, headers: &HeaderMap) -> Option<Value> {
    let prefix = member.wire().to_ascii_lowercase();
    let with_prefix = |(name, value): (&HeaderName, &HeaderValue)| {
        let key = name.as_str().strip_prefix(&prefix).filter(|key| !key.is_empty())?;
        Some((key.to_owned(), Value::Text(String::from_utf8_lossy(value.as_bytes()).into_owned())))
    };
    let entries: Vec<_> = headers.iter().filter_map(with_prefix).collect();
    (!entries.is_empty()).then_some(Value::Map(entries))
}

/// Writes the members of an output that are bound to headers, and finds the status code if a member is bound to it.
pub(crate) fn encode_bindings(
    model: &Model,
    shape: &Shape,
    value: &Value,
    headers: &mut HeaderMap,
) -> Result<Option<u16>, String> {
    let mut status = None;
    for member in shape.members.iter().filter(|member| member.location != Location::Body) {
        let Some(value) = value.get(&member.name).filter(|value| **value != Value::Null) else { continue };
        let inner = model.shape(member.shape);
        match (member.location, value) {
            (Location::StatusCode, Value::Int(code)) => status = u16::try_from(*code).ok(),
            (Location::Header, value) => {
                let text = header_text(model, member, inner, value)?;
                insert(headers, member.wire(), &text)?;
            }
            (Location::HeaderPrefix, Value::Map(entries)) => {
                for (key, value) in entries {
                    insert(headers, &format!("{}{key}", member.wire()), value.as_str().unwrap_or_default())?;
                }
            }
            _ => return Err(format!("the output's member {} cannot be bound", member.name)),
        }
    }
    Ok(status)
}

fn header_text(model: &Model, member: &Member, inner: &Shape, value: &Value) -> Result<String, String> {
    let wrong = || format!("the output's member {} is no header's value", member.name);
    if member.json_text {
        return value.as_str().map(|text| BASE64.encode(text)).ok_or_else(wrong);
    }
    match (value, &inner.value) {
        (Value::List(items), Some(item)) => {
            let item_shape = model.shape(item.shape);
            let print = |item: &Value| {
                let text = scalar::print(item_shape, item, TimestampFormat::Rfc822).ok_or_else(wrong)?;
                let quote = item_shape.kind == Kind::String && text.contains([',', '"']);
                Ok(if quote {
                    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                } else {
                    text.into_owned()
                })
            };
            items.iter().map(print).collect::<Result<Vec<_>, String>>().map(|items| items.join(","))
        }
        _ => scalar::print(inner, value, TimestampFormat::Rfc822).map(Into::into).ok_or_else(wrong),
    }
}

fn insert(headers: &mut HeaderMap, name: &str, text: &str) -> Result<(), String> {
    let wrong = || format!("the header {name} cannot hold its value");
    let name = HeaderName::try_from(name).map_err(|_| wrong())?;
    headers.insert(name, HeaderValue::from_bytes(text.as_bytes()).map_err(|_| wrong())?);
    Ok(())
}
