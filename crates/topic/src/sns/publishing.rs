//! Handlers for publishing.

use super::address::{origin, topic};
use super::faults;
use super::shapes::{BatchOutput, Failed, Publish, PublishBatch, Published};
use crate::model::MESSAGE_BYTES;
use crate::publish::{check_batch, check_order, size};
use crate::{Draft, Error, Topics, mobile};
use fogbank_model::RequestContext;
use std::sync::Arc;

type State = Arc<Topics>;

pub(super) async fn publish(state: State, context: RequestContext, mut input: Publish) -> Result<Published, Error> {
    if let Some(number) = input.phone_number.take() {
        let draft = input.into_draft()?;
        return Ok(published(None, state.text(&context, &number, &draft)?));
    }
    let (parameter, arn) = match (input.topic_arn.take(), input.target_arn.take()) {
        (Some(arn), _) => ("TopicArn", arn),
        (None, Some(arn)) => ("TargetArn", arn),
        (None, None) => return Err(Error::because("TopicArn or TargetArn", "no value for required parameter")),
    };
    if let Some(device) = arn.parse().ok().and_then(|arn| mobile::DeviceKey::of(&arn)) {
        return Ok(published(None, state.push(&context, &device, &input.into_draft()?)?));
    }
    let key = topic(&context, parameter, &arn, "Publish")?;
    let draft = input.into_draft()?;
    let mut results = state.publish(&key, &origin(&context, Some(key.arn())), vec![draft]).await?;
    Ok(published(None, results.pop().ok_or(Error::NotFound("Topic"))??))
}

fn published(id: Option<String>, published: crate::Published) -> Published {
    Published { id, message_id: published.id, sequence_number: published.sequence }
}

pub(super) async fn publish_batch(
    state: State,
    context: RequestContext,
    input: PublishBatch,
) -> Result<BatchOutput, Error> {
    let key = topic(&context, "TopicArn", &input.topic_arn, "Publish")?;
    let entries = input.publish_batch_request_entries;
    check_batch(&entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>())?;
    let found = state.topic(&key)?;
    let mut output = BatchOutput { successful: Vec::new(), failed: Vec::new() };
    let (mut ids, mut drafts): (Vec<String>, Vec<Draft>) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = entry.id.clone();
        match entry.into_draft() {
            Ok(draft) => {
                // What the topic demands of every message is asked of the batch as a whole.
                check_order(&key, &found, &draft)?;
                ids.push(id);
                drafts.push(draft);
            }
            Err(error) => output.failed.push(failed(id, &error)),
        }
    }
    if drafts.iter().map(size).sum::<usize>() > MESSAGE_BYTES {
        return Err(Error::BatchTooLong);
    }
    let results = state.publish(&key, &origin(&context, Some(key.arn())), drafts).await?;
    for (id, result) in ids.into_iter().zip(results) {
        match result {
            Ok(done) => output.successful.push(published(Some(id), done)),
            Err(error) => output.failed.push(failed(id, &error)),
        }
    }
    Ok(output)
}

fn failed(id: String, error: &Error) -> Failed {
    let (code, message, sender_fault) = faults::entry(error);
    Failed { id, code, message, sender_fault }
}
