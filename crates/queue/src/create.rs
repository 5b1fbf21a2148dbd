//! Creating queues, and finding them.

use crate::attributes::Attributes;
use crate::model::{PAUSE_MS, Queue, QueueKey, TAGS};
use crate::{Error, Queues, find, keys, redrive};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Queues of one page at most, and of a listing that asks for no pages.
const PAGE: usize = 1000;

impl Queues {
    /// Makes a queue. One that is there already is taken if it has the attributes that are given.
    ///
    /// # Errors
    /// [`Error::QueueExists`], [`Error::DeletedRecently`], an invalid name, attribute or tag, [`Error::Store`].
    pub async fn create(
        &self,
        key: &QueueKey,
        given: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    ) -> Result<(), Error> {
        check_name(&key.name, given.get("FifoQueue").map(String::as_str))?;
        check_tags(&key.name, &tags)?;
        let attributes = Attributes::default().with(key, &given)?;
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| create(tx, &key, &attributes, &given, &tags);
        self.store.transact(change).await
    }

    /// The queue called `key`.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`].
    pub fn queue(&self, key: &QueueKey) -> Result<Queue, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// A page of the queues whose names begin with `prefix`, those after `after`, and whether there are more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(
        &self,
        scope: (&AccountId, &Region),
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<(Vec<QueueKey>, bool), Error> {
        let scope = keys::scope(scope.0, scope.1);
        let limit = limit.unwrap_or(PAGE).min(PAGE);
        let begin = [&scope, prefix.as_bytes()].concat();
        let last = after.map(|name| [&scope, name.as_bytes()].concat()).filter(|last| *last >= begin);
        let from = last.as_ref().map_or(Bound::Included(begin.as_slice()), |last| Bound::Excluded(last.as_slice()));
        // Names are ASCII, so this is after all that begin with the prefix.
        let end = [begin.as_slice(), &[0xff]].concat();
        let found = self
            .store
            .read::<_, Error>(|snapshot| Ok(snapshot.scan(keys::QUEUE, from, Bound::Excluded(&end), limit + 1)?))?;
        let more = found.len() > limit;
        Ok((found.iter().take(limit).filter_map(|(key, _)| keys::queue_of(key)).collect(), more))
    }

    /// The queues whose dead-letter queue is `key`, those after `after`, and whether there are more than `limit`.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`].
    pub fn dead_letter_sources(
        &self,
        key: &QueueKey,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<(Vec<QueueKey>, bool), Error> {
        let all = self.store.read::<_, Error>(|snapshot| {
            find(snapshot, key)?;
            Ok(redrive::sources(snapshot, key)?)
        })?;
        let mut page = all.into_iter().filter(|key| after.is_none_or(|after| key.name.as_str() > after));
        let found: Vec<QueueKey> = page.by_ref().take(limit.unwrap_or(PAGE)).collect();
        Ok((found, page.next().is_some()))
    }
}

fn create(
    tx: &mut Tx<'_>,
    key: &QueueKey,
    attributes: &Attributes,
    given: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> Result<(), Error> {
    if let Some(there) = crate::lookup(tx, key)? {
        return match attributes.difference(&there.attributes, given) {
            Some(name) => Err(Error::QueueExists(name.into())),
            None => Ok(()),
        };
    }
    let name = keys::queue(key);
    let deleted = tx.get(keys::DELETED, &name)?.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
    if deleted.is_some_and(|at| tx.now().since(Timestamp(at)).as_millis() < u128::from(PAUSE_MS)) {
        return Err(Error::DeletedRecently);
    }
    tx.delete(keys::DELETED, &name);
    if let Some(policy) = &attributes.redrive {
        policy.check(tx, key)?;
    }
    let id = next_number(tx)?;
    let queue = Queue {
        id,
        place: id,
        created: tx.now(),
        modified: tx.now(),
        purged: None,
        attributes: attributes.clone(),
        tags: tags.clone(),
    };
    Ok(tx.save(keys::QUEUE, &name, &queue)?)
}

/// A number that no queue or place has had.
pub(crate) fn next_number(tx: &mut Tx<'_>) -> Result<u64, Error> {
    let last = tx.get(keys::NUMBER, &[])?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    tx.put(keys::NUMBER, &[], (last + 1).to_be_bytes());
    Ok(last + 1)
}

fn check_name(name: &str, fifo: Option<&str>) -> Result<(), Error> {
    let is_fifo = match fifo {
        None => false,
        Some("true" | "True" | "TRUE") => true,
        Some("false" | "False" | "FALSE") => return Err(Error::UnknownAttribute("FifoQueue".into())),
        Some(_) => return Err(Error::InvalidAttributeValue("FifoQueue".into())),
    };
    let stem = if is_fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if stem.is_some_and(|stem| !stem.is_empty() && name.len() <= 80 && stem.chars().all(plain)) {
        return Ok(());
    }
    Err(Error::invalid(match is_fifo {
        true => {
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
        }
        false => "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    }))
}

/// Holds tags against SQS's limits.
pub(crate) fn check_tags(queue: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS {
        return Err(Error::invalid(format!(
            "Too many tags added for queue {queue}. The most that a queue can have is {TAGS}."
        )));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(Error::invalid("Tag keys must be between 1 and 128 characters in length."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Error::invalid("Tag keys must not begin with aws:, which is reserved for system use."));
        }
        if value.chars().count() > 256 {
            return Err(Error::invalid("Tag values must be between 0 and 256 characters in length."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_form() {
        for (name, fifo) in [("a", None), ("A-b_9", None), ("a.fifo", Some("true"))] {
            assert!(check_name(name, fifo).is_ok(), "{name}");
        }
        let long = "a".repeat(81);
        for (name, fifo) in
            [("", None), ("a.b", None), ("a.fifo", None), (&long, None), ("a", Some("true")), (".fifo", Some("true"))]
        {
            assert!(check_name(name, fifo).is_err(), "{name}");
        }
    }
}
