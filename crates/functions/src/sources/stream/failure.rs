//! What is told of records that were given up: "Configuring destinations for failed invocations" in the Lambda Developer Guide.

use super::StreamKind;
use super::lanes::{Condition, Lost};
use crate::model::FunctionKey;
use crate::sources::Mapping;
use fogbank_delivery::{Delivery, Origin};
use fogbank_model::{Arn, Clock, Timestamp};
use serde_json::{Value, json};

/// The condition as AWS writes it.
fn condition(lost: &Lost) -> &'static str {
    match lost.condition {
        Condition::RetriesExhausted => "RetryAttemptsExhausted",
        Condition::AgeExceeded => "RecordAgeExceeded",
    }
}

/// The message about `lost` for the mapping's destination `target`. `role` is the function's, which sends it. A bucket gets the records too.
pub(super) fn message(
    mapping: &Mapping,
    target: &Arn,
    shard: &str,
    (lost, role): (&Lost, &str),
    clock: &dyn Clock,
) -> Delivery {
    let function = mapping.function_arn();
    let origin = Origin {
        account: mapping.scope.account.clone(),
        region: mapping.scope.region.clone(),
        service: "lambda.amazonaws.com".into(),
        source: Some(FunctionKey::of(&mapping.function).arn()),
        sender: if role.is_empty() { "lambda.amazonaws.com".into() } else { role.into() },
        endpoint: String::new(),
        trace: None,
        hops: 1,
    };
    let request_id = lost.response.as_ref().map_or_else(|| clock.uuid(), |response| response.request_id.clone());
    let mut document = json!({
        "requestContext": {
            "requestId": request_id,
            "functionArn": function.as_str(),
            "condition": condition(lost),
            "approximateInvokeCount": lost.calls,
        },
    });
    if let Some(response) = &lost.response {
        document["responseContext"] = json!({
            "statusCode": 200,
            "executedVersion": response.version,
            "functionError": response.error,
        });
    }
    document["version"] = "1.0".into();
    document["timestamp"] = clock.now().to_iso_text().into();
    if let Some(kind) = StreamKind::of(&mapping.source) {
        document[kind.batch_member()] = batch(mapping, shard, lost);
    }
    let is_bucket = target.service() == "s3";
    if is_bucket {
        document["payload"] = payload(lost).into();
    }
    let mut delivery = Delivery::new(document.to_string(), origin);
    delivery.subject = is_bucket.then(|| object_key(mapping, shard, clock));
    delivery
}

/// The event of the records, as text.
fn payload(lost: &Lost) -> String {
    let records: Vec<&str> = lost.items.iter().map(|item| item.json.as_str()).collect();
    format!("{{\"Records\":[{}]}}", records.join(","))
}

/// `aws/lambda/MAPPING/SHARD/2019/11/14/2019-11-14T00.38.06-UUID`
fn object_key(mapping: &Mapping, shard: &str, clock: &dyn Clock) -> String {
    let now = clock.now().to_iso_text();
    let (day, time) = now.split_once('T').unwrap_or_default();
    let time = time.get(..8).unwrap_or_default().replace(':', ".");
    format!("aws/lambda/{}/{shard}/{}/{day}T{time}-{}", mapping.id, day.replace('-', "/"), clock.uuid())
}

/// Where the records are, for as long as the stream keeps them.
fn batch(mapping: &Mapping, shard: &str, lost: &Lost) -> Value {
    let (first, last) = (lost.items.first(), lost.items.last());
    let time = |at: Timestamp| at.to_iso_text().replace(".000Z", "Z");
    json!({
        "shardId": shard,
        "startSequenceNumber": first.map(|item| &*item.sequence),
        "endSequenceNumber": last.map(|item| &*item.sequence),
        "approximateArrivalOfFirstRecord": first.map(|item| time(item.arrival)),
        "approximateArrivalOfLastRecord": last.map(|item| time(item.arrival)),
        "batchSize": lost.items.len(),
        "streamArn": mapping.source.as_str(),
    })
}
