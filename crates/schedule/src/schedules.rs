//! Making, changing, reading and removing schedules.

use crate::fire::enqueue;
use crate::model::{GroupKey, Schedule, ScheduleKey, Wish};
use crate::{Error, SCHEDULE, Schedules, groups, scope};
use fogbank_delivery::Origin;
use fogbank_model::{AccountId, Region};
use fogbank_store::{Read, Tx};
use std::ops::Bound;
use std::sync::Arc;

/// Schedules that one read of a list looks at.
const LOOK: usize = 256;

impl Schedules {
    /// Makes a schedule. The same `token` makes it once.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NoGroup`], [`Error::ScheduleExists`], [`Error::Store`].
    pub async fn create(
        &self,
        key: &ScheduleKey,
        wish: Wish,
        token: Option<String>,
        origin: Origin,
    ) -> Result<(), Error> {
        wish.check()?;
        let now = self.clock.now();
        let due = first_due(&wish, now)?;
        let revision = self.clock.uuid();
        let schedule = Schedule { key: key.clone(), wish, created: now, modified: now, revision, due, token, origin };
        let clock = self.clock.clone();
        let create = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            groups::find(tx, &group_of(&schedule.key))?;
            match find(tx, &schedule.key) {
                Ok(found) if schedule.token.is_some() && found.token == schedule.token => return Ok(()),
                Ok(_) => return Err(Error::ScheduleExists(schedule.key.name.clone())),
                Err(Error::NoSchedule(_)) => {}
                Err(other) => return Err(other),
            }
            save(tx, &schedule)?;
            Ok(enqueue(tx, &schedule, &*clock)?)
        };
        self.store.transact(create).await
    }

    /// Makes a schedule what `wish` says. Its rhythm goes on if neither expression nor beginning is another.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NoSchedule`], [`Error::NoGroup`], [`Error::Store`].
    pub async fn update(&self, key: &ScheduleKey, wish: Wish) -> Result<(), Error> {
        wish.check()?;
        let (now, revision) = (self.clock.now(), self.clock.uuid());
        let (key, wish, clock) = (key.clone(), Arc::new(wish), self.clock.clone());
        let update = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            groups::find(tx, &group_of(&key))?;
            let before = find(tx, &key)?;
            let rhythm = |wish: &Wish| (wish.expression.clone(), wish.zone.clone(), wish.start);
            let is_same = rhythm(&before.wish) == rhythm(&wish);
            let goes_on = before.wish.enabled && wish.enabled && is_same;
            let kept = before.due.filter(|due| goes_on && wish.end.is_none_or(|end| *due <= end));
            // One that was over and repeats begins again if its end lets it; what happens once does not happen twice.
            let begins_again = goes_on && before.due.is_none() && wish.repeats()?;
            let due = if goes_on && !begins_again { kept } else { first_due(&wish, now)? };
            // Switched off and on again, it may have happened a moment ago.
            let happened = is_same && !wish.repeats()?;
            let due = due.filter(|due| !happened || *due > now);
            let schedule = Schedule { wish: (*wish).clone(), modified: now, revision: revision.clone(), due, ..before };
            save(tx, &schedule)?;
            Ok(enqueue(tx, &schedule, &*clock)?)
        };
        self.store.transact(update).await
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// [`Error::NoSchedule`], [`Error::NoGroup`], [`Error::Store`].
    pub async fn delete(&self, key: &ScheduleKey) -> Result<(), Error> {
        let key = key.clone();
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            groups::find(tx, &group_of(&key))?;
            find(tx, &key)?;
            tx.delete(SCHEDULE, &key.encode());
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// The schedule `key`.
    ///
    /// # Errors
    /// [`Error::NoSchedule`], [`Error::NoGroup`], [`Error::Store`].
    pub fn get(&self, key: &ScheduleKey) -> Result<Schedule, Error> {
        self.store.read(|snapshot| {
            groups::find(snapshot, &group_of(key))?;
            find(snapshot, key)
        })
    }

    /// At most `limit` schedules that `is_wanted`, by group and name, those after the key `after`; and whether there may be more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(
        &self,
        (account, region): (&AccountId, &Region),
        after: Option<&[u8]>,
        limit: usize,
        is_wanted: impl Fn(&Schedule) -> bool,
    ) -> Result<(Vec<Schedule>, bool), Error> {
        self.store.read(|snapshot| {
            let begin = scope(account, region);
            let mut end = begin.clone();
            end.pop();
            end.push(1);
            let mut from = after.map_or(Bound::Included(begin), |after| Bound::Excluded(after.to_vec()));
            let mut found = Vec::new();
            loop {
                let page = snapshot.scan(SCHEDULE, from.as_ref().map(Vec::as_slice), Bound::Excluded(&end), LOOK)?;
                for (_, bytes) in &page {
                    let schedule: Schedule = decode(bytes)?;
                    if !is_wanted(&schedule) {
                        continue;
                    }
                    if found.len() == limit {
                        return Ok((found, true));
                    }
                    found.push(schedule);
                }
                match page.last() {
                    Some((last, _)) if page.len() == LOOK => from = Bound::Excluded(last.clone()),
                    _ => return Ok((found, false)),
                }
            }
        })
    }
}

fn first_due(wish: &Wish, now: fogbank_model::Timestamp) -> Result<Option<fogbank_model::Timestamp>, Error> {
    if wish.enabled { wish.first_due(now) } else { Ok(None) }
}

fn group_of(key: &ScheduleKey) -> GroupKey {
    GroupKey { account: key.account.clone(), region: key.region.clone(), name: key.group.clone() }
}

pub(crate) fn find(read: &impl Read, key: &ScheduleKey) -> Result<Schedule, Error> {
    read.load(SCHEDULE, &key.encode())?.ok_or_else(|| Error::NoSchedule(key.name.clone()))
}

pub(crate) fn save(tx: &mut Tx<'_>, schedule: &Schedule) -> Result<(), fogbank_store::Error> {
    tx.save(SCHEDULE, &schedule.key.encode(), schedule)
}

fn decode(bytes: &[u8]) -> Result<Schedule, Error> {
    let damaged =
        |error: serde_json::Error| fogbank_store::Error::Damaged { table: SCHEDULE.0, why: error.to_string() };
    Ok(serde_json::from_slice(bytes).map_err(damaged)?)
}
