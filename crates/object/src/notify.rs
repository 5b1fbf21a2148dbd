//! Who is told about a change of a bucket, and the telling itself, within the transaction of the change.

use crate::configuration::{self, kind};
use crate::model::{Bucket, Version};
use crate::record;
use fogbank_delivery::{Deliver, Delivery, EventHead, Origin, Undelivered};
use fogbank_model::{Arn, Caller, RequestContext, Timestamp};
use fogbank_store::{Error as StoreError, Tx};
use s3s::dto::{NotificationConfiguration, NotificationConfigurationFilter};

/// The subject of what topics get.
const SUBJECT: &str = "Amazon S3 Notification";

/// Events that can be asked for, without `s3:`.
pub(crate) const EVENTS: [&str; 28] = [
    "TestEvent",
    "ObjectCreated:*",
    "ObjectCreated:Put",
    "ObjectCreated:Post",
    "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload",
    "ObjectRemoved:*",
    "ObjectRemoved:Delete",
    "ObjectRemoved:DeleteMarkerCreated",
    "ObjectRestore:*",
    "ObjectRestore:Post",
    "ObjectRestore:Completed",
    "ObjectRestore:Delete",
    "ReducedRedundancyLostObject",
    "Replication:*",
    "Replication:OperationFailedReplication",
    "Replication:OperationNotTracked",
    "Replication:OperationMissedThreshold",
    "Replication:OperationReplicatedAfterThreshold",
    "LifecycleExpiration:*",
    "LifecycleExpiration:Delete",
    "LifecycleExpiration:DeleteMarkerCreated",
    "LifecycleTransition",
    "IntelligentTiering",
    "ObjectTagging:*",
    "ObjectTagging:Put",
    "ObjectTagging:Delete",
    "ObjectAcl:Put",
];

/// Who caused a change.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub origin: Origin,
    /// As records name them.
    pub principal: String,
    pub source_ip: String,
    pub request_id: String,
    pub host_id: String,
}

impl Cause {
    /// The cause of what a request changes in `bucket`.
    pub fn of(context: &RequestContext, bucket: &Bucket) -> Self {
        let account = &context.account;
        let principal = match &context.caller {
            Caller::Root => account.to_string(),
            Caller::User { id, .. } => format!("AWS:{id}"),
            Caller::Role { session, .. } => format!("AWS:AROA{account}:{session}"),
            Caller::Service(name) => (*name).to_owned(),
        };
        Self {
            origin: Origin::of(context, "s3.amazonaws.com", bucket.arn()),
            principal,
            source_ip: context.source_ip.map_or_else(|| "127.0.0.1".into(), |ip| ip.to_string()),
            request_id: crate::s3::request_id(&context.request_id),
            host_id: crate::s3::host_id(&context.request_id),
        }
    }
}

/// A change that somebody may want to hear of.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    /// Such as `ObjectCreated:Put`.
    pub name: &'static str,
    pub key: &'a str,
    /// The version that came to be, or was deleted.
    pub version: &'a Version,
}

impl Event<'_> {
    fn is(&self, wanted: &str) -> bool {
        let wanted = wanted.strip_prefix("s3:").unwrap_or(wanted);
        match wanted.strip_suffix('*') {
            Some(start) => self.name.starts_with(start),
            None => self.name == wanted,
        }
    }
}

/// Tells everybody whom the bucket's configuration names. A target that is gone or refuses misses it, as in S3.
pub(crate) fn notify(
    tx: &mut Tx<'_>,
    deliver: &dyn Deliver,
    bucket: &Bucket,
    cause: &Cause,
    event: &Event<'_>,
) -> Result<(), StoreError> {
    let configured: Option<NotificationConfiguration> = configuration::get(tx, bucket, kind::NOTIFICATION)?;
    let Some(configured) = configured else { return Ok(()) };
    let is_meant = |events: &[s3s::dto::Event], filter: &Option<NotificationConfigurationFilter>| {
        events.iter().any(|wanted| event.is(wanted.as_ref())) && passes(filter.as_ref(), event.key)
    };
    let mut targets: Vec<(String, String, bool)> = Vec::new();
    for queue in configured.queue_configurations.into_iter().flatten() {
        if is_meant(&queue.events, &queue.filter) {
            targets.push((queue.queue_arn, queue.id.unwrap_or_default(), false));
        }
    }
    for topic in configured.topic_configurations.into_iter().flatten() {
        if is_meant(&topic.events, &topic.filter) {
            targets.push((topic.topic_arn, topic.id.unwrap_or_default(), true));
        }
    }
    for function in configured.lambda_function_configurations.into_iter().flatten() {
        if is_meant(&function.events, &function.filter) {
            targets.push((function.lambda_function_arn, function.id.unwrap_or_default(), false));
        }
    }
    for (arn, id, is_topic) in targets {
        let mut delivery = Delivery::new(record::of(bucket, cause, event, &id), cause.origin.clone());
        delivery.subject = is_topic.then(|| SUBJECT.to_owned());
        send(tx, deliver, &arn, &delivery)?;
    }
    if configured.event_bridge_configuration.is_some()
        && let Some((detail_type, detail)) = record::detail(bucket, cause, event)
    {
        let mut delivery = Delivery::new(detail, cause.origin.clone());
        let resources = vec![format!("arn:aws:s3:::{}", bucket.name)];
        let detail_type = detail_type.to_owned();
        delivery.event = Some(EventHead { source: "aws.s3".into(), detail_type, resources, forwarded: None });
        let bus = format!("arn:aws:events:{}:{}:event-bus/default", bucket.region, bucket.owner);
        send(tx, deliver, &bus, &delivery)?;
    }
    Ok(())
}

fn send(tx: &mut Tx<'_>, deliver: &dyn Deliver, target: &str, delivery: &Delivery) -> Result<(), StoreError> {
    let Ok(arn) = target.parse::<Arn>() else { return Ok(()) };
    if let Err(why) = Undelivered::refusal(deliver.deliver(tx, &arn, delivery))? {
        tracing::warn!(target, %why, "a notification of a bucket was not taken");
    }
    Ok(())
}

/// Sends the event that says that a configuration works to every queue and topic of it.
pub(crate) fn send_test(
    tx: &mut Tx<'_>,
    deliver: &dyn Deliver,
    bucket: &Bucket,
    cause: &Cause,
    configured: &NotificationConfiguration,
) -> Result<(), StoreError> {
    let queues = configured.queue_configurations.iter().flatten().map(|queue| (queue.queue_arn.clone(), false));
    let topics = configured.topic_configurations.iter().flatten().map(|topic| (topic.topic_arn.clone(), true));
    for (arn, is_topic) in queues.chain(topics) {
        let mut delivery = Delivery::new(record::test(bucket, cause, tx.now()), cause.origin.clone());
        delivery.subject = is_topic.then(|| SUBJECT.to_owned());
        send(tx, deliver, &arn, &delivery)?;
    }
    Ok(())
}

fn passes(filter: Option<&NotificationConfigurationFilter>, key: &str) -> bool {
    let rules = filter.and_then(|filter| filter.key.as_ref()).and_then(|key| key.filter_rules.as_ref());
    rules.into_iter().flatten().all(|rule| {
        let value = rule.value.as_deref().unwrap_or_default();
        match rule.name.as_ref().map(|name| name.as_str().to_ascii_lowercase()).as_deref() {
            Some("suffix") => key.ends_with(value),
            _ => key.starts_with(value),
        }
    })
}

/// When, for records.
pub(crate) fn time_text(time: Timestamp) -> String {
    crate::s3::iso(time)
}
