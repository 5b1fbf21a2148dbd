//! Subscribing, confirming and unsubscribing.

use crate::model::{FIFO_SUBSCRIPTIONS, Protocol, Subscription, SubscriptionKey, Texts, Topic, TopicKey};
use crate::notice::Offer;
use crate::outbox::{self, Post};
use crate::signing::Version;
use crate::{Error, Topics, attributes, find, keys, memory, subscription_attributes};
use fogbank_delivery::Origin;
use fogbank_model::{AccountId, Arn, Region};
use fogbank_store::{Read, Tx};
use std::ops::Bound;
use std::time::Duration;

/// How long a token confirms.
const TOKEN: Duration = Duration::from_secs(2 * 24 * 3600);
/// How long an ended subscription can be taken up again.
const RESTORABLE: Duration = Duration::from_secs(3 * 24 * 3600);

/// What to subscribe.
#[derive(Debug, Clone)]
pub struct Wish {
    /// How messages go.
    pub protocol: Protocol,
    /// Where they go.
    pub endpoint: String,
    /// The subscription's attributes.
    pub attributes: Texts,
    /// Who subscribes, and the address by which links lead back.
    pub origin: Origin,
}

/// A subscription under its ARN.
pub type Subscribed = (SubscriptionKey, Subscription);

impl Topics {
    /// Subscribes an endpoint. One that is subscribed already keeps its subscription, if that has the attributes that are given.
    ///
    /// # Errors
    /// [`Error::NotFound`], an endpoint or attribute that SNS does not take, a subscription that differs, [`Error::Store`].
    pub async fn subscribe(&self, topic: &TopicKey, wish: Wish) -> Result<Subscribed, Error> {
        self.topic(topic)?;
        check_endpoint(topic, wish.protocol, &wish.endpoint)?;
        subscription_attributes::check_all(topic, wish.protocol, &wish.attributes)?;
        let (id, message_id) = (self.clock.uuid(), self.clock.uuid());
        let key = SubscriptionKey { topic: topic.clone(), id };
        let subscription = Subscription {
            protocol: wish.protocol,
            endpoint: wish.endpoint,
            owner: wish.origin.account.clone(),
            principal: wish.origin.sender.clone(),
            pending: wish.protocol.needs_confirmation(),
            token: self.token(&key),
            offered: self.clock.now(),
            authenticated: !wish.protocol.needs_confirmation(),
            guarded: false,
            attributes: wish.attributes,
        };
        // So that whatever is to be signed later finds the key there.
        let ready = self.signer.ready().await?;
        let endpoint = wish.origin.endpoint;
        let subscribe = move |tx: &mut Tx<'_>| -> Result<Subscribed, Error> {
            let (key, subscription, is_offered) = subscribe(tx, &key, &subscription)?;
            if is_offered && subscription.protocol.is_http() {
                let version = Version::of(find(tx, &key.topic)?.attributes.get("SignatureVersion"));
                let offer = Offer {
                    kind: "SubscriptionConfirmation",
                    id: &message_id,
                    token: &subscription.token,
                    topic: &key.topic,
                    subscription: &key,
                    endpoint: &endpoint,
                    at: tx.now(),
                    version,
                };
                outbox::add(tx, &key, &Post::offer(offer.kind, &message_id, &subscription, offer.envelope(&ready)))?;
            }
            Ok((key, subscription))
        };
        self.store.transact(subscribe).await
    }

    /// Confirms the subscription that the token was made for. `guarded` means that only its owner may end it. Also takes up again one that was
    /// ended in the last days.
    ///
    /// # Errors
    /// [`Error::NotFound`], a token that is none or is too old, [`Error::Store`].
    pub async fn confirm(
        &self,
        topic: &TopicKey,
        token: &str,
        guarded: bool,
        authenticated: bool,
    ) -> Result<SubscriptionKey, Error> {
        self.topic(topic)?;
        let id = token_id(token).ok_or_else(|| Error::invalid("Token"))?;
        let (key, token) = (SubscriptionKey { topic: topic.clone(), id }, token.to_owned());
        let confirm = move |tx: &mut Tx<'_>| -> Result<SubscriptionKey, Error> {
            confirm(tx, &key, &token, guarded, authenticated)?;
            Ok(key.clone())
        };
        self.store.transact(confirm).await
    }

    /// Ends a subscription. It is no error if there is none. An HTTP endpoint is told.
    ///
    /// # Errors
    /// [`Error::Guarded`] if the owner alone may, [`Error::Store`].
    pub async fn unsubscribe(&self, key: &SubscriptionKey, authenticated: bool, endpoint: &str) -> Result<(), Error> {
        let known =
            self.store.read(|snapshot| snapshot.load::<Subscription>(keys::SUBSCRIPTION, &keys::subscription(key)))?;
        let Some(known) = known else { return Ok(()) };
        if known.guarded && !authenticated {
            return Err(Error::Guarded);
        }
        let is_told = known.protocol.is_http() && !known.pending;
        let ready = if is_told { Some(self.signer.ready().await?) } else { None };
        let (key, endpoint) = (key.clone(), endpoint.to_owned());
        let (message_id, token) = (self.clock.uuid(), self.token(&key));
        let unsubscribe = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let Some((topic, mut ended)) = remove(tx, &key)? else { return Ok(()) };
            let Some(ready) = &ready else { return Ok(()) };
            ended.token.clone_from(&token);
            ended.offered = tx.now();
            memory::remember(tx, topic.id, &memory::ended(&key.id), RESTORABLE, &ended)?;
            let offer = Offer {
                kind: "UnsubscribeConfirmation",
                id: &message_id,
                token: &token,
                topic: &key.topic,
                subscription: &key,
                endpoint: &endpoint,
                at: tx.now(),
                version: Version::of(topic.attributes.get("SignatureVersion")),
            };
            Ok(outbox::add(tx, &key, &Post::offer(offer.kind, &message_id, &ended, offer.envelope(ready)))?)
        };
        self.store.transact(unsubscribe).await
    }

    /// A subscription.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn subscription(&self, key: &SubscriptionKey) -> Result<Subscription, Error> {
        let found = self.store.read(|snapshot| snapshot.load(keys::SUBSCRIPTION, &keys::subscription(key)))?;
        found.ok_or(Error::NotFound("Subscription"))
    }

    /// A page of a topic's subscriptions, those after `after`, and where the next page begins.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn subscriptions_of(
        &self,
        topic: &TopicKey,
        after: Option<&str>,
    ) -> Result<(Vec<Subscribed>, Option<String>), Error> {
        self.topic(topic)?;
        self.subscriptions_in(&keys::subscriptions(topic), after)
    }

    /// A page of the subscriptions to all topics of an account in a region.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn subscriptions(
        &self,
        scope: (&AccountId, &Region),
        after: Option<&str>,
    ) -> Result<(Vec<Subscribed>, Option<String>), Error> {
        self.subscriptions_in(&keys::scope(scope.0, scope.1), after)
    }

    fn subscriptions_in(&self, prefix: &[u8], after: Option<&str>) -> Result<(Vec<Subscribed>, Option<String>), Error> {
        let from = [prefix, after.unwrap_or_default().as_bytes()].concat();
        let to = [prefix, &[0xff]].concat();
        let limit = crate::model::PAGE;
        let found = self.store.read::<_, Error>(|snapshot| {
            Ok(snapshot.scan(keys::SUBSCRIPTION, Bound::Excluded(&from), Bound::Excluded(&to), limit + 1)?)
        })?;
        let next = found.get(limit - 1).filter(|_| found.len() > limit);
        let next = next.and_then(|(key, _)| std::str::from_utf8(key.get(prefix.len()..)?).ok().map(str::to_owned));
        let read = |(key, bytes): &(Vec<u8>, Vec<u8>)| {
            Some((keys::subscription_of(key)?, serde_json::from_slice(bytes).ok()?))
        };
        Ok((found.iter().take(limit).filter_map(read).collect(), next))
    }

    /// A token for the subscription: its id, so that it is found, and what nobody can guess.
    fn token(&self, key: &SubscriptionKey) -> String {
        let mut secret = [0; 32];
        self.clock.random(&mut secret);
        format!("{}{}", key.id.replace('-', ""), hex::encode(secret))
    }
}

/// The id of the subscription that a token was made for.
fn token_id(token: &str) -> Option<String> {
    let is_token = token.len() == 96 && token.bytes().all(|b| b.is_ascii_hexdigit());
    let part = |from: usize, to: usize| token.get(from..to);
    let id = || Some([part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?].join("-"));
    id().filter(|_| is_token)
}

/// Returns the subscription, and whether its endpoint is to be asked.
fn subscribe(
    tx: &mut Tx<'_>,
    key: &SubscriptionKey,
    wanted: &Subscription,
) -> Result<(SubscriptionKey, Subscription, bool), Error> {
    let mut topic = find(tx, &key.topic)?;
    let address = keys::endpoint(&key.topic, wanted.protocol, &wanted.endpoint);
    if let Some(id) = tx.get(keys::ENDPOINT, &address)?.and_then(|id| String::from_utf8(id).ok()) {
        let there = SubscriptionKey { topic: key.topic.clone(), id };
        if let Some(mut subscription) = tx.load::<Subscription>(keys::SUBSCRIPTION, &keys::subscription(&there))? {
            if subscription.pending {
                // Asked again, with what is wanted now.
                subscription.attributes.clone_from(&wanted.attributes);
                subscription.offered = tx.now();
                tx.save(keys::SUBSCRIPTION, &keys::subscription(&there), &subscription)?;
                return Ok((there, subscription, true));
            }
            let same = |(name, value): (&String, &String)| {
                subscription
                    .attributes
                    .get(name)
                    .map_or(is_default(name, value), |there| attributes::is_same(there, value))
            };
            if !wanted.attributes.iter().all(same) {
                return Err(Error::because("Attributes", "Subscription already exists with different attributes"));
            }
            return Ok((there, subscription, false));
        }
    }
    if key.topic.is_fifo() && topic.confirmed + topic.pending >= FIFO_SUBSCRIPTIONS as u64 {
        return Err(Error::TooManySubscriptions);
    }
    *count(&mut topic, wanted.pending) += 1;
    tx.save(keys::TOPIC, &keys::topic(&key.topic), &topic)?;
    tx.put(keys::ENDPOINT, &address, key.id.as_bytes());
    tx.save(keys::SUBSCRIPTION, &keys::subscription(key), wanted)?;
    Ok((key.clone(), wanted.clone(), wanted.pending))
}

/// Whether an attribute that is not set has the value.
fn is_default(name: &str, value: &str) -> bool {
    value.is_empty()
        || matches!((name, value), ("RawMessageDelivery", "false") | ("FilterPolicyScope", "MessageAttributes"))
}

fn count(topic: &mut Topic, pending: bool) -> &mut u64 {
    if pending { &mut topic.pending } else { &mut topic.confirmed }
}

fn confirm(
    tx: &mut Tx<'_>,
    key: &SubscriptionKey,
    token: &str,
    guarded: bool,
    authenticated: bool,
) -> Result<(), Error> {
    let mut topic = find(tx, &key.topic)?;
    let known = tx.load::<Subscription>(keys::SUBSCRIPTION, &keys::subscription(key))?;
    let was_there = known.is_some();
    let found = match known {
        Some(known) => Some(known),
        None => memory::recall::<Subscription>(tx, topic.id, &memory::ended(&key.id))?,
    };
    let is_good = |found: &Subscription| found.token == token && tx.now().since(found.offered) <= TOKEN;
    let mut found = found.filter(is_good).ok_or_else(|| Error::invalid("Token"))?;
    if was_there && !found.pending {
        return Ok(());
    }
    if was_there {
        topic.pending = topic.pending.saturating_sub(1);
    } else {
        let address = keys::endpoint(&key.topic, found.protocol, &found.endpoint);
        if tx.get(keys::ENDPOINT, &address)?.is_some() {
            return Err(Error::invalid("Token"));
        }
        memory::forget(tx, topic.id, &memory::ended(&key.id))?;
        tx.put(keys::ENDPOINT, &address, key.id.as_bytes());
    }
    topic.confirmed += 1;
    tx.save(keys::TOPIC, &keys::topic(&key.topic), &topic)?;
    (found.pending, found.guarded, found.authenticated) = (false, guarded, authenticated);
    Ok(tx.save(keys::SUBSCRIPTION, &keys::subscription(key), &found)?)
}

/// Removes a subscription with what waits for its endpoint. Returns it, with its topic.
fn remove(tx: &mut Tx<'_>, key: &SubscriptionKey) -> Result<Option<(Topic, Subscription)>, Error> {
    let name = keys::subscription(key);
    let Some(ended) = tx.load::<Subscription>(keys::SUBSCRIPTION, &name)? else { return Ok(None) };
    let mut topic = find(tx, &key.topic)?;
    let counted = count(&mut topic, ended.pending);
    *counted = counted.saturating_sub(1);
    topic.deleted += 1;
    tx.save(keys::TOPIC, &keys::topic(&key.topic), &topic)?;
    tx.delete(keys::ENDPOINT, &keys::endpoint(&key.topic, ended.protocol, &ended.endpoint));
    tx.delete(keys::SUBSCRIPTION, &name);
    if ended.protocol.is_http() {
        outbox::clear(tx, key)?;
    }
    Ok(Some((topic, ended)))
}

fn check_endpoint(topic: &TopicKey, protocol: Protocol, endpoint: &str) -> Result<(), Error> {
    let arn = endpoint.parse::<Arn>().ok();
    let is = |service: &str| arn.as_ref().is_some_and(|arn| arn.service() == service && arn.account().len() == 12);
    if topic.is_fifo() && protocol != Protocol::Sqs {
        return Err(Error::because("Endpoint", "FIFO topics deliver to Amazon SQS queues only"));
    }
    let begins = |scheme: &str| {
        endpoint.starts_with(scheme) && endpoint.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some())
    };
    match protocol {
        Protocol::Sqs if !is("sqs") => Err(Error::invalid("SQS endpoint ARN")),
        Protocol::Sqs if endpoint.ends_with(".fifo") && !topic.is_fifo() => Err(Error::because(
            "Invalid parameter: Endpoint",
            "FIFO SQS Queues can not be subscribed to standard SNS topics",
        )),
        Protocol::Lambda if !is("lambda") => Err(Error::invalid("Lambda endpoint ARN")),
        Protocol::Firehose if !is("firehose") => Err(Error::invalid("Firehose endpoint ARN")),
        Protocol::Application if !is("sns") || !endpoint.contains(":endpoint/") => {
            Err(Error::invalid(format!("Application endpoint arn invalid:{endpoint}")))
        }
        Protocol::Http if !endpoint.starts_with("http://") => {
            Err(Error::invalid("Endpoint must match the specified protocol"))
        }
        Protocol::Https if !endpoint.starts_with("https://") => {
            Err(Error::invalid("Endpoint must match the specified protocol"))
        }
        Protocol::Http if !begins("http://") => Err(Error::because("Endpoint", "the URL is not valid")),
        Protocol::Https if !begins("https://") => Err(Error::because("Endpoint", "the URL is not valid")),
        Protocol::Email | Protocol::EmailJson if !is_address(endpoint) => Err(Error::invalid("Email address")),
        Protocol::Sms if !crate::sms::is_number(endpoint) => {
            Err(Error::InvalidSentence(format!("Invalid SMS endpoint: {endpoint}")))
        }
        _ => Ok(()),
    }
}

fn is_address(text: &str) -> bool {
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    plain
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}
