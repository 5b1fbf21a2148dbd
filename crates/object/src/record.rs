//! What notifications say (Amazon S3 User Guide, "Event message structure" and "EventBridge event message structure").

use crate::model::Bucket;
use crate::notify::{Cause, Event, time_text};
use fogbank_model::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// As `java.net.URLEncoder` leaves them, which S3's keys are written with; spaces become `+`.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/');

/// A key as records have it.
pub(crate) fn encoded(key: &str) -> String {
    utf8_percent_encode(key, PLAIN).to_string().replace("%20", "+").replace("%2F", "/")
}

fn sequencer(event: &Event<'_>) -> String {
    format!("{:018X}", event.version.number)
}

/// The body for queues, topics and functions.
pub(crate) fn of(bucket: &Bucket, cause: &Cause, event: &Event<'_>, configuration: &str) -> String {
    let version = event.version;
    let removes = ["ObjectRemoved:Delete", "LifecycleExpiration:Delete"].contains(&event.name);
    let is_removal = removes && !version.marker;
    let mut object = Map::new();
    object.insert("key".into(), encoded(event.key).into());
    if !is_removal && !version.marker {
        object.insert("size".into(), version.size.into());
    }
    if !is_removal {
        let etag = if version.marker { "d41d8cd98f00b204e9800998ecf8427e" } else { &version.etag };
        object.insert("eTag".into(), etag.into());
    }
    if let Some(id) = &version.id {
        object.insert("versionId".into(), id.as_str().into());
    }
    object.insert("sequencer".into(), sequencer(event).into());
    let is_first = event.name.starts_with("ObjectCreated:") || event.name.starts_with("ObjectRemoved:");
    let record = json!({
        "eventVersion": if is_first { "2.1" } else { "2.3" },
        "eventSource": "aws:s3",
        "awsRegion": bucket.region.as_str(),
        "eventTime": time_text(version_time(event)),
        "eventName": event.name,
        "userIdentity": {"principalId": cause.principal},
        "requestParameters": {"sourceIPAddress": cause.source_ip},
        "responseElements": {"x-amz-request-id": cause.request_id, "x-amz-id-2": cause.host_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": bucket.owner.as_str()},
                "arn": format!("arn:aws:s3:::{}", bucket.name),
            },
            "object": Value::Object(object),
        },
    });
    json!({"Records": [record]}).to_string()
}

fn version_time(event: &Event<'_>) -> Timestamp {
    event.version.modified
}

/// The type and detail of an event, for buses; `None` for what buses are not told.
pub(crate) fn detail(bucket: &Bucket, cause: &Cause, event: &Event<'_>) -> Option<(&'static str, String)> {
    let version = event.version;
    let (detail_type, reason) = match event.name {
        "ObjectCreated:Put" => ("Object Created", Some("PutObject")),
        "ObjectCreated:Post" => ("Object Created", Some("POST Object")),
        "ObjectCreated:Copy" => ("Object Created", Some("CopyObject")),
        "ObjectCreated:CompleteMultipartUpload" => ("Object Created", Some("CompleteMultipartUpload")),
        "ObjectRemoved:Delete" | "ObjectRemoved:DeleteMarkerCreated" => ("Object Deleted", Some("DeleteObject")),
        "LifecycleExpiration:Delete" | "LifecycleExpiration:DeleteMarkerCreated" => {
            ("Object Deleted", Some("Lifecycle Expiration"))
        }
        "ObjectTagging:Put" => ("Object Tags Added", None),
        "ObjectTagging:Delete" => ("Object Tags Deleted", None),
        "ObjectAcl:Put" => ("Object ACL Updated", None),
        _ => return None,
    };
    let mut object = Map::new();
    object.insert("key".into(), event.key.into());
    if detail_type == "Object Created" {
        object.insert("size".into(), version.size.into());
    }
    if detail_type != "Object Deleted" {
        object.insert("etag".into(), version.etag.as_str().into());
    } else if version.marker {
        object.insert("etag".into(), "d41d8cd98f00b204e9800998ecf8427e".into());
    }
    if let Some(id) = &version.id {
        object.insert("version-id".into(), id.as_str().into());
    }
    object.insert("sequencer".into(), sequencer(event).into());
    let mut detail = json!({
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": Value::Object(object),
        "request-id": cause.request_id,
        "requester": cause.origin.account.as_str(),
        "source-ip-address": cause.source_ip,
    });
    if let Some(reason) = reason {
        detail["reason"] = reason.into();
    }
    if detail_type == "Object Deleted" {
        let kind = if version.marker { "Delete Marker Created" } else { "Permanently Deleted" };
        detail["deletion-type"] = kind.into();
    }
    Some((detail_type, detail.to_string()))
}

/// What a queue or topic gets when a configuration is put.
pub(crate) fn test(bucket: &Bucket, cause: &Cause, now: Timestamp) -> String {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": time_text(now),
        "Bucket": bucket.name,
        "RequestId": cause.request_id,
        "HostId": cause.host_id,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_in_forms() {
        assert_eq!(encoded("a b/c+d ü.txt"), "a+b/c%2Bd+%C3%BC.txt");
    }
}
