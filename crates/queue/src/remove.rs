//! Deleting queues, and purging them.

use crate::contents::counters;
use crate::create::next_number;
use crate::model::{PAUSE_MS, QueueKey};
use crate::{Error, Queues, find, keys};
use fogbank_store::Tx;

impl Queues {
    /// Deletes a queue with all of its messages. Its name is free again after 60 seconds.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::Store`].
    pub async fn delete(&self, key: &QueueKey) -> Result<(), Error> {
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let queue = find(tx, &key)?;
            let name = keys::queue(&key);
            tx.delete(keys::QUEUE, &name);
            tx.put(keys::DELETED, &name, tx.now().0.to_be_bytes());
            tx.put(keys::LEFT, &keys::place(queue.place), []);
            tx.wake(&keys::waker(queue.id));
            tx.wake(crate::sweep::WAKER);
            Ok(())
        };
        self.store.transact(change).await
    }

    /// Deletes all messages of a queue.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::PurgeInProgress`] within 60 seconds of the last purge, [`Error::Store`].
    pub async fn purge(&self, key: &QueueKey) -> Result<(), Error> {
        let name = key.name.clone();
        self.change(key, move |tx, queue| {
            let now = tx.now();
            if queue.purged.is_some_and(|at| now.since(at).as_millis() < u128::from(PAUSE_MS)) {
                return Err(Error::PurgeInProgress(name.clone()));
            }
            let mut counted = counters(tx, queue)?;
            tx.put(keys::LEFT, &keys::place(queue.place), []);
            queue.place = next_number(tx)?;
            queue.purged = Some(now);
            // Numbers go on, so that no handle of a message that is gone fits one that comes.
            (counted.visible, counted.in_flight, counted.delayed) = (0, 0, 0);
            tx.put(keys::COUNTER, &keys::place(queue.place), counted.encode());
            tx.wake(&keys::waker(queue.id));
            tx.wake(crate::sweep::WAKER);
            Ok(())
        })
        .await
    }
}
