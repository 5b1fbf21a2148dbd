//! Tags as resource types see them: a map in typed properties, a map or a list of `Key` and `Value` in the operations.

use crate::resource::{Call, Properties};
use fogbank_wire::Fault;
use serde_json::{Map, Value, json};

/// By which operations, and in which form, a service takes changes of a resource's tags.
pub(super) struct Tagging {
    /// The service's shape table.
    pub service: &'static str,
    /// The operations that set tags and take them away.
    pub operations: (&'static str, &'static str),
    /// Their members that say which resource, which tags to set, and the keys of which to take away.
    pub members: (&'static str, &'static str, &'static str),
    /// The member that says of what kind the resource is, and what it says, for a service that asks.
    pub kind: Option<(&'static str, &'static str)>,
    /// How tags to set are given: as they are, or as [`list`].
    pub form: fn(&Map<String, Value>) -> Value,
}

impl Tagging {
    /// As most services do it, whose operations have the same names. `resource` is their member for the resource's ARN.
    pub const fn usual(service: &'static str, resource: &'static str, form: fn(&Map<String, Value>) -> Value) -> Self {
        let (operations, members) = (("TagResource", "UntagResource"), (resource, "Tags", "TagKeys"));
        Self { service, operations, members, kind: None, form }
    }

    /// Brings the tags of `resource` from those of `before` to those of `wanted`.
    pub async fn change(
        &self,
        call: &Call<'_>,
        resource: impl Into<Value>,
        before: &Properties,
        wanted: &Properties,
    ) -> Result<(), Fault> {
        let (resource, change) = (resource.into(), Change::between(before, wanted));
        let ((set, unset), (of, tags, keys)) = (self.operations, self.members);
        let input = |member: &str, value: Value| {
            let mut input = json!({of: resource, member: value});
            if let Some((name, kind)) = self.kind {
                input[name] = kind.into();
            }
            input
        };
        if !change.dropped.is_empty() {
            call.run(self.service, unset, input(keys, change.dropped.into())).await?;
        }
        if !change.set.is_empty() {
            call.run(self.service, set, input(tags, (self.form)(&change.set))).await?;
        }
        Ok(())
    }
}

/// The tags that `properties` have.
pub(super) fn of(properties: &Properties) -> Map<String, Value> {
    properties.get("Tags").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The tags as a mapping.
pub(super) fn map(tags: &Map<String, Value>) -> Value {
    Value::Object(tags.clone())
}

/// `[{"Key": …, "Value": …}]`
pub(super) fn list(tags: &Map<String, Value>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// What has to be done to a resource's tags.
struct Change {
    /// The names of those to take away.
    dropped: Vec<String>,
    /// Those to set: all that are wanted, or none where nothing is another.
    set: Map<String, Value>,
}

impl Change {
    /// From the tags of `before` to those of `wanted`.
    fn between(before: &Properties, wanted: &Properties) -> Self {
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
