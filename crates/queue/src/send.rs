//! Sending: what a message may be, deduplication, and putting it into the queue.

use crate::contents::Contents;
use crate::keys::{Phase, State};
use crate::model::{DELAY_S, Draft, MESSAGE_ATTRIBUTES, Message, Queue, QueueKey, Sender, Sent, sequence};
use crate::signed::check_sender;
use crate::{Error, Queues, digest, find, memory};
use fogbank_delivery::{AttributeValue, MessageAttribute};
use fogbank_model::Timestamp;
use fogbank_store::Tx;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a FIFO queue remembers of a message that was sent.
#[derive(Serialize, Deserialize)]
struct Accepted {
    id: String,
    number: u64,
}

impl Queues {
    /// Sends messages to one queue; each fails or succeeds by itself. Those that succeed are on disk.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`]; in the list what is wrong with a message.
    pub async fn send(
        &self,
        key: &QueueKey,
        sender: &Sender,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Result<Sent, Error>>, Error> {
        let ids: Vec<String> = drafts.iter().map(|_| self.clock.uuid()).collect();
        let (key, sender, drafts) = (key.clone(), sender.clone(), Arc::new(drafts));
        let send = move |tx: &mut Tx<'_>| -> Result<Vec<Result<Sent, Error>>, Error> {
            let queue = find(tx, &key)?;
            check_sender(&key, &queue, &sender.arn)?;
            let mut contents = Contents::open(tx, &queue)?;
            let each = drafts.iter().zip(&ids);
            let sent = each.map(|(draft, id)| settle(add(tx, &queue, &mut contents, &sender, id, draft)));
            let sent = sent.collect::<Result<Vec<_>, Error>>()?;
            contents.close(tx);
            Ok(sent)
        };
        self.store.transact(send).await
    }

    /// Sends a message within the caller's transaction: it is there if and only if the transaction is. `id` is a fresh UUID.
    ///
    /// # Errors
    /// [`Error::NoQueue`], what is wrong with the message, [`Error::Store`].
    pub fn send_in(tx: &mut Tx<'_>, key: &QueueKey, sender: &Sender, id: &str, draft: &Draft) -> Result<Sent, Error> {
        let queue = find(tx, key)?;
        check_sender(key, &queue, &sender.arn)?;
        let mut contents = Contents::open(tx, &queue)?;
        let sent = add(tx, &queue, &mut contents, sender, id, draft)?;
        contents.close(tx);
        Ok(sent)
    }
}

/// A failure of the store fails the whole transaction, any other one only its message.
fn settle<T>(result: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match result {
        Err(error @ Error::Store(_)) => Err(error),
        other => Ok(other),
    }
}

fn add(
    tx: &mut Tx<'_>,
    queue: &Queue,
    contents: &mut Contents,
    sender: &Sender,
    id: &str,
    draft: &Draft,
) -> Result<Sent, Error> {
    check(queue, draft)?;
    let deduplication = deduplication(queue, draft)?;
    let fifo = queue.attributes.fifo;
    let group = draft.group.as_deref().filter(|_| queue.attributes.deduplicates_groups);
    let remembered = deduplication.as_ref().map(|id| memory::deduplication(group, id));
    if let Some(remembered) = &remembered
        && let Some(first) = memory::recall::<Accepted>(tx, queue.place, remembered)?
    {
        return Ok(Sent { id: first.id, sequence: Some(sequence(first.number)) });
    }
    let message = Message {
        id: id.to_owned(),
        sender: sender.id.clone(),
        principal: sender.arn.clone(),
        body: draft.body.clone(),
        attributes: draft.attributes.clone(),
        trace: draft.trace.clone(),
        deduplication,
        group: draft.group.clone(),
        source: None,
    };
    let delay_s = draft.delay_s.and_then(|delay| u64::try_from(delay).ok()).filter(|_| !fifo);
    let delay = Duration::from_secs(delay_s.unwrap_or(queue.attributes.delay_s.into()));
    let now = tx.now();
    let number = contents.add(tx, &message, arriving(now.plus(delay), now))?;
    if let Some(remembered) = remembered {
        memory::remember(tx, queue.place, &remembered, Accepted { id: id.to_owned(), number })?;
    }
    Ok(Sent { id: id.to_owned(), sequence: fifo.then(|| sequence(number)) })
}

/// The state of a message that nobody has received.
pub(crate) fn arriving(due: Timestamp, sent: Timestamp) -> State {
    let never = Timestamp(0);
    State {
        phase: Phase::Visible,
        at: due,
        sent,
        received: 0,
        received_before: 0,
        first_received: never,
        last_received: never,
        group: String::new(),
    }
}

fn deduplication(queue: &Queue, draft: &Draft) -> Result<Option<String>, Error> {
    match &draft.deduplication {
        _ if !queue.attributes.fifo => Ok(None),
        Some(id) => Ok(Some(id.clone())),
        None if queue.attributes.content_deduplication => Ok(Some(hex::encode(Sha256::digest(draft.body.as_bytes())))),
        None => Err(Error::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
    }
}

/// What a message counts against the limits: its body, and its attributes' names, types and values.
pub(crate) fn size(draft: &Draft) -> usize {
    draft.body.len() + draft.attributes.iter().map(|(name, attribute)| attribute.size(name)).sum::<usize>()
}

fn check(queue: &Queue, draft: &Draft) -> Result<(), Error> {
    if draft.body.is_empty() {
        return Err(Error::Missing("MessageBody".into()));
    }
    let max = queue.attributes.max_bytes;
    if size(draft) > max as usize {
        return Err(Error::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {max} bytes."
        )));
    }
    if !draft.body.chars().all(is_xml) {
        return Err(Error::InvalidContents);
    }
    check_attributes(&draft.attributes)?;
    check_delay(queue, draft)?;
    check_ids(queue, draft)
}

fn check_delay(queue: &Queue, draft: &Draft) -> Result<(), Error> {
    match draft.delay_s {
        Some(delay) if !(0..=DELAY_S).contains(&delay) => {
            Err(Error::value("DelaySeconds", delay, "DelaySeconds must be >= 0 and <= 900."))
        }
        Some(delay) if delay > 0 && queue.attributes.fifo => Err(Error::value(
            "DelaySeconds",
            delay,
            "The request include parameter that is not valid for this queue type.",
        )),
        _ => Ok(()),
    }
}

fn check_ids(queue: &Queue, draft: &Draft) -> Result<(), Error> {
    let check = |name: &str, id: Option<&String>| match id {
        Some(id) if !is_id(id) => {
            let reason =
                format!("{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
            Err(Error::value(name, id.chars().take(256).collect::<String>(), reason))
        }
        _ => Ok(()),
    };
    check("MessageGroupId", draft.group.as_ref())?;
    check("MessageDeduplicationId", draft.deduplication.as_ref())?;
    match (queue.attributes.fifo, &draft.group, &draft.deduplication) {
        (true, None, _) => Err(Error::Missing("MessageGroupId".into())),
        (false, _, Some(id)) => Err(Error::value(
            "MessageDeduplicationId",
            id,
            "The request includes a parameter that is not valid for this queue type.",
        )),
        _ => Ok(()),
    }
}

/// Whether `id` can be a group's or a deduplication id.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether XML 1.0 can carry the character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn check_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Result<(), Error> {
    if attributes.len() > MESSAGE_ATTRIBUTES {
        return Err(Error::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MESSAGE_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    attributes.iter().try_for_each(|(name, attribute)| check_attribute(name, attribute))
}

fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_reserved = |prefix: &str| name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    if name.is_empty() || name.len() > 256 {
        return Err(Error::invalid("Message attribute name must be 1 to 256 characters long."));
    }
    if !name.chars().all(plain) || name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(Error::invalid(format!(
            "The message attribute name '{name}' can contain letters, digits, periods, hyphens and underscores only, and no period at its ends or beside another."
        )));
    }
    if is_reserved("AWS.") || is_reserved("Amazon.") {
        return Err(Error::invalid(format!(
            "The message attribute name '{name}' begins with a prefix that is reserved."
        )));
    }
    let data_type = &attribute.data_type;
    if data_type.is_empty() {
        return Err(Error::invalid(format!(
            "The message attribute '{name}' must contain a non-empty message attribute type."
        )));
    }
    let kind = data_type.split('.').next().unwrap_or_default();
    let unusable = || {
        Error::invalid(format!(
            "The message attribute '{name}' with type '{data_type}' must use field '{}'.",
            if kind == "Binary" { "Binary" } else { "String" }
        ))
    };
    let empty = || {
        Error::invalid(format!(
            "The message attribute '{name}' must contain a non-empty message attribute value for message attribute type '{data_type}'."
        ))
    };
    if data_type.len() > 256 {
        return Err(Error::invalid(format!(
            "The message attribute '{name}' has a type that is longer than 256 bytes."
        )));
    }
    match (kind, &attribute.value) {
        ("String" | "Number", AttributeValue::Text(text)) if text.is_empty() => Err(empty()),
        ("Binary", AttributeValue::Binary(base64)) if base64.is_empty() => Err(empty()),
        ("String", AttributeValue::Text(text)) if text.chars().all(is_xml) => Ok(()),
        ("String", AttributeValue::Text(_)) => Err(Error::InvalidContents),
        ("Number", AttributeValue::Text(text)) if is_number(text) => Ok(()),
        ("Number", AttributeValue::Text(_)) => {
            Err(Error::invalid(format!("Can't cast the value of message attribute '{name}' to a number.")))
        }
        ("Binary", AttributeValue::Binary(_)) => Ok(()),
        ("String" | "Number" | "Binary", _) => Err(unusable()),
        _ => Err(Error::invalid(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        ))),
    }
}

/// A decimal number. `f64` alone would take infinities and words.
fn is_number(text: &str) -> bool {
    let begins = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    begins && text.parse::<f64>().is_ok()
}

/// The digests that the sender is answered with: of the body, the attributes, and the system attributes.
pub(crate) fn digests(draft: &Draft) -> (String, Option<String>, Option<String>) {
    let trace = draft.trace.as_ref().map(|trace| {
        let value = AttributeValue::Text(trace.clone());
        ("AWSTraceHeader".to_owned(), MessageAttribute { data_type: "String".into(), value })
    });
    let system = digest::of_attributes(trace.iter().map(|(name, attribute)| (name, attribute)));
    (digest::of_body(&draft.body), digest::of_attributes(draft.attributes.iter()), system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for good in ["0", "-1.5", "1e3", "+7", "12345678901234567890123456789012345678"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "x", "inf", "NaN", "1 ", "0x10", "1,5"] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn attributes_have_the_digest_of_the_developer_guide() {
        let text = |kind: &str, value: &str| MessageAttribute {
            data_type: kind.into(),
            value: AttributeValue::Text(value.into()),
        };
        let bytes = MessageAttribute { data_type: "Binary".into(), value: AttributeValue::Binary("AQI=".into()) };
        let all = BTreeMap::from([
            ("b".to_owned(), text("Number", "1")),
            ("a".to_owned(), text("String", "x")),
            ("c".to_owned(), bytes),
        ]);
        // Made with Python's hashlib over the encoding that the guide describes.
        assert_eq!(digest::of_attributes(all.iter()).as_deref(), Some("8ce594c98de1a67187b10465337880e9"));
        assert_eq!(digest::of_attributes(BTreeMap::new().iter()), None);
    }
}
