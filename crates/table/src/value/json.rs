//! Items as JSON, in the form that the wire has: for events, and for files in buckets.

use super::{AttributeValue, Item, item_from_wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_wire::Value as Wire;
use serde_json::{Value, json};

/// An item, or the content of a map.
pub fn item(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, content)| (name.clone(), value(content))).collect())
}

/// An attribute's value: an object with its type's name.
pub fn value(content: &AttributeValue) -> Value {
    let shown = match content {
        AttributeValue::S(text) => Value::from(text.as_str()),
        AttributeValue::N(number) => number.to_string().into(),
        AttributeValue::B(bytes) => BASE64.encode(bytes).into(),
        AttributeValue::Bool(truth) => (*truth).into(),
        AttributeValue::Null => true.into(),
        AttributeValue::M(map) => item(map),
        AttributeValue::L(list) => list.iter().map(value).collect(),
        AttributeValue::SS(set) => set.iter().map(String::as_str).collect(),
        AttributeValue::NS(set) => set.iter().map(ToString::to_string).collect(),
        AttributeValue::BS(set) => set.iter().map(|bytes| BASE64.encode(bytes)).collect(),
    };
    json!({ content.type_name(): shown })
}

/// What [`item`] wrote, if it is one.
pub fn read_item(shown: &Value) -> Option<Item> {
    item_from_wire(map_to_wire(shown)?).ok()
}

fn map_to_wire(shown: &Value) -> Option<Wire> {
    let entries = shown.as_object()?.iter().map(|(name, value)| Some((name.clone(), to_wire(value)?)));
    entries.collect::<Option<_>>().map(Wire::Map)
}

fn to_wire(shown: &Value) -> Option<Wire> {
    let blob = |shown: &Value| Some(Wire::Blob(BASE64.decode(shown.as_str()?).ok()?.into()));
    let text = |shown: &Value| Some(Wire::Text(shown.as_str()?.to_owned()));
    let list = |shown: &Value, one: &dyn Fn(&Value) -> Option<Wire>| {
        shown.as_array()?.iter().map(one).collect::<Option<_>>().map(Wire::List)
    };
    let member = |(kind, content): (&String, &Value)| {
        let read = match kind.as_str() {
            "S" | "N" => text(content)?,
            "B" => blob(content)?,
            "BOOL" | "NULL" => Wire::Bool(content.as_bool()?),
            "M" => map_to_wire(content)?,
            "L" => list(content, &to_wire)?,
            "SS" | "NS" => list(content, &text)?,
            "BS" => list(content, &blob)?,
            _ => return None,
        };
        Some((kind.clone(), read))
    };
    shown.as_object()?.iter().map(member).collect::<Option<_>>().map(Wire::Map)
}
