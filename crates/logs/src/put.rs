//! `PutLogEvents`: events of somebody who is not a function.

use crate::groups::must_exist;
use crate::model::{BYTES, EVENT_OVERHEAD, EVENTS, Group, GroupKey, Position, Stream};
use crate::{Error, Logs, keys};
use fogbank_model::Timestamp;
use fogbank_store::{Read, Tx};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How far in the future an event may be.
const TOO_NEW: Duration = Duration::from_secs(2 * 3600);
/// How far in the past an event may be.
const TOO_OLD: Duration = Duration::from_secs(14 * 24 * 3600);

/// Which events of a request were not taken, by their places in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejected {
    /// The first event that is more than two hours in the future; so are all after it.
    pub too_new_from: Option<usize>,
    /// The end of those older than 14 days.
    pub too_old_until: Option<usize>,
    /// The end of those older than the group's retention.
    pub expired_until: Option<usize>,
}

impl Logs {
    /// Adds events to a stream. Returns those that are too old or too new, which are not kept.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::NoStream`]; [`Error::InvalidParameter`] for a request beyond AWS's limits.
    pub async fn put(
        &self,
        group: &GroupKey,
        stream: &str,
        events: Vec<(Timestamp, String)>,
    ) -> Result<Rejected, Error> {
        check(&events)?;
        self.sink.flush().await?;
        let (group, name) = (group.clone(), stream.to_owned());
        let numbered: Vec<(Timestamp, u64, String)> =
            events.into_iter().map(|(at, message)| (at, self.sink.next_number(), message)).collect();
        let now = self.clock.now();
        let put = move |tx: &mut Tx<'_>| {
            must_exist(tx, &group)?;
            let key = keys::stream(&group, &name);
            let mut stream: Stream = tx.load(keys::STREAM, &key)?.ok_or(Error::NoStream)?;
            let kept: Option<Group> = tx.load(keys::GROUP, &keys::group(&group))?;
            let retention = kept.and_then(|group| group.retention_days).map(|days| DAY * days);
            let rejected = reject(&numbered, now, retention);
            let from = rejected.too_old_until.max(rejected.expired_until).unwrap_or(0);
            let until = rejected.too_new_from.unwrap_or(numbered.len());
            for (at, number, message) in numbered.get(from..until).unwrap_or_default() {
                let position = Position { time: u64::try_from(at.0).unwrap_or(0), number: *number };
                tx.put(keys::EVENT, &keys::event(&group, &name, position), keys::encode_event(now, message));
                stream.note(*at, now, message);
            }
            tx.save(keys::STREAM, &key, &stream)?;
            Ok(rejected)
        };
        self.store.transact(put).await
    }
}

fn check(events: &[(Timestamp, String)]) -> Result<(), Error> {
    if events.len() > EVENTS {
        return Err(Error::invalid(format!("A request may hold at most {EVENTS} log events.")));
    }
    let bytes: usize = events.iter().map(|(_, message)| message.len() + EVENT_OVERHEAD).sum();
    if bytes > BYTES {
        return Err(Error::invalid(format!("Upload too large: {bytes} bytes exceeds limit of {BYTES}")));
    }
    if events.is_sorted_by_key(|(at, _)| *at) {
        let span = events.last().zip(events.first()).map(|((last, _), (first, _))| last.since(*first));
        return match span {
            Some(span) if span > DAY => Err(Error::invalid(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            )),
            _ => Ok(()),
        };
    }
    Err(Error::invalid("Log events in a single PutLogEvents request must be in chronological order."))
}

/// The events are in order, so those that are refused stand at the ends.
fn reject(events: &[(Timestamp, u64, String)], now: Timestamp, retention: Option<Duration>) -> Rejected {
    let before = |limit: Duration| events.partition_point(|(at, _, _)| at.plus(limit) < now);
    let some = |count: usize| (count > 0).then_some(count);
    let new_from = events.partition_point(|(at, _, _)| *at <= now.plus(TOO_NEW));
    Rejected {
        too_new_from: (new_from < events.len()).then_some(new_from),
        too_old_until: some(before(TOO_OLD)),
        expired_until: retention.and_then(|retention| some(before(retention))),
    }
}
