//! What waits to be sent to HTTP endpoints.
//!
//! Each subscription has its own posts and, while there are any, one lane: a piece of work that sends a few of them and then lines up again. So
//! however many posts wait for a slow endpoint, it holds one place among those that send. A lane has a number, and work of another number is void.

use crate::model::{Subscription, SubscriptionKey, Topic};
use crate::notice::Notice;
use crate::post::{self, Outcome, Tls};
use crate::retry::DeliveryPolicy;
use crate::{deliver, keys, lookup};
use fogbank_delivery::{Deliver, Delivery, Origin, Settle, Work};
use fogbank_model::{BoxFuture, Clock, Timestamp};
use fogbank_store::{Error, Read, Store, Tx};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

const QUEUE: &str = "sns/http";
/// Subscriptions whose posts are sent at once.
const LANES: usize = 64;
/// Posts of one subscription that are sent at once.
pub(crate) const POSTS: usize = 8;
/// The key of the last number given in `sns.number`, apart from the topics'.
const COUNTER: &[u8] = b"post";

/// A request to an HTTP endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Post {
    /// `Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub kind: String,
    /// The message's id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// What is sent.
    pub body: String,
    /// Whether the body is the message alone.
    pub raw: bool,
    /// What the endpoint is told that the body is.
    pub content_type: String,
    /// How often it was sent again.
    pub retries: u64,
    /// For the dead-letter queue.
    pub origin: Option<Origin>,
}

impl Post {
    /// A confirmation for the endpoint of `subscription`.
    pub fn offer(kind: &str, id: &str, subscription: &Subscription, body: String) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
            url: subscription.endpoint.clone(),
            body,
            raw: false,
            content_type: DeliveryPolicy::default().content_type().to_owned(),
            retries: 0,
            origin: None,
        }
    }

    /// A message for the endpoint of `subscription`.
    pub fn notification(notice: &Notice, topic: &Topic, key: &SubscriptionKey, subscription: &Subscription) -> Self {
        let protocol = subscription.protocol;
        let raw = subscription.is_raw();
        let policy = DeliveryPolicy::effective(topic.attributes.get("DeliveryPolicy"), subscription);
        Self {
            kind: "Notification".into(),
            id: notice.id.clone(),
            url: subscription.endpoint.clone(),
            body: if raw { notice.message(protocol).to_owned() } else { notice.envelope(protocol, key) },
            raw,
            content_type: policy.content_type().to_owned(),
            retries: 0,
            origin: Some(notice.origin.clone()),
        }
    }
}

/// The work that sends a subscription's posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lane {
    number: u64,
    /// When it is due.
    at: Timestamp,
    /// Whether it rests until then, because the endpoint takes so many messages a second only.
    rests: bool,
}

#[derive(Serialize, Deserialize)]
struct Item {
    subscription: SubscriptionKey,
    lane: u64,
}

fn next_number(tx: &mut Tx<'_>) -> Result<u64, Error> {
    let last = tx.get(keys::NUMBER, COUNTER)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    tx.put(keys::NUMBER, COUNTER, (last + 1).to_be_bytes());
    Ok(last + 1)
}

/// Puts a post into the outbox of a subscription.
pub(crate) fn add(tx: &mut Tx<'_>, key: &SubscriptionKey, post: &Post) -> Result<(), Error> {
    let (number, now) = (next_number(tx)?, tx.now());
    tx.save(keys::OUTBOX, &keys::post(key, now, number), post)?;
    let lane: Option<Lane> = tx.load(keys::LANE, &keys::subscription(key))?;
    // One that is due or running looks at what is there when it ends.
    if lane.is_none_or(|lane| lane.at > now && !lane.rests) { line_up(tx, key, now, false) } else { Ok(()) }
}

fn line_up(tx: &mut Tx<'_>, key: &SubscriptionKey, at: Timestamp, rests: bool) -> Result<(), Error> {
    let lane = Lane { number: next_number(tx)?, at, rests };
    tx.save(keys::LANE, &keys::subscription(key), &lane)?;
    let item = Item { subscription: key.clone(), lane: lane.number };
    let item = serde_json::to_vec(&item).map_err(|error| Error::Damaged { table: QUEUE, why: error.to_string() })?;
    tx.enqueue(QUEUE, at, &item)
}

/// Drops what waits for a subscription that has ended.
pub(crate) fn clear(tx: &mut Tx<'_>, key: &SubscriptionKey) -> Result<(), Error> {
    for (post, _) in tx.scan_prefix(keys::OUTBOX, &keys::posts(key), usize::MAX)? {
        tx.delete(keys::OUTBOX, &post);
    }
    tx.delete(keys::LANE, &keys::subscription(key));
    Ok(())
}

/// Sends what is in the outboxes.
pub(crate) struct Outbox {
    store: Store,
    clock: Arc<dyn Clock>,
    deliver: Arc<dyn Deliver>,
    tls: Arc<Tls>,
}

/// A post that was sent, under its key, and what came of it.
type Sent = (Vec<u8>, Post, Outcome);

impl Outbox {
    pub fn new(store: Store, clock: Arc<dyn Clock>, deliver: Arc<dyn Deliver>) -> Self {
        Self { store, clock, deliver, tls: Arc::default() }
    }

    async fn serve(self: Arc<Self>, message: Vec<u8>) -> Settle {
        let Ok(item) = serde_json::from_slice::<Item>(&message) else { return Settle::done() };
        let due = match self.due(&item) {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "notifications could not be read");
                return Settle::again(QUEUE, self.clock.now().plus(Duration::from_secs(1)), message);
            }
        };
        let arn = item.subscription.arn();
        let topic = item.subscription.topic.arn();
        let sending = due.into_iter().map(|(key, post)| {
            let (tls, arn, topic) = (self.tls.clone(), arn.clone(), topic.clone());
            tokio::spawn(async move {
                let outcome = post::send(&tls, &post, &topic, &arn).await;
                (key, post, outcome)
            })
        });
        let sending: Vec<_> = sending.collect();
        let mut sent = Vec::with_capacity(sending.len());
        for one in sending {
            sent.extend(one.await.ok());
        }
        Settle::with(move |tx| self.settle(tx, &item, &sent))
    }

    /// The posts that are due, a few at most.
    fn due(&self, item: &Item) -> Result<Vec<(Vec<u8>, Post)>, Error> {
        let key = &item.subscription;
        let (from, to) = (keys::posts(key), keys::post(key, self.clock.now(), u64::MAX));
        self.store.read(|snapshot| {
            let lane: Option<Lane> = snapshot.load(keys::LANE, &keys::subscription(key))?;
            if lane.is_none_or(|lane| lane.number != item.lane) {
                return Ok(Vec::new());
            }
            let found = snapshot.scan(keys::OUTBOX, Bound::Included(&from), Bound::Included(&to), POSTS)?;
            let read = |(key, bytes): (Vec<u8>, Vec<u8>)| Some((key, serde_json::from_slice(&bytes).ok()?));
            Ok(found.into_iter().filter_map(read).collect())
        })
    }

    fn settle(&self, tx: &mut Tx<'_>, item: &Item, sent: &[Sent]) -> Result<(), Error> {
        let key = &item.subscription;
        let lane: Option<Lane> = tx.load(keys::LANE, &keys::subscription(key))?;
        if lane.is_none_or(|lane| lane.number != item.lane) {
            return Ok(());
        }
        let subscription: Option<Subscription> = tx.load(keys::SUBSCRIPTION, &keys::subscription(key))?;
        let topics = lookup(tx, &key.topic)?.and_then(|topic| topic.attributes.get("DeliveryPolicy").cloned());
        let policy =
            subscription.as_ref().map(|one| DeliveryPolicy::effective(topics.as_ref(), one)).unwrap_or_default();
        for (name, post, outcome) in sent {
            tx.delete(keys::OUTBOX, name);
            let why = match outcome {
                Outcome::Taken => continue,
                Outcome::Refused(why) => why,
                Outcome::Failed(why) => match policy.delay(post.retries + 1) {
                    Some(delay) => {
                        let (due, number) = (tx.now().plus(delay), next_number(tx)?);
                        let again = Post { retries: post.retries + 1, ..post.clone() };
                        tx.save(keys::OUTBOX, &keys::post(key, due, number), &again)?;
                        continue;
                    }
                    None => why,
                },
            };
            if let (Some(subscription), Some(origin)) = (&subscription, &post.origin) {
                let delivery = Delivery::new(post.body.clone(), origin.clone());
                deliver::dead_letter(tx, &*self.deliver, subscription, delivery, ("HttpEndpointFailed", why))?;
            }
        }
        let next = tx.scan_prefix(keys::OUTBOX, &keys::posts(key), 1)?;
        let due = next.first().and_then(|(name, _)| keys::post_of(name)).map(|(due, _)| due);
        match (due, policy.pause().filter(|_| !sent.is_empty())) {
            (due, Some(pause)) => {
                let rested = tx.now().plus(pause);
                line_up(tx, key, due.map_or(rested, |due| due.max(rested)), true)
            }
            (Some(due), None) => line_up(tx, key, due, false),
            (None, None) => {
                tx.delete(keys::LANE, &keys::subscription(key));
                Ok(())
            }
        }
    }
}

impl Work for Outbox {
    fn queue(&self) -> &'static str {
        QUEUE
    }

    fn at_once(&self) -> usize {
        LANES
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        Box::pin(self.serve(message))
    }
}
