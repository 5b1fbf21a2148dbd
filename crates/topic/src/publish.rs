//! Publishing: what a message may be, deduplication, and its place in a FIFO topic.

use crate::deliver;
use crate::model::{AT_ONCE, BATCH, Draft, MESSAGE_BYTES, Published, SUBJECT, Subscription, Topic, TopicKey, sequence};
use crate::notice::{Notice, iso};
use crate::signing::{Signer, Version};
use crate::{Error, Topics, find, keys, memory};
use fogbank_delivery::{AttributeValue, Deliver, Delivery, MessageAttribute, Origin, Undelivered};
use fogbank_model::Arn;
use fogbank_store::{Error as StoreError, Read, Tx};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Who delivers, as targets are told.
pub(crate) const SERVICE: &str = "sns.amazonaws.com";
/// How long a deduplication id is remembered.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

impl Topics {
    /// Publishes messages to one topic; each fails or succeeds by itself. Those that succeed are with every queue and function that is subscribed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`]; in the list what is wrong with a message.
    pub async fn publish(
        &self,
        key: &TopicKey,
        origin: &Origin,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Result<Published, Error>>, Error> {
        let topic = self.topic(key)?;
        let notices = drafts.iter().map(|draft| self.notice(key, &topic, draft, origin.clone()));
        let mut notices: Vec<Result<Notice, Error>> = notices.collect();
        let good: Vec<Notice> = notices.iter().filter_map(|notice| notice.as_ref().ok().cloned()).collect();
        let mut signed = self.sign(key, good).await?.into_iter();
        for notice in notices.iter_mut().filter(|notice| notice.is_ok()) {
            if let Some(signed) = signed.next() {
                *notice = Ok(signed);
            }
        }
        let (deliver, signer) = (self.deliver.clone(), self.signer.clone());
        let publish = move |tx: &mut Tx<'_>| -> Result<Vec<Result<Published, Error>>, Error> {
            let each = notices.iter().map(|notice| match notice {
                Ok(notice) => publish(tx, &*deliver, &signer, notice.clone()).map(Ok),
                Err(error) => Ok(Err(error.clone())),
            });
            each.collect()
        };
        self.store.transact(publish).await
    }

    /// Publishes to the topic `target` within the caller's transaction. A standard topic's subscriptions are served right after it.
    ///
    /// # Errors
    /// [`Undelivered`]: there is no such topic, the message is not one that it takes, or it goes round in a loop.
    pub fn deliver_in(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        let missing = || Undelivered::NoTarget(target.to_string());
        let key = TopicKey::of(target).ok_or_else(missing)?;
        let topic = crate::lookup(tx, &key)?.ok_or_else(missing)?;
        let draft = Draft {
            message: delivery.body.clone(),
            subject: delivery.subject.clone(),
            structured: false,
            attributes: delivery.attributes.clone(),
            group: delivery.group.clone(),
            deduplication: delivery.deduplication.clone(),
        };
        let refused = |error: Error| match error {
            Error::Store(error) => Undelivered::Store(error),
            other => Undelivered::Refused(other.to_string()),
        };
        let origin = delivery.origin.onward(SERVICE, Some(target.clone())).ok_or(Error::Loop).map_err(refused)?;
        let notice = self.notice(&key, &topic, &draft, origin).map_err(refused)?;
        if key.is_fifo() {
            // At once, so that messages of a group keep their order.
            return publish(tx, &*self.deliver, &self.signer, notice).map(drop).map_err(refused);
        }
        // Not here, because a signature takes longer than somebody else's transaction should.
        Ok(crate::fan_out::enqueue(tx, &notice, None)?)
    }

    /// Whether `target` names a topic that is there.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError> {
        match TopicKey::of(target) {
            Some(key) => Ok(crate::lookup(tx, &key)?.is_some()),
            None => Ok(false),
        }
    }

    fn notice(&self, key: &TopicKey, topic: &Topic, draft: &Draft, origin: Origin) -> Result<Notice, Error> {
        let messages = check(key, topic, draft)?;
        let mut notice = Notice::of(key.clone(), draft, messages, origin);
        if key.is_fifo() && draft.deduplication.is_none() {
            notice.deduplication = Some(hex::encode(Sha256::digest(draft.message.as_bytes())));
        }
        notice.id = self.clock.uuid();
        notice.at = self.clock.now();
        notice.version = Version::of(topic.attributes.get("SignatureVersion"));
        Ok(notice)
    }

    /// Signs what the first subscriptions will be sent, outside of any transaction.
    async fn sign(&self, key: &TopicKey, notices: Vec<Notice>) -> Result<Vec<Notice>, Error> {
        let subscriptions = keys::subscriptions(key);
        let found = self
            .store
            .read::<_, Error>(|snapshot| Ok(snapshot.scan_prefix(keys::SUBSCRIPTION, &subscriptions, AT_ONCE)?))?;
        let found = found.iter().filter_map(|(_, bytes)| serde_json::from_slice::<Subscription>(bytes).ok());
        let found: Vec<Subscription> = found.collect();
        sign(&self.signer, notices, &found).await
    }
}

/// Signs what `subscriptions` are sent of the notices, on a thread where that may take its time.
pub(crate) async fn sign(
    signer: &Arc<Signer>,
    mut notices: Vec<Notice>,
    subscriptions: &[Subscription],
) -> Result<Vec<Notice>, Error> {
    let wanted: Vec<_> =
        subscriptions.iter().filter(|one| deliver::needs_signature(one)).map(|one| one.protocol).collect();
    if wanted.is_empty() || notices.is_empty() {
        return Ok(notices);
    }
    let ready = signer.ready().await?;
    let signing = tokio::task::spawn_blocking(move || {
        notices.iter_mut().for_each(|notice| notice.sign(&ready, wanted.iter().copied()));
        notices
    });
    signing.await.map_err(|error| Error::Store(StoreError::Panicked(error.to_string())))
}

fn publish(tx: &mut Tx<'_>, deliver: &dyn Deliver, signer: &Signer, mut notice: Notice) -> Result<Published, Error> {
    let topic = find(tx, &notice.topic)?;
    if notice.topic.is_fifo() {
        let by_group = topic.attributes.get("FifoThroughputScope").is_some_and(|scope| scope == "MessageGroup");
        let group = notice.group.as_deref().filter(|_| by_group);
        let remembered = notice.deduplication.as_deref().map(|id| memory::deduplication(group, id)).unwrap_or_default();
        if let Some(first) = memory::recall::<Published>(tx, topic.id, &remembered)? {
            return Ok(first);
        }
        let record = topic.id.to_be_bytes();
        let last =
            tx.get(keys::SEQUENCE, &record)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        tx.put(keys::SEQUENCE, &record, (last + 1).to_be_bytes());
        notice.sequence = Some(sequence(last + 1));
        let published = Published { id: notice.id.clone(), sequence: notice.sequence.clone() };
        memory::remember(tx, topic.id, &remembered, REMEMBERED, &published)?;
    }
    let published = Published { id: notice.id.clone(), sequence: notice.sequence.clone() };
    tracing::trace!(topic = %notice.topic.arn(), id = notice.id, at = iso(notice.at), "published");
    deliver::to_subscriptions(tx, deliver, signer, notice, &topic, None)?;
    Ok(published)
}

/// Holds a message against what the topic takes. Returns the messages by protocol, if it has such.
fn check(key: &TopicKey, topic: &Topic, draft: &Draft) -> Result<BTreeMap<String, String>, Error> {
    if draft.message.is_empty() {
        return Err(Error::invalid("Empty message"));
    }
    if let Some(subject) = &draft.subject {
        check_subject(subject)?;
    }
    check_attributes(&draft.attributes)?;
    if size(draft) > MESSAGE_BYTES {
        return Err(Error::invalid("Message too long"));
    }
    check_order(key, topic, draft)?;
    if draft.structured { structure(&draft.message) } else { Ok(BTreeMap::new()) }
}

/// What is wrong with a message's group and deduplication id.
pub(crate) fn check_order(key: &TopicKey, topic: &Topic, draft: &Draft) -> Result<(), Error> {
    let is_id = |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    let id_rule = "can only include alphanumeric and punctuation characters and must be 1 to 128 characters long";
    if draft.group.as_ref().is_some_and(|group| !is_id(group)) {
        return Err(Error::because("MessageGroupId", format!("MessageGroupId {id_rule}")));
    }
    if draft.deduplication.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(Error::because("MessageDeduplicationId", format!("MessageDeduplicationId {id_rule}")));
    }
    match (key.is_fifo(), &draft.group, &draft.deduplication) {
        (true, None, _) => Err(Error::invalid("The MessageGroupId parameter is required for FIFO topics")),
        (true, _, None) if !topic.is_set("ContentBasedDeduplication") => Err(Error::invalid(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
        (false, _, Some(_)) => Err(Error::because(
            "MessageDeduplicationId",
            "The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn check_subject(subject: &str) -> Result<(), Error> {
    let is_one = (1..=SUBJECT).contains(&subject.chars().count()) && !subject.chars().any(char::is_control);
    if is_one && !subject.starts_with(' ') { Ok(()) } else { Err(Error::invalid("Subject")) }
}

/// The messages by protocol of `MessageStructure=json`.
pub(crate) fn structure(message: &str) -> Result<BTreeMap<String, String>, Error> {
    let failed = || Error::invalid("Message Structure - JSON message body failed to parse");
    let members: serde_json::Map<String, Value> = serde_json::from_str(message).map_err(|_| failed())?;
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    let messages: BTreeMap<String, String> = members.into_iter().filter_map(text).collect();
    match messages.get("default") {
        None => Err(Error::invalid("Message Structure - No default entry in JSON message body")),
        Some(_) => Ok(messages),
    }
}

/// What a message counts against the limit: its text, and its attributes' names, types and values.
pub(crate) fn size(draft: &Draft) -> usize {
    draft.message.len() + draft.attributes.iter().map(|(name, attribute)| attribute.size(name)).sum::<usize>()
}

/// What is wrong with a batch's ids.
pub(crate) fn check_batch(ids: &[&str]) -> Result<(), Error> {
    if ids.is_empty() {
        return Err(Error::EmptyBatch);
    }
    if ids.len() > BATCH {
        return Err(Error::TooManyEntries);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !ids.iter().all(|id| (1..=80).contains(&id.len()) && id.bytes().all(plain)) {
        return Err(Error::BadEntryId);
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    if distinct.len() == ids.len() { Ok(()) } else { Err(Error::NotDistinct) }
}

fn check_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Result<(), Error> {
    attributes
        .iter()
        .try_for_each(|(name, attribute)| check_attribute(name, attribute).map_err(Error::InvalidAttribute))
}

fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    let kind = &attribute.data_type;
    if name.is_empty() || name.len() > 256 {
        return Err("Length of message attribute name must be between 1 and 256 bytes.".into());
    }
    if !name.bytes().all(plain) {
        return Err(format!(
            "Invalid non-alphanumeric character was found in the message attribute name '{name}'. Can only include alphanumeric characters, hyphens, underscores, or dots."
        ));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(format!(
            "The message attribute name '{name}' must not begin or end with a dot or hold two in sequence."
        ));
    }
    if begins("AWS.") || begins("Amazon.") {
        return Err(format!("You can't use message attribute names beginning with 'AWS.' or 'Amazon.': '{name}'."));
    }
    if kind.is_empty() {
        return Err(format!("The message attribute '{name}' must contain non-empty message attribute type."));
    }
    let base = kind.split('.').next().unwrap_or_default();
    if !matches!(base, "String" | "Number" | "Binary") || kind.len() > 256 {
        return Err(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
        ));
    }
    let field = if base == "Binary" { "Binary" } else { "String" };
    match (field, &attribute.value) {
        (_, AttributeValue::Text(text) | AttributeValue::Binary(text)) if text.is_empty() => Err(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
        )),
        ("Binary", AttributeValue::Text(_)) | ("String", AttributeValue::Binary(_)) => {
            Err(format!("The message attribute '{name}' with type '{kind}' must use field '{field}'."))
        }
        (_, AttributeValue::Text(text)) if base == "Number" && !is_number(text) => {
            Err(format!("Could not cast message attribute '{name}' value to number."))
        }
        _ => Ok(()),
    }
}

/// A decimal number. `f64` alone would take infinities and words.
fn is_number(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    plain && text.parse::<f64>().is_ok()
}
