//! The notification configuration of a bucket.

use super::configurations::{get, own};
use super::table::Call;
use crate::configuration::{self, kind};
use crate::model::Bucket;
use crate::notify::{self, Cause, EVENTS};
use crate::{Error, bucket};
use fogbank_model::Arn;
use fogbank_store::Tx;
use s3s::S3Request;
use s3s::dto::*;

fn argument(message: &str, name: &str, value: &str) -> Error {
    Error::InvalidArgument { message: message.into(), name: name.into(), value: value.into() }
}

/// One configuration of a target, whatever kind of target.
struct Entry<'a> {
    service: &'static str,
    arn: &'a str,
    events: &'a [Event],
    filter: Option<&'a NotificationConfigurationFilter>,
    id: &'a mut Option<String>,
}

fn entries(configured: &mut NotificationConfiguration) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    for it in configured.queue_configurations.iter_mut().flatten() {
        entries.push(Entry {
            service: "sqs",
            arn: &it.queue_arn,
            events: &it.events,
            filter: it.filter.as_ref(),
            id: &mut it.id,
        });
    }
    for it in configured.topic_configurations.iter_mut().flatten() {
        entries.push(Entry {
            service: "sns",
            arn: &it.topic_arn,
            events: &it.events,
            filter: it.filter.as_ref(),
            id: &mut it.id,
        });
    }
    for it in configured.lambda_function_configurations.iter_mut().flatten() {
        entries.push(Entry {
            service: "lambda",
            arn: &it.lambda_function_arn,
            events: &it.events,
            filter: it.filter.as_ref(),
            id: &mut it.id,
        });
    }
    entries
}

/// A filter's prefix and suffix.
fn bounds(filter: Option<&NotificationConfigurationFilter>) -> Result<(String, String), Error> {
    let (mut prefix, mut suffix) = (None, None);
    let rules = filter.and_then(|filter| filter.key.as_ref()).and_then(|key| key.filter_rules.as_ref());
    for rule in rules.into_iter().flatten() {
        let value = rule.value.clone().unwrap_or_default();
        let name = rule.name.as_ref().map(|name| name.as_str().to_ascii_lowercase()).unwrap_or_default();
        let place = match name.as_str() {
            "prefix" => &mut prefix,
            "suffix" => &mut suffix,
            _ => return Err(argument("filter rule name must be either prefix or suffix", "FilterRule.Name", &name)),
        };
        if place.replace(value.clone()).is_some() {
            let text = format!("Cannot specify more than one {name} rule in a filter.");
            return Err(argument(&text, "FilterRule.Name", &name));
        }
        if value.len() > 1024 {
            return Err(argument("filter value cannot exceed 1024 bytes", "FilterRule.Value", &value));
        }
    }
    Ok((prefix.unwrap_or_default(), suffix.unwrap_or_default()))
}

fn check(entries: &[Entry<'_>]) -> Result<(), Error> {
    let mut seen: Vec<(&str, String, String)> = Vec::new();
    for entry in entries {
        let arn: Arn = entry.arn.parse().map_err(|_| argument("The ARN could not be parsed", "ARN", entry.arn))?;
        if arn.service() != entry.service {
            return Err(argument("The ARN could not be parsed", "ARN", entry.arn));
        }
        if entry.events.is_empty() {
            return Err(Error::MalformedXml);
        }
        let (prefix, suffix) = bounds(entry.filter)?;
        for event in entry.events {
            let name = event.as_ref();
            if !name.strip_prefix("s3:").is_some_and(|name| EVENTS.contains(&name)) {
                return Err(argument("The event is not supported for notifications", "Event", name));
            }
            let overlaps = |(other, other_prefix, other_suffix): &(&str, String, String)| {
                same_event(name, other)
                    && (prefix.starts_with(other_prefix) || other_prefix.starts_with(&prefix))
                    && (suffix.ends_with(other_suffix) || other_suffix.ends_with(&suffix))
            };
            if seen.iter().any(overlaps) {
                let text =
                    "Configurations overlap. Configurations on the same bucket cannot share a common event type.";
                return Err(argument(text, "Event", name));
            }
        }
        seen.extend(entry.events.iter().map(|event| (event.as_ref(), prefix.clone(), suffix.clone())));
    }
    Ok(())
}

fn same_event(one: &str, other: &str) -> bool {
    let includes =
        |wide: &str, narrow: &str| wide.strip_suffix('*').map_or(wide == narrow, |start| narrow.starts_with(start));
    includes(one, other) || includes(other, one)
}

pub(super) async fn put(
    call: &Call,
    request: S3Request<PutBucketNotificationConfigurationInput>,
) -> Result<PutBucketNotificationConfigurationOutput, Error> {
    let input = request.input;
    let found = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let mut configured = input.notification_configuration;
    let mut entries = entries(&mut configured);
    check(&entries)?;
    for entry in &mut entries {
        if entry.id.as_ref().is_none_or(String::is_empty) {
            *entry.id = Some(call.objects.clock.uuid());
        }
    }
    let targets: Vec<(&'static str, String)> = entries.iter().map(|it| (it.service, it.arn.to_owned())).collect();
    let validates = !input.skip_destination_validation.unwrap_or_default();
    let cause = Cause::of(&call.context_in(&found), &found);
    let deliver = call.objects.deliver.clone();
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &found.name)?;
            for (service, target) in targets.iter().filter(|_| validates) {
                let arn: Arn = target.parse().map_err(|_| argument("The ARN could not be parsed", "ARN", target))?;
                if !deliver.exists(tx, &arn)? {
                    return Err(unreachable_target(service, target));
                }
            }
            save(tx, &bucket, &configured)?;
            if validates {
                notify::send_test(tx, &*deliver, &bucket, &cause, &configured)?;
            }
            Ok(())
        })
        .await?;
    Ok(PutBucketNotificationConfigurationOutput::default())
}

fn save(tx: &mut Tx<'_>, bucket: &Bucket, configured: &NotificationConfiguration) -> Result<(), Error> {
    let is_empty = configured.event_bridge_configuration.is_none()
        && configured.queue_configurations.iter().flatten().next().is_none()
        && configured.topic_configurations.iter().flatten().next().is_none()
        && configured.lambda_function_configurations.iter().flatten().next().is_none();
    match is_empty {
        true => configuration::delete(tx, bucket, kind::NOTIFICATION),
        false => configuration::put(tx, bucket, kind::NOTIFICATION, configured)?,
    }
    Ok(())
}

fn unreachable_target(service: &str, target: &str) -> Error {
    let why = match service {
        "sqs" => "The destination queue does not exist",
        "sns" => "The destination topic does not exist",
        _ => "The destination Lambda does not exist",
    };
    argument("Unable to validate the following destination configurations", &format!("{target}, null"), why)
}

pub(super) async fn get_all(
    call: &Call,
    request: S3Request<GetBucketNotificationConfigurationInput>,
) -> Result<GetBucketNotificationConfigurationOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<NotificationConfiguration> = get(call, &bucket, kind::NOTIFICATION)?;
    let found = found.unwrap_or_default();
    Ok(GetBucketNotificationConfigurationOutput {
        event_bridge_configuration: found.event_bridge_configuration,
        lambda_function_configurations: found.lambda_function_configurations,
        queue_configurations: found.queue_configurations,
        topic_configurations: found.topic_configurations,
    })
}
