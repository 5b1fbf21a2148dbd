//! Who sent a message: what receivers are told, signed, and which senders a queue takes messages from.

use crate::model::{Queue, QueueKey, Received};
use crate::{Error, Queues};
use fogbank_delivery::{Claims, SENDERS, is_listed};

impl Queues {
    /// The signature of a message that was received from the queue `key`: for its body, its sender, its id and the time it was sent.
    pub fn signature(&self, key: &QueueKey, received: &Received) -> String {
        let message = &received.message;
        let target = key.arn();
        let claims =
            Claims { sender: &message.principal, target: target.as_str(), id: &message.id, sent: received.sent };
        self.signer.sign(&claims, message.body.as_bytes())
    }
}

/// Refuses a sender that the queue does not list.
pub(crate) fn check_sender(key: &QueueKey, queue: &Queue, arn: &str) -> Result<(), Error> {
    match queue.tags.get(SENDERS) {
        Some(list) if !is_listed(list, arn) => {
            Err(Error::NotListed { queue: key.arn().to_string(), sender: arn.into() })
        }
        _ => Ok(()),
    }
}
