//! How far a shard's records are done, as it is kept in the store.

use super::super::Mapping;
use crate::keys;
use crate::model::Scope;
use fogbank_model::Timestamp;
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cmp::Ordering;
use std::sync::Arc;

/// How far a shard's records are done. A shard without one is to be read from its beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sources) struct Checkpoint {
    /// By lane.
    pub points: Vec<Point>,
    /// Whether the shard has ended and nothing of it is left to do.
    #[serde(default)]
    pub is_finished: bool,
}

/// How far a lane is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sources) struct Point {
    /// Everything of the lane up to this sequence number is done; `None` for nothing.
    #[serde(default, with = "shared_text")]
    pub after: Option<Arc<str>>,
    /// The window that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// serde reads shared text only with a feature that every crate would be built with.
mod shared_text {
    use super::Arc;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(text: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<str>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Into::into))
    }
}

/// A tumbling window that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sources) struct Window {
    /// When it began.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// What the function returned last.
    pub state: Value,
    /// Whether that is more than a state may be.
    #[serde(default)]
    pub is_full: bool,
}

impl Checkpoint {
    /// Nothing is done after `after`.
    pub fn at(after: Option<String>) -> Self {
        Self { points: vec![Point { after: after.map(Into::into), window: None }], is_finished: false }
    }

    /// The same for `lanes` lanes. With another number of them each begins where the last one was; the keys in a lane are others then, so windows
    /// cannot go on.
    pub fn spread(self, lanes: usize) -> Self {
        if self.points.len() == lanes {
            return self;
        }
        let first = self.points.into_iter().map(|point| point.after).min_by(|a, b| order(a.as_deref(), b.as_deref()));
        let point = Point { after: first.flatten(), window: None };
        Self { points: vec![point; lanes], is_finished: self.is_finished }
    }

    /// After which sequence number reading goes on.
    pub fn read_after(&self) -> Option<Arc<str>> {
        let after = self.points.iter().map(|point| &point.after);
        after.min_by(|a, b| order(a.as_deref(), b.as_deref())).cloned().flatten()
    }
}

/// Sequence numbers are decimal numbers of any length; nothing comes before all of them.
pub(in crate::sources) fn order(a: Option<&str>, b: Option<&str>) -> Ordering {
    let number = |text: &str| text.trim_start_matches('0').len();
    let digits = |text: &'_ str| text.trim_start_matches('0').to_owned();
    match (a, b) {
        (Some(a), Some(b)) => number(a).cmp(&number(b)).then_with(|| digits(a).cmp(&digits(b))),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

pub(super) fn load(read: &impl Read, mapping: &Mapping, shard: &str) -> Result<Option<Checkpoint>, StoreError> {
    read.load(keys::CHECKPOINT, &keys::checkpoint(&mapping.scope, &mapping.id, shard))
}

/// Keeps a shard's checkpoint, unless its mapping has been removed.
pub(super) fn save(tx: &mut Tx<'_>, mapping: &Mapping, shard: &str, to: &Checkpoint) -> Result<bool, StoreError> {
    if tx.get(keys::SOURCE, &keys::source(&mapping.scope, &mapping.id))?.is_none() {
        return Ok(false);
    }
    tx.save(keys::CHECKPOINT, &keys::checkpoint(&mapping.scope, &mapping.id, shard), to)?;
    Ok(true)
}

/// Keeps where a new mapping begins.
pub(in crate::sources) fn save_start(
    tx: &mut Tx<'_>,
    mapping: &Mapping,
    shards: &[(String, Checkpoint)],
) -> Result<(), StoreError> {
    let key = |shard: &str| keys::checkpoint(&mapping.scope, &mapping.id, shard);
    shards.iter().try_for_each(|(shard, at)| tx.save(keys::CHECKPOINT, &key(shard), at))
}

/// Removes all checkpoints of a mapping.
pub(in crate::sources) fn forget(tx: &mut Tx<'_>, scope: &Scope, id: &str) -> Result<(), StoreError> {
    forget_others(tx, scope, id, &[])
}

/// Removes the checkpoints of shards that are not listed any more.
pub(super) fn forget_others(tx: &mut Tx<'_>, scope: &Scope, id: &str, listed: &[String]) -> Result<(), StoreError> {
    let prefix = keys::checkpoint(scope, id, "");
    for (key, _) in tx.scan_prefix(keys::CHECKPOINT, &prefix, usize::MAX)? {
        if !listed.iter().any(|shard| shard.as_bytes() == &key[prefix.len()..]) {
            tx.delete(keys::CHECKPOINT, &key);
        }
    }
    Ok(())
}

/// Whether there are checkpoints of shards that are not listed any more.
pub(super) fn has_others(read: &impl Read, scope: &Scope, id: &str, listed: &[String]) -> Result<bool, StoreError> {
    let prefix = keys::checkpoint(scope, id, "");
    let kept = read.scan_prefix(keys::CHECKPOINT, &prefix, usize::MAX)?;
    Ok(kept.iter().any(|(key, _)| !listed.iter().any(|shard| shard.as_bytes() == &key[prefix.len()..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_ordered_as_numbers() {
        let rising = [None, Some("0"), Some("9"), Some("0010"), Some("123"), Some("400000000000000000001")];
        for pair in rising.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(order(Some("007"), Some("7")), Ordering::Equal);
    }

    #[test]
    fn another_number_of_lanes_begins_where_the_last_one_was() {
        let point = |after: &str| Point { after: Some(after.into()), window: None };
        let two = Checkpoint { points: vec![point("12"), point("9")], is_finished: false };
        assert_eq!(two.clone().spread(2), two);
        assert_eq!(two.read_after().as_deref(), Some("9"));
        assert_eq!(two.spread(3).points, vec![point("9"); 3]);
    }
}
