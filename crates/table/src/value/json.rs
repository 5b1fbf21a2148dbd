//! Attribute values in JSON, with bytes in base64, for those who take them outside of a protocol: functions that read streams, exports.

use super::{AttributeValue, Item};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value as Json, json};

/// The attributes, each `{"S": "..."}` or the like.
pub fn item_to_json(item: &Item) -> Json {
    Json::Object(item.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
}

impl AttributeValue {
    /// `{"S": "..."}` or the like.
    pub fn to_json(&self) -> Json {
        let content = match self {
            Self::S(text) => json!(text),
            Self::N(number) => json!(number.to_string()),
            Self::B(bytes) => json!(BASE64.encode(bytes)),
            Self::Bool(truth) => json!(truth),
            Self::Null => json!(true),
            Self::M(map) => item_to_json(map),
            Self::L(list) => list.iter().map(Self::to_json).collect(),
            Self::SS(set) => json!(set),
            Self::NS(set) => set.iter().map(ToString::to_string).collect(),
            Self::BS(set) => set.iter().map(|bytes| BASE64.encode(bytes)).collect(),
        };
        Json::Object(Map::from_iter([(self.type_name().to_owned(), content)]))
    }
}
