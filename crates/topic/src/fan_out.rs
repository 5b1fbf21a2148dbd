//! Large topics: their subscriptions are served in pieces, each in a transaction of its own, so that no publishing holds up everybody else's changes.
//! What is left of a message is on a work queue, from the publishing transaction on. Messages that come from other services go this way as a whole,
//! because a signature takes longer than somebody else's transaction should.

use crate::model::{AT_ONCE, Subscription};
use crate::notice::Notice;
use crate::signing::Signer;
use crate::{Error, deliver, keys, lookup, publish};
use fogbank_delivery::{Deliver, Settle, Work};
use fogbank_model::BoxFuture;
use fogbank_store::{Error as StoreError, Read, Store, Tx};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::sync::Arc;

const QUEUE: &str = "sns/fan-out";
/// Messages whose subscriptions are served at once.
const MESSAGES_AT_ONCE: usize = 4;

/// A message, and the id of the last subscription that was served.
#[derive(Serialize, Deserialize)]
struct Rest {
    notice: Notice,
    after: Option<String>,
}

/// Leaves the subscriptions after `after` to the fan-out.
pub(crate) fn enqueue(tx: &mut Tx<'_>, notice: &Notice, after: Option<String>) -> Result<(), StoreError> {
    let rest = Rest { notice: notice.clone(), after };
    let message = serde_json::to_vec(&rest).map_err(|error| damaged(&error))?;
    let now = tx.now();
    tx.enqueue(QUEUE, now, &message)
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::Damaged { table: QUEUE, why: error.to_string() }
}

/// Serves what was left.
pub(crate) struct FanOut {
    store: Store,
    deliver: Arc<dyn Deliver>,
    signer: Arc<Signer>,
}

impl FanOut {
    pub fn new(store: Store, deliver: Arc<dyn Deliver>, signer: Arc<Signer>) -> Self {
        Self { store, deliver, signer }
    }

    /// The message, signed for the subscriptions that are next.
    async fn signed(&self, rest: Rest) -> Result<Rest, Error> {
        let prefix = keys::subscriptions(&rest.notice.topic);
        let from = [prefix.as_slice(), rest.after.as_deref().unwrap_or_default().as_bytes()].concat();
        let to = [prefix.as_slice(), &[0xff]].concat();
        let found = self.store.read::<_, StoreError>(|snapshot| {
            snapshot.scan(keys::SUBSCRIPTION, Bound::Excluded(&from), Bound::Excluded(&to), AT_ONCE)
        })?;
        let found = found.iter().filter_map(|(_, bytes)| serde_json::from_slice::<Subscription>(bytes).ok());
        let found: Vec<Subscription> = found.collect();
        let mut notices = publish::sign(&self.signer, vec![rest.notice.clone()], &found).await?;
        Ok(Rest { notice: notices.pop().unwrap_or(rest.notice), after: rest.after })
    }

    async fn serve(self: Arc<Self>, message: Vec<u8>) -> Settle {
        let rest: Rest = match serde_json::from_slice(&message) {
            Ok(rest) => rest,
            Err(error) => {
                tracing::error!(%error, "a notification that was left to be delivered cannot be read");
                return Settle::done();
            }
        };
        let unsigned = Rest { notice: rest.notice.clone(), after: rest.after.clone() };
        // Without signatures it is tried as it is: what is missing is made up for in the transaction.
        let rest = self.signed(rest).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a notification could not be signed beforehand");
            unsigned
        });
        Settle::with(move |tx| {
            let Some(topic) = lookup(tx, &rest.notice.topic)? else { return Ok(()) };
            let after = rest.after.as_deref();
            deliver::to_subscriptions(tx, &*self.deliver, &self.signer, rest.notice.clone(), &topic, after)
        })
    }
}

impl Work for FanOut {
    fn queue(&self) -> &'static str {
        QUEUE
    }

    fn at_once(&self) -> usize {
        MESSAGES_AT_ONCE
    }

    fn run(self: Arc<Self>, message: Vec<u8>) -> BoxFuture<'static, Settle> {
        Box::pin(self.serve(message))
    }
}
