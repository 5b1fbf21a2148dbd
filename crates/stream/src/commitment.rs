//! An account's commitment to a minimum of throughput in a region (`UpdateAccountSettings` in the API reference): kept and shown, since
//! nothing is billed by it.

use crate::{Error, Streams, keys};
use fogbank_model::{AccountId, Region, Timestamp};
use fogbank_store::{Read, Tx};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a commitment lasts at least.
const LEAST: Duration = Duration::from_secs(24 * 60 * 60);

/// A commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Since when.
    pub started: Timestamp,
    /// Until when, if it was ended; that may be in the future, because it lasts for a day at least.
    pub ended: Option<Timestamp>,
}

impl Commitment {
    /// When it may end.
    pub fn earliest_end(&self) -> Timestamp {
        self.started.plus(LEAST)
    }

    /// Whether it is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ended.is_some_and(|ended| ended <= now)
    }

    /// What becomes of `kept` if it is to be on, or off.
    fn switched(kept: Option<Self>, is_on: bool, now: Timestamp) -> Option<Self> {
        let lasting = kept.filter(|kept| !kept.is_over(now));
        match (lasting, is_on) {
            (Some(lasting), true) => Some(Self { ended: None, ..lasting }),
            (None, true) => Some(Self { started: now, ended: None }),
            (Some(lasting), false) if lasting.ended.is_none() => {
                Some(Self { ended: Some(lasting.earliest_end().max(now)), ..lasting })
            }
            (_, false) => kept,
        }
    }
}

impl Streams {
    /// The commitment of an account in a region, also one that is over.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn commitment(&self, account: &AccountId, region: &Region) -> Result<Option<Commitment>, Error> {
        self.store.read(|snapshot| Ok(snapshot.load(keys::COMMITMENT, &keys::scope(account, region))?))
    }

    /// Begins or ends the commitment of an account in a region.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn commit(&self, account: &AccountId, region: &Region, is_on: bool) -> Result<Option<Commitment>, Error> {
        let key = keys::scope(account, region);
        let change = move |tx: &mut Tx<'_>| -> Result<_, Error> {
            let switched = Commitment::switched(tx.load(keys::COMMITMENT, &key)?, is_on, tx.now());
            if let Some(commitment) = &switched {
                tx.save(keys::COMMITMENT, &key, commitment)?;
            }
            Ok(switched)
        };
        self.store.transact(change).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_lasts_for_a_day_at_least_and_is_taken_up_again_within_it() {
        let at = |hours: i64| Timestamp(hours * 3_600_000);
        assert_eq!(Commitment::switched(None, false, at(0)), None);
        let begun = Commitment::switched(None, true, at(1)).unwrap();
        assert_eq!((begun.started, begun.ended, begun.earliest_end()), (at(1), None, at(25)));
        assert_eq!(Commitment::switched(Some(begun), true, at(2)), Some(begun));

        let ending = Commitment::switched(Some(begun), false, at(3)).unwrap();
        assert_eq!(ending.ended, Some(at(25)));
        assert!(!ending.is_over(at(24)) && ending.is_over(at(25)));
        assert_eq!(Commitment::switched(Some(ending), false, at(4)), Some(ending));
        assert_eq!(Commitment::switched(Some(ending), true, at(4)), Some(begun));
        assert_eq!(Commitment::switched(Some(ending), true, at(30)).unwrap().started, at(30));

        let ended = Commitment::switched(Some(begun), false, at(40)).unwrap();
        assert_eq!(ended.ended, Some(at(40)));
    }
}
