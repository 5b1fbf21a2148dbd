//! Subscriptions of consumers to shards: one of a consumer to a shard at a time. A new one ends the one before, but not within five seconds.

use crate::model::StreamKey;
use crate::place::Place;
use crate::{Error, Start, Streams, shard_number};
use fogbank_model::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// How long nobody takes over a subscription, in milliseconds.
const UNDISTURBED_MS: i64 = 5_000;
/// How long a subscription lasts, in milliseconds.
pub(crate) const LASTS_MS: i64 = 300_000;

/// A consumer's id and a shard's number.
type Seat = (u64, u64);

/// The subscriptions that are running, by consumer's id and shard's number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscriptions(Arc<Mutex<HashMap<Seat, Running>>>);

#[derive(Debug)]
struct Running {
    since: Timestamp,
    ended: watch::Sender<bool>,
}

impl Subscriptions {
    fn begin(&self, seat: Seat, now: Timestamp) -> Option<watch::Receiver<bool>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&seat).is_some_and(|other| now.0.saturating_sub(other.since.0) < UNDISTURBED_MS) {
            return None;
        }
        let (ended, ending) = watch::channel(false);
        // The one before finds its sender gone.
        running.insert(seat, Running { since: now, ended });
        Some(ending)
    }

    fn leave(&self, seat: Seat, ending: &watch::Receiver<bool>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&seat).is_some_and(|own| own.ended.subscribe().same_channel(ending)) {
            running.remove(&seat);
        }
    }

    /// Ends all subscriptions of a consumer.
    pub fn end(&self, consumer: u64) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|(id, _), own| {
            if *id == consumer {
                let _ = own.ended.send(true);
            }
            *id != consumer
        });
    }
}

/// A consumer's subscription to a shard. Ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    /// The stream.
    pub key: StreamKey,
    /// The shard's id.
    pub shard: String,
    /// Where the next read begins.
    pub next: Place,
    /// When it ends by itself.
    pub until: Timestamp,
    seat: Seat,
    ending: watch::Receiver<bool>,
    all: Subscriptions,
}

/// Why a subscription ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The consumer subscribed anew.
    TakenOver,
    /// The consumer was deregistered.
    Deregistered,
}

impl Subscription {
    /// Resolves when the subscription is to end before its time.
    pub(crate) async fn ended(&mut self) -> Ended {
        match self.ending.wait_for(|ended| *ended).await {
            Ok(_) => Ended::Deregistered,
            Err(_) => Ended::TakenOver,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.all.leave(self.seat, &self.ending);
    }
}

impl Streams {
    /// Subscribes the consumer with this name and ARN to a shard from `start` on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for a start that is none, [`Error::InUse`] if it subscribed less than five seconds ago.
    pub fn subscribe(
        &self,
        key: &StreamKey,
        name: &str,
        arn: &str,
        shard: &str,
        start: Start,
    ) -> Result<Subscription, Error> {
        let consumer = self.consumer(key, name)?;
        if consumer.arn(key) != arn {
            return Err(Error::NotFound(format!("Consumer {name}, account {} not found.", key.account)));
        }
        let next = self.position(key, shard, start)?;
        let now = self.clock.now();
        let seat = (consumer.id, shard_number(shard).unwrap_or_default());
        let in_use = || {
            Error::InUse(format!(
                "Another active subscription exists for this consumer: {}:{}:{shard}:{name}",
                key.account, key.name
            ))
        };
        let ending = self.subscriptions.begin(seat, now).ok_or_else(in_use)?;
        let (key, shard, until) = (key.clone(), shard.to_owned(), Timestamp(now.0 + LASTS_MS));
        Ok(Subscription { key, shard, next, until, seat, ending, all: self.subscriptions.clone() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_taken_over_after_five_seconds() {
        let all = Subscriptions::default();
        let first = all.begin((1, 0), Timestamp(0)).unwrap();
        assert!(all.begin((1, 0), Timestamp(4_999)).is_none());
        assert!(all.begin((1, 1), Timestamp(0)).is_some() && all.begin((2, 0), Timestamp(0)).is_some());
        let second = all.begin((1, 0), Timestamp(5_000)).unwrap();
        assert!(first.has_changed().is_err(), "its sender is gone");
        // The one that was taken over does not take the other with it.
        all.leave((1, 0), &first);
        assert!(all.begin((1, 0), Timestamp(5_001)).is_none());
        all.leave((1, 0), &second);
        assert!(all.begin((1, 0), Timestamp(5_002)).is_some());
    }
}
