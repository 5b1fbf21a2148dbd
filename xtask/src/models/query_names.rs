//! What SQS calls things in the query protocol, which it still answers although botocore's model knows its JSON protocol only.
//! From AWS's API reference.

use serde_json::{Value, json};

const VERSION_NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// What the items of a list are called.
const ITEMS: [(&str, &str); 16] = [
    ("AWSAccountIdList", "AWSAccountId"),
    ("ActionNameList", "ActionName"),
    ("AttributeNameList", "AttributeName"),
    ("BatchResultErrorEntryList", "BatchResultErrorEntry"),
    ("ChangeMessageVisibilityBatchRequestEntryList", "ChangeMessageVisibilityBatchRequestEntry"),
    ("ChangeMessageVisibilityBatchResultEntryList", "ChangeMessageVisibilityBatchResultEntry"),
    ("DeleteMessageBatchRequestEntryList", "DeleteMessageBatchRequestEntry"),
    ("DeleteMessageBatchResultEntryList", "DeleteMessageBatchResultEntry"),
    ("ListMessageMoveTasksResultEntryList", "ListMessageMoveTasksResultEntry"),
    ("MessageAttributeNameList", "MessageAttributeName"),
    ("MessageList", "Message"),
    ("MessageSystemAttributeList", "MessageSystemAttributeName"),
    ("QueueUrlList", "QueueUrl"),
    ("SendMessageBatchRequestEntryList", "SendMessageBatchRequestEntry"),
    ("SendMessageBatchResultEntryList", "SendMessageBatchResultEntry"),
    ("TagKeyList", "TagKey"),
];

/// What a map is called wherever it stands, its keys, and its values.
const MAPS: [(&str, &str, &str, &str); 5] = [
    ("QueueAttributeMap", "Attribute", "Name", "Value"),
    ("MessageSystemAttributeMap", "Attribute", "Name", "Value"),
    ("MessageBodyAttributeMap", "MessageAttribute", "Name", "Value"),
    ("MessageBodySystemAttributeMap", "MessageSystemAttribute", "Name", "Value"),
    ("TagMap", "Tag", "Key", "Value"),
];

/// Errors that have another code in the query protocol.
const CODES: [(&str, &str); 12] = [
    ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
    ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"),
    ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
    ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"),
    ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress"),
    ("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"),
    ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    ("QueueNameExists", "QueueAlreadyExists"),
    ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
    ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"),
    ("ResourceNotFoundException", "ResourceNotFoundException"),
];

/// Adds the query protocol to `model`, if it is SQS's.
pub fn add(service: &str, model: &mut Value) {
    if service != "sqs" {
        return;
    }
    model["metadata"]["protocols"] = json!(["json", "query"]);
    model["metadata"]["xmlNamespace"] = json!(VERSION_NAMESPACE);
    for (list, item) in ITEMS {
        model["shapes"][list]["member"]["queryName"] = json!(item);
    }
    for list in ["StringList", "BinaryList"] {
        model["shapes"][list]["member"]["queryName"] = json!(format!("{list}Value"));
    }
    for (map, _, key, value) in MAPS {
        model["shapes"][map]["key"]["queryName"] = json!(key);
        model["shapes"][map]["value"]["queryName"] = json!(value);
    }
    for (error, code) in CODES {
        model["shapes"][error]["error"] = json!({"code": code, "httpStatusCode": 400});
    }
    let Some(shapes) = model["shapes"].as_object_mut() else { return };
    let members = shapes.values_mut().filter_map(|shape| shape.get_mut("members")?.as_object_mut());
    for member in members.flat_map(|members| members.values_mut()) {
        if let Some((_, name, ..)) = MAPS.iter().find(|(map, ..)| member["shape"] == *map) {
            member["queryName"] = json!(name);
        }
    }
}
