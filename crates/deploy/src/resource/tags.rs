//! Tags as resource types see them: a map in typed properties, a map or a list of `Key` and `Value` in the operations.

use crate::resource::Properties;
use serde_json::{Map, Value, json};

/// The tags that `properties` have.
pub(super) fn of(properties: &Properties) -> Map<String, Value> {
    properties.get("Tags").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// `[{"Key": …, "Value": …}]`
pub(super) fn list(tags: &Map<String, Value>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// What has to be done to a resource's tags.
pub(super) struct Change {
    /// The names of those to take away.
    pub dropped: Vec<String>,
    /// Those to set: all that are wanted, or none where nothing is another.
    pub set: Map<String, Value>,
}

impl Change {
    /// From the tags of `before` to those of `wanted`.
    pub fn between(before: &Properties, wanted: &Properties) -> Self {
        let (old, new) = (of(before), of(wanted));
        let dropped = old.keys().filter(|name| !new.contains_key(*name)).cloned().collect();
        Self { dropped, set: if new == old { Map::new() } else { new } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tags: Value) -> Properties {
        [("Tags".to_owned(), tags)].into_iter().collect()
    }

    #[test]
    fn a_change_drops_what_is_gone_and_sets_what_is_another() {
        let (before, wanted) = (tagged(json!({"a": "1", "b": "2"})), tagged(json!({"a": "3"})));
        let change = Change::between(&before, &wanted);
        assert_eq!((change.dropped, list(&change.set)), (vec!["b".to_owned()], json!([{"Key": "a", "Value": "3"}])));
        let nothing = Change::between(&before, &before);
        assert!(nothing.dropped.is_empty() && nothing.set.is_empty());
        let all = Change::between(&before, &Properties::new());
        assert!(all.set.is_empty() && all.dropped == ["a", "b"]);
    }
}
