//! Form bodies of the query protocol: `Name=orders&Tags.member.1.Key=team`.

use crate::Value;
use crate::model::{Kind, Model, Shape};
use crate::scalar::{self, Malformed};
use percent_encoding::percent_decode;
use std::collections::BTreeMap;

/// How deep a parameter's name may go, such as 4 in `Tags.member.1.Key`.
const DEPTH_LIMIT: usize = 64;

/// Decoded pairs of a query string or form, in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// Splits `text` at `&` and `=` and decodes each part; `+` is a space.
pub(crate) fn pairs(text: &[u8]) -> Pairs {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    let pair = |part: &[u8]| {
        let mut halves = part.splitn(2, |b| *b == b'=');
        (decode(halves.next().unwrap_or_default()), decode(halves.next().unwrap_or_default()))
    };
    text.split(|b| *b == b'&').filter(|part| !part.is_empty()).map(pair).collect()
}

#[derive(Default)]
struct Node<'a> {
    text: Option<&'a str>,
    children: BTreeMap<&'a str, Node<'a>>,
}

/// Reads the parameters as a structure.
pub(crate) fn decode(model: &Model, shape: &Shape, pairs: &Pairs) -> Result<Value, Malformed> {
    let mut root = Node::default();
    for (key, value) in pairs {
        let mut node = &mut root;
        for (depth, part) in key.split('.').enumerate() {
            if depth >= DEPTH_LIMIT {
                return Err(Malformed::new(format!("The parameter {} is nested too deeply", scalar::excerpt(key))));
            }
            node = node.children.entry(part).or_default();
        }
        node.text = Some(value);
    }
    value(model, shape, &root, false)
}

fn value(model: &Model, shape: &Shape, node: &Node<'_>, flattened: bool) -> Result<Value, Malformed> {
    match shape.kind {
        Kind::Structure => {
            let mut members = Vec::new();
            for member in &shape.members {
                let inner = model.shape(member.shape);
                let flat = member.flattened || inner.flattened;
                // A flattened list goes by its member's name, if that has one.
                let wire = match &inner.value {
                    Some(item) if flat && inner.kind == Kind::List => item.tag_or(member.tag()),
                    _ => member.tag(),
                };
                if let Some(child) = node.children.get(wire) {
                    members.push((member.name.clone(), value(model, inner, child, flat)?));
                }
            }
            Ok(Value::Map(members))
        }
        Kind::List => list(model, shape, node, flattened),
        Kind::Map => map(model, shape, node, flattened),
        Kind::Document => Err(Malformed::new("documents cannot be sent in a form")),
        _ => scalar::parse(shape, node.text.unwrap_or_default()),
    }
}

/// The children that are numbers, in numerical order.
fn numbered<'n, 'a>(node: &'n Node<'a>) -> Vec<&'n Node<'a>> {
    let mut items: Vec<(u64, &Node<'_>)> =
        node.children.iter().filter_map(|(key, child)| Some((key.parse().ok()?, child))).collect();
    items.sort_by_key(|(at, _)| *at);
    items.into_iter().map(|(_, child)| child).collect()
}

fn list(model: &Model, shape: &Shape, node: &Node<'_>, flattened: bool) -> Result<Value, Malformed> {
    let Some(item) = &shape.value else { return Ok(Value::List(Vec::new())) };
    let inner = model.shape(item.shape);
    let holder = if flattened { Some(node) } else { node.children.get(item.tag_or("member")) };
    let items = match holder {
        // The number may be left out where there is one item only: `AttributeName=All`.
        Some(node) if flattened && node.text.is_some() && node.children.is_empty() => vec![node],
        _ => holder.map(numbered).unwrap_or_default(),
    };
    items.into_iter().map(|child| value(model, inner, child, false)).collect::<Result<_, _>>().map(Value::List)
}

fn map(model: &Model, shape: &Shape, node: &Node<'_>, flattened: bool) -> Result<Value, Malformed> {
    let (Some(key), Some(item)) = (&shape.key, &shape.value) else { return Ok(Value::Map(Vec::new())) };
    let inner = model.shape(item.shape);
    let holder = if flattened { Some(node) } else { node.children.get("entry") };
    let mut members = Vec::new();
    let key_name = key.tag_or("key");
    let entries = match holder {
        Some(node) if flattened && node.children.contains_key(key_name) => vec![node],
        _ => holder.map(numbered).unwrap_or_default(),
    };
    for entry in entries {
        let name = entry.children.get(key_name).and_then(|child| child.text);
        let name = name.ok_or_else(|| Malformed::new(format!("An entry of {} has no key", shape.name)))?;
        let content = entry.children.get(item.tag_or("value"));
        let content = content.map_or(Ok(Value::Null), |child| value(model, inner, child, false))?;
        members.push((name.to_owned(), content));
    }
    Ok(Value::Map(members))
}
