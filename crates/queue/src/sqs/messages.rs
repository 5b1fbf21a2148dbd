//! Handlers for single messages.

use super::address::queue;
use super::shapes::{Empty, Handle, Message, ReceiveMessage, ReceiveOutput, Send, SendOutput, Value};
use crate::model::Sent;
use crate::send::digests;
use crate::{Draft, Error, Hide, Queues, Receive, Received, Sender, digest};
use fogbank_model::{Caller, RequestContext};
use std::collections::BTreeMap;
use std::sync::Arc;

type State = Arc<Queues>;

/// The system attributes that can be asked for.
const SYSTEM: [&str; 9] = [
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

/// The system attributes that are Fogbank's own. They are not among `All`.
const SENDER: &str = "FogbankSender";
const SIGNATURE: &str = "FogbankSignature";

/// Who sends.
pub(super) fn sender(context: &RequestContext) -> Sender {
    let id = match &context.caller {
        Caller::Root => context.account.to_string(),
        Caller::User { id, .. } => id.clone(),
        Caller::Role { role, session } => {
            format!("{}:{session}", role.resource().rsplit('/').next().unwrap_or_default())
        }
        Caller::Service(name) => (*name).to_owned(),
    };
    Sender { id, arn: fogbank_delivery::sender(context) }
}

pub(super) async fn send(state: State, context: RequestContext, input: Send) -> Result<SendOutput, Error> {
    let key = queue(&context, &input.queue_url)?;
    let draft = input.into_draft()?;
    let output = sent_output(None, &draft);
    let mut results = state.send(&key, &sender(&context), vec![draft]).await?;
    let sent = results.pop().ok_or(Error::NoQueue)??;
    Ok(output(sent))
}

/// The answer to a draft, once it is sent.
pub(super) fn sent_output(id: Option<String>, draft: &Draft) -> impl FnOnce(Sent) -> SendOutput + use<> {
    let (body_digest, attributes_digest, system_digest) = digests(draft);
    |sent| SendOutput {
        id,
        body_digest,
        attributes_digest,
        system_digest,
        message_id: sent.id,
        sequence_number: sent.sequence,
    }
}

pub(super) async fn receive(
    state: State,
    context: RequestContext,
    input: ReceiveMessage,
) -> Result<ReceiveOutput, Error> {
    let key = queue(&context, &input.queue_url)?;
    let system: Vec<String> = [input.attribute_names, input.message_system_attribute_names].concat();
    let is_known =
        |name: &&String| matches!(name.as_str(), "All" | SENDER | SIGNATURE) || SYSTEM.contains(&name.as_str());
    // The first list once took the names of queue attributes as well, which messages do not have.
    let is_queues = |name: &&String| crate::attributes::asked(std::slice::from_ref(*name)).is_ok();
    if let Some(unknown) = system.iter().find(|name| !is_known(name) && !is_queues(name)) {
        return Err(Error::UnknownAttribute(unknown.chars().take(256).collect()));
    }
    let how = Receive {
        limit: input.max_number_of_messages.unwrap_or(1),
        visibility_s: input.visibility_timeout,
        wait_s: input.wait_time_seconds,
        attempt: input.receive_request_attempt_id,
    };
    let received = state.receive(&key, &how).await?;
    let asks = |name: &str| system.iter().any(|asked| asked == name);
    let own = |received: &Received| {
        let sender = asks(SENDER).then(|| (SENDER.to_owned(), received.message.principal.clone()));
        let signature = asks(SIGNATURE).then(|| (SIGNATURE.to_owned(), state.signature(&key, received)));
        sender.into_iter().chain(signature)
    };
    let shown = received.into_iter().map(|message| {
        let own = own(&message);
        let mut shown = shown(message, &system, &input.message_attribute_names);
        shown.attributes.extend(own);
        shown
    });
    Ok(ReceiveOutput { messages: shown.collect() })
}

fn shown(received: Received, system: &[String], names: &[String]) -> Message {
    let is_asked = |name: &str| system.iter().any(|asked| asked == "All" || asked == name);
    let attributes = received.system_attributes().into_iter().filter(|(name, _)| is_asked(name));
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value)).collect();
    let message = received.message;
    let wanted: BTreeMap<_, _> = message.attributes.into_iter().filter(|(name, _)| matches(names, name)).collect();
    Message {
        id: message.id,
        handle: received.handle,
        body_digest: digest::of_body(&message.body),
        body: message.body,
        attributes,
        attributes_digest: digest::of_attributes(wanted.iter()),
        message_attributes: wanted.iter().map(|(name, value)| (name.clone(), Value::of(value))).collect(),
    }
}

/// Whether `name` is asked for: by its name, by `All` or `.*`, or by a prefix such as `shop.*`.
fn matches(asked: &[String], name: &str) -> bool {
    asked.iter().any(|asked| match asked.strip_suffix(".*") {
        Some(prefix) => name.strip_prefix(prefix).is_some_and(|rest| prefix.is_empty() || rest.starts_with('.')),
        None => asked == "All" || asked == name,
    })
}

pub(super) async fn delete(state: State, context: RequestContext, input: Handle) -> Result<Empty, Error> {
    let key = queue(&context, &input.queue_url)?;
    let mut results = state.delete_messages(&key, vec![input.receipt_handle]).await?;
    results.pop().ok_or(Error::NoQueue)??;
    Ok(Empty {})
}

pub(super) async fn change_visibility(state: State, context: RequestContext, input: Handle) -> Result<Empty, Error> {
    let key = queue(&context, &input.queue_url)?;
    let mut results = state.change_visibility(&key, vec![hide(input)?]).await?;
    results.pop().ok_or(Error::NoQueue)??;
    Ok(Empty {})
}

pub(super) fn hide(input: Handle) -> Result<Hide, Error> {
    let seconds = input.visibility_timeout.ok_or_else(|| Error::Missing("VisibilityTimeout".into()))?;
    Ok(Hide { handle: input.receipt_handle, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_asked_for_by_name_all_or_prefix() {
        let cases = [
            ("All", "a", true),
            (".*", "a", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("shop.*", "shop.order", true),
            ("shop.*", "shopping", false),
        ];
        for (asked, name, expected) in cases {
            assert_eq!(matches(&[asked.to_owned()], name), expected, "{asked} {name}");
        }
        assert!(!matches(&[], "a"));
    }
}
