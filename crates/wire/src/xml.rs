//! XML: bodies of restXml, and the answers of the query protocol.

use crate::Value;
use crate::model::{Kind, Location, Member, Model, Shape, TimestampFormat};
use crate::scalar::{self, Malformed};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may be nested.
const DEPTH_LIMIT: usize = 128;

/// One element of a request's body.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

/// Reads `body` as a value of `shape`; the root element's name does not matter.
pub(crate) fn decode(model: &Model, shape: &Shape, body: &[u8]) -> Result<Value, Malformed> {
    let root = parse(body)?;
    structure_or(model, shape, &[&root], false)
}

fn malformed(error: impl std::fmt::Display) -> Malformed {
    Malformed::new(format!("The XML you provided was not well-formed: {error}"))
}

/// Builds the tree. Document types are refused, so no entity can grow.
fn parse(body: &[u8]) -> Result<Element, Malformed> {
    let text = std::str::from_utf8(body).map_err(malformed)?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(malformed)? {
            Event::Start(tag) if open.len() > DEPTH_LIMIT => {
                return Err(malformed(format!("<{}> is nested too deeply", element(&tag)?.name)));
            }
            Event::Start(tag) => open.push(element(&tag)?),
            Event::Empty(tag) => {
                let made = element(&tag)?;
                top(&mut open)?.children.push(made);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| malformed("an element ends that did not begin"))?;
                top(&mut open)?.children.push(done);
            }
            Event::Text(piece) => {
                top(&mut open)?.text.push_str(&piece);
            }
            Event::CData(piece) => {
                top(&mut open)?.text.push_str(&piece);
            }
            Event::GeneralRef(name) => {
                let resolved = quick_xml::escape::unescape(&format!("&{};", &*name)).map_err(malformed)?.into_owned();
                top(&mut open)?.text.push_str(&resolved);
            }
            Event::DocType(_) => return Err(malformed("document types are not accepted")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty()).ok_or_else(|| malformed("an element does not end"))?;
    root.children.pop().filter(|_| root.children.is_empty()).ok_or_else(|| malformed("there must be one root element"))
}

fn top(open: &mut [Element]) -> Result<&mut Element, Malformed> {
    open.last_mut().ok_or_else(|| malformed("an element ends that did not begin"))
}

fn element(tag: &BytesStart<'_>) -> Result<Element, Malformed> {
    let name = tag.local_name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(malformed)?;
        let key = attribute.key.as_ref().to_owned();
        attributes.push((key, quick_xml::escape::unescape(&attribute.value).map_err(malformed)?.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

/// Reads the elements that hold one value: one, or several for a flattened list or map.
fn structure_or(model: &Model, shape: &Shape, elements: &[&Element], flattened: bool) -> Result<Value, Malformed> {
    let Some(first) = elements.first() else { return Ok(Value::Null) };
    match shape.kind {
        Kind::Structure => {
            let mut members = Vec::new();
            for member in shape.members.iter().filter(|member| member.location == Location::Body) {
                if let Some(value) = member_value(model, member, first)? {
                    members.push((member.name.clone(), value));
                }
            }
            Ok(Value::Map(members))
        }
        Kind::List => {
            let Some(item) = &shape.value else { return Ok(Value::List(Vec::new())) };
            let wire = item.tag_or("member");
            let nested: Vec<&Element> = first.children.iter().filter(|child| child.name == wire).collect();
            let items = if flattened { elements } else { &nested };
            let inner = model.shape(item.shape);
            let items = items.iter().map(|child| structure_or(model, inner, &[child], false));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        Kind::Map => {
            let (Some(key), Some(item)) = (&shape.key, &shape.value) else { return Ok(Value::Map(Vec::new())) };
            let nested: Vec<&Element> = first.children.iter().filter(|child| child.name == "entry").collect();
            let entries = if flattened { elements } else { &nested };
            let find = |entry: &'_ Element, wire: &str| entry.children.iter().position(|child| child.name == wire);
            let mut members = Vec::new();
            for entry in entries {
                let name = find(entry, key.tag_or("key")).and_then(|at| entry.children.get(at));
                let name = name.ok_or_else(|| malformed(format!("an entry of {} has no key", shape.name)))?;
                let content = find(entry, item.tag_or("value")).and_then(|at| entry.children.get(at));
                let content: Vec<&Element> = content.into_iter().collect();
                members.push((name.text.clone(), structure_or(model, model.shape(item.shape), &content, false)?));
            }
            Ok(Value::Map(members))
        }
        Kind::Document => Err(malformed("documents cannot be sent in XML")),
        _ => scalar::parse(shape, &first.text),
    }
}

fn member_value(model: &Model, member: &Member, parent: &Element) -> Result<Option<Value>, Malformed> {
    let inner = model.shape(member.shape);
    if member.attribute {
        let found = parent.attributes.iter().find(|(key, _)| key == member.tag());
        return found.map(|(_, text)| scalar::parse(inner, text)).transpose();
    }
    let flat = member.flattened || inner.flattened;
    // SDKs do not agree whether a flattened list goes by its member's name or by its own.
    let either = [element_name(member, inner, flat), member.tag()];
    let found: Vec<&Element> = parent.children.iter().filter(|child| either.contains(&child.name.as_str())).collect();
    if found.is_empty() { Ok(None) } else { structure_or(model, inner, &found, flat).map(Some) }
}

/// A flattened list goes by its member's name, if that has one.
fn element_name<'m>(member: &'m Member, shape: &'m Shape, flattened: bool) -> &'m str {
    match &shape.value {
        Some(item) if flattened && shape.kind == Kind::List => item.tag_or(member.tag()),
        _ => member.tag(),
    }
}

/// Writes the members of a structure, without an element around them. An error names a member or type that the shape does not
/// have: a mistake of the service.
pub(crate) fn encode_members(model: &Model, shape: &Shape, value: &Value, out: &mut String) -> Result<(), String> {
    let Value::Map(members) = value else { return Err(format!("{} is a structure", shape.name)) };
    for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
        let member = shape.member(name).ok_or_else(|| format!("{} has no member {name}", shape.name))?;
        if member.attribute || member.location != Location::Body {
            continue;
        }
        let inner = model.shape(member.shape);
        let flat = member.flattened || inner.flattened;
        let attributes = attributes(inner, value, member);
        encode(model, inner, value, element_name(member, inner, flat), &attributes, flat, out)?;
    }
    Ok(())
}

/// Writes `value` as the element `name`, or as several if it is flattened. `attributes` begins with a space unless it is empty.
pub(crate) fn encode(
    model: &Model,
    shape: &Shape,
    value: &Value,
    name: &str,
    attributes: &str,
    flattened: bool,
    out: &mut String,
) -> Result<(), String> {
    let holds = |value: &Option<Member>| value.as_ref().map(|member| model.shape(member.shape)).ok_or(());
    match (value, shape.kind) {
        (Value::Map(_), Kind::Structure) => {
            wrapped(name, attributes, out, |out| encode_members(model, shape, value, out))
        }
        (Value::Map(members), Kind::Map) => {
            let inner = holds(&shape.value).map_err(|()| format!("{} holds nothing", shape.name))?;
            let key_name = shape.key.as_ref().map_or("key", |key| key.tag_or("key"));
            let value_name = shape.value.as_ref().map_or("value", |value| value.tag_or("value"));
            let entry_name = if flattened { name } else { "entry" };
            let entries = |out: &mut String| {
                members.iter().try_for_each(|(key, value)| {
                    wrapped(entry_name, "", out, |out| {
                        text_element(key_name, "", key, out);
                        encode(model, inner, value, value_name, "", false, out)
                    })
                })
            };
            if flattened { entries(out) } else { wrapped(name, attributes, out, entries) }
        }
        (Value::List(items), Kind::List) => {
            let inner = holds(&shape.value).map_err(|()| format!("{} holds nothing", shape.name))?;
            let member_name = shape.value.as_ref().map_or("member", |value| value.tag_or("member"));
            let item_name = if flattened { name } else { member_name };
            let each = |out: &mut String| {
                items.iter().try_for_each(|item| match &shape.value {
                    Some(member) => {
                        encode(model, inner, item, item_name, &self::attributes(inner, item, member), false, out)
                    }
                    None => Ok(()),
                })
            };
            if flattened { each(out) } else { wrapped(name, attributes, out, each) }
        }
        (Value::Null, _) => Ok(()),
        (scalar, _) => {
            let text = scalar::print(shape, scalar, TimestampFormat::Iso8601);
            let text = text.ok_or_else(|| format!("{} is no {:?}", shape.name, shape.kind))?;
            text_element(name, attributes, &text, out);
            Ok(())
        }
    }
}

/// The attributes of a member's element: its namespace, and members of its structure that are attributes.
fn attributes(shape: &Shape, value: &Value, member: &Member) -> String {
    let mut text = String::new();
    if let Some(uri) = &member.xmlns {
        let prefix = member.xml_prefix.as_ref().map_or_else(String::new, |prefix| format!(":{prefix}"));
        text.push_str(&format!(" xmlns{prefix}=\"{}\"", quick_xml::escape::escape(uri)));
    }
    for attribute in shape.members.iter().filter(|member| member.attribute) {
        if let Some(Value::Text(content)) = value.get(&attribute.name) {
            text.push_str(&format!(" {}=\"{}\"", attribute.tag(), quick_xml::escape::escape(content)));
        }
    }
    text
}

fn wrapped(
    name: &str,
    attributes: &str,
    out: &mut String,
    inner: impl FnOnce(&mut String) -> Result<(), String>,
) -> Result<(), String> {
    for piece in ["<", name, attributes, ">"] {
        out.push_str(piece);
    }
    inner(out)?;
    for piece in ["</", name, ">"] {
        out.push_str(piece);
    }
    Ok(())
}

/// Writes `<name>text</name>`.
pub(crate) fn text_element(name: &str, attributes: &str, text: &str, out: &mut String) {
    for piece in ["<", name, attributes, ">"] {
        out.push_str(piece);
    }
    escape(text, out);
    for piece in ["</", name, ">"] {
        out.push_str(piece);
    }
}

/// Escapes what XML gives a meaning to. Control characters that XML 1.0 does not allow become the replacement character; a carriage
/// return is written as a reference, since a reader would make it a line feed.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() && c < ' ' => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
