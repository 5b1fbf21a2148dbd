//! What a bucket's properties are called in S3's own operations. Where the template's words are S3's, they are passed on as they are.

use serde_json::{Map, Value, json};

/// A property that an operation of its own puts.
pub(super) struct Setting {
    pub property: &'static str,
    /// The operation's input but for the bucket.
    pub input: fn(&Value) -> Value,
    pub operation: &'static str,
    /// What takes it back: an operation and its input but for the bucket.
    pub undo: fn() -> (&'static str, Value),
}

/// In the order in which they are put.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        property: "VersioningConfiguration",
        input: |value| json!({"VersioningConfiguration": value}),
        operation: "PutBucketVersioning",
        undo: || ("PutBucketVersioning", json!({"VersioningConfiguration": {"Status": "Suspended"}})),
    },
    Setting {
        property: "OwnershipControls",
        input: |value| json!({"OwnershipControls": value}),
        operation: "PutBucketOwnershipControls",
        undo: || ("DeleteBucketOwnershipControls", json!({})),
    },
    Setting {
        property: "PublicAccessBlockConfiguration",
        input: |value| json!({"PublicAccessBlockConfiguration": typed(value)}),
        operation: "PutPublicAccessBlock",
        undo: || ("DeletePublicAccessBlock", json!({})),
    },
    Setting {
        property: "BucketEncryption",
        input: |value| {
            let rules = list(
                value,
                "ServerSideEncryptionConfiguration",
                &[("ServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault")],
            );
            json!({"ServerSideEncryptionConfiguration": {"Rules": rules}})
        },
        operation: "PutBucketEncryption",
        undo: || ("DeleteBucketEncryption", json!({})),
    },
    Setting {
        property: "CorsConfiguration",
        input: |value| {
            let names = [("ExposedHeaders", "ExposeHeaders"), ("Id", "ID"), ("MaxAge", "MaxAgeSeconds")];
            json!({"CORSConfiguration": {"CORSRules": list(value, "CorsRules", &names)}})
        },
        operation: "PutBucketCors",
        undo: || ("DeleteBucketCors", json!({})),
    },
    Setting {
        property: "LifecycleConfiguration",
        input: |value| json!({"LifecycleConfiguration": {"Rules": lifecycle(value)}}),
        operation: "PutBucketLifecycleConfiguration",
        undo: || ("DeleteBucketLifecycle", json!({})),
    },
    Setting {
        property: "LoggingConfiguration",
        input: |value| {
            let target = value.get("DestinationBucketName").cloned().unwrap_or_default();
            let prefix = value.get("LogFilePrefix").cloned().unwrap_or_else(|| "".into());
            json!({"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}}})
        },
        operation: "PutBucketLogging",
        undo: || ("PutBucketLogging", json!({"BucketLoggingStatus": {}})),
    },
    Setting {
        property: "AccelerateConfiguration",
        input: |value| json!({"AccelerateConfiguration": renamed(value, &[("AccelerationStatus", "Status")])}),
        operation: "PutBucketAccelerateConfiguration",
        undo: || ("PutBucketAccelerateConfiguration", json!({"AccelerateConfiguration": {"Status": "Suspended"}})),
    },
    Setting {
        property: "ObjectLockConfiguration",
        input: |value| json!({"ObjectLockConfiguration": typed(value)}),
        operation: "PutObjectLockConfiguration",
        undo: || ("PutObjectLockConfiguration", json!({"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}})),
    },
    Setting {
        property: "ReplicationConfiguration",
        input: |value| {
            let rules = list(value, "Rules", &[("Id", "ID")]);
            json!({"ReplicationConfiguration": {"Role": value.get("Role"), "Rules": rules}})
        },
        operation: "PutBucketReplication",
        undo: || ("DeleteBucketReplication", json!({})),
    },
    Setting {
        property: "WebsiteConfiguration",
        input: |value| json!({"WebsiteConfiguration": website(value)}),
        operation: "PutBucketWebsite",
        undo: || ("DeleteBucketWebsite", json!({})),
    },
    Setting {
        property: "Tags",
        input: |value| {
            let tags = value.as_object().into_iter().flatten().map(|(key, value)| json!({"Key": key, "Value": value}));
            json!({"Tagging": {"TagSet": tags.collect::<Vec<_>>()}})
        },
        operation: "PutBucketTagging",
        undo: || ("DeleteBucketTagging", json!({})),
    },
    Setting {
        property: "NotificationConfiguration",
        input: |value| json!({"NotificationConfiguration": notifications(value)}),
        operation: "PutBucketNotificationConfiguration",
        undo: || ("PutBucketNotificationConfiguration", json!({"NotificationConfiguration": {}})),
    },
];

/// Numbers and booleans that a template wrote as text.
fn typed(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.as_str() {
            "true" | "True" => true.into(),
            "false" | "False" => false.into(),
            other => other.parse::<i64>().map_or_else(|_| value.clone(), Value::from),
        },
        Value::Array(items) => items.iter().map(typed).collect(),
        Value::Object(members) => {
            // A prefix or key that looks like a number stays what it is.
            let is_text = |key: &str| ["Prefix", "Id", "ID", "Key", "Value", "KMSMasterKeyID"].contains(&key);
            let member = |(key, value): (&String, &Value)| {
                (key.clone(), if is_text(key) { value.clone() } else { typed(value) })
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

/// A structure with other names for some of its members.
fn renamed(value: &Value, names: &[(&str, &str)]) -> Value {
    let name = |key: &String| names.iter().find(|(from, _)| from == key).map_or(key.as_str(), |(_, to)| to).to_owned();
    let Value::Object(members) = typed(value) else { return value.clone() };
    Value::Object(members.into_iter().map(|(key, value)| (name(&key), value)).collect())
}

fn list(value: &Value, member: &str, names: &[(&str, &str)]) -> Value {
    let items = value.get(member).and_then(Value::as_array);
    items.into_iter().flatten().map(|item| renamed(item, names)).collect()
}

/// Moves the members of `from` that are called so into a new structure, under their names there.
fn taken(from: &mut Map<String, Value>, names: &[(&str, &str)]) -> Option<Value> {
    let found: Map<String, Value> =
        names.iter().filter_map(|(name, to)| Some(((*to).to_owned(), from.remove(*name)?))).collect();
    (!found.is_empty()).then_some(Value::Object(found))
}

fn lifecycle(value: &Value) -> Value {
    let rule = |rule: &Value| {
        let Value::Object(mut rule) = renamed(rule, &[("Id", "ID")]) else { return Value::Null };
        let expiration = [
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        ];
        if let Some(expiration) = taken(&mut rule, &expiration) {
            rule.insert("Expiration".into(), expiration);
        }
        if let Some(days) = taken(&mut rule, &[("NoncurrentVersionExpirationInDays", "NoncurrentDays")]) {
            rule.insert("NoncurrentVersionExpiration".into(), days);
        }
        for (one, all) in
            [("Transition", "Transitions"), ("NoncurrentVersionTransition", "NoncurrentVersionTransitions")]
        {
            let single = rule.remove(one).map(|single| Value::Array(vec![single]));
            let names = [("TransitionInDays", "Days"), ("TransitionDate", "Date")];
            // Of versions that are not current, the days have a name of their own.
            let old = [("TransitionInDays", "NoncurrentDays")];
            let names = if one == "Transition" { &names[..] } else { &old[..] };
            if let Some(Value::Array(items)) = rule.remove(all).or(single) {
                rule.insert(all.into(), items.iter().map(|item| renamed(item, names)).collect());
            }
        }
        let tags = rule.remove("TagFilters");
        let mut filter = Map::new();
        for name in ["Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan"] {
            filter.extend(rule.remove(name).map(|value| (name.to_owned(), value)));
        }
        let tags: Vec<Value> = tags.and_then(|tags| tags.as_array().cloned()).unwrap_or_default();
        let filter = match (filter.len(), tags.as_slice()) {
            (0, []) => json!({"Prefix": ""}),
            (1, []) => Value::Object(filter),
            (0, [tag]) => json!({"Tag": tag}),
            _ => {
                if !tags.is_empty() {
                    filter.insert("Tags".into(), tags.into());
                }
                json!({"And": filter})
            }
        };
        rule.insert("Filter".into(), filter);
        Value::Object(rule)
    };
    value.get("Rules").and_then(Value::as_array).into_iter().flatten().map(rule).collect()
}

fn website(value: &Value) -> Value {
    let mut whole = Map::new();
    if let Some(index) = value.get("IndexDocument") {
        whole.insert("IndexDocument".into(), json!({"Suffix": index}));
    }
    if let Some(error) = value.get("ErrorDocument") {
        whole.insert("ErrorDocument".into(), json!({"Key": error}));
    }
    if let Some(redirect) = value.get("RedirectAllRequestsTo") {
        whole.insert("RedirectAllRequestsTo".into(), redirect.clone());
    }
    if value.get("RoutingRules").is_some() {
        let names = [("RedirectRule", "Redirect"), ("RoutingRuleCondition", "Condition")];
        whole.insert("RoutingRules".into(), list(value, "RoutingRules", &names));
    }
    Value::Object(whole)
}

fn notifications(value: &Value) -> Value {
    let one = |item: &Value, member: &str, arn: &str| {
        let mut entry = json!({"Events": [item.get("Event")]});
        entry[arn] = item.get(member).cloned().unwrap_or_default();
        if let Some(rules) = item.pointer("/Filter/S3Key/Rules") {
            entry["Filter"] = json!({"Key": {"FilterRules": rules}});
        }
        entry
    };
    let all = |list: &str, member: &str, arn: &str| -> Value {
        let items = value.get(list).and_then(Value::as_array);
        items.into_iter().flatten().map(|item| one(item, member, arn)).collect()
    };
    let mut whole = json!({
        "LambdaFunctionConfigurations": all("LambdaConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": all("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": all("TopicConfigurations", "Topic", "TopicArn"),
    });
    let bridge = value.get("EventBridgeConfiguration").map(typed);
    if bridge.is_some_and(|bridge| bridge.get("EventBridgeEnabled") != Some(&Value::Bool(false))) {
        whole["EventBridgeConfiguration"] = json!({});
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_gets_the_form_of_the_api() {
        let template = json!({"Rules": [{
            "Id": "r", "Status": "Enabled", "ExpirationInDays": "3", "Prefix": "7",
            "TagFilters": [{"Key": "a", "Value": "b"}], "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}],
        }]});
        let expected = json!([{
            "ID": "r", "Status": "Enabled", "Expiration": {"Days": 3},
            "Transitions": [{"StorageClass": "GLACIER", "Days": 1}],
            "Filter": {"And": {"Prefix": "7", "Tags": [{"Key": "a", "Value": "b"}]}},
        }]);
        assert_eq!(lifecycle(&template), expected);
    }

    #[test]
    fn a_notification_gets_the_form_of_the_api() {
        let template = json!({"QueueConfigurations": [{
            "Event": "s3:ObjectCreated:*", "Queue": "arn", "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "a"}]}},
        }]});
        let entry = json!([{
            "Events": ["s3:ObjectCreated:*"], "QueueArn": "arn",
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a"}]}},
        }]);
        assert_eq!(notifications(&template)["QueueConfigurations"], entry);
    }
}
