//! Items as JSON, in the form that the wire has: for events, and for files in buckets.

use super::{AttributeValue, Item};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
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
