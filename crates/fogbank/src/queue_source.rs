//! Queues as event source mappings reach them.

use fogbank_functions::sources::{QueueFacts, QueueMessage, QueueSource, SourceError};
use fogbank_model::{Arn, BoxFuture};
use fogbank_queue::{Error, QueueKey, Queues, Receive, Received};
use std::sync::Arc;

/// The platform's queues.
pub struct QueuesOf(pub Arc<Queues>);

fn key(queue: &Arn) -> Result<QueueKey, SourceError> {
    QueueKey::of(queue.as_str()).ok_or(SourceError::NoSource)
}

fn failed(error: Error) -> SourceError {
    match error {
        Error::NoQueue => SourceError::NoSource,
        other => SourceError::Failed(other.to_string()),
    }
}

impl QueueSource for QueuesOf {
    fn facts(&self, queue: &Arn) -> Result<QueueFacts, SourceError> {
        let attributes = self.0.queue(&key(queue)?).map_err(failed)?.attributes;
        Ok(QueueFacts { is_fifo: attributes.fifo, visibility_s: attributes.visibility_s.into() })
    }

    fn ready<'a>(&'a self, queue: &'a Arn) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(async move { self.0.ready(&key(queue)?).await.map_err(failed) })
    }

    fn receive<'a>(
        &'a self,
        queue: &'a Arn,
        limit: usize,
        visibility_s: u64,
    ) -> BoxFuture<'a, Result<Vec<QueueMessage>, SourceError>> {
        Box::pin(async move {
            let how = Receive {
                limit: i64::try_from(limit).unwrap_or(i64::MAX),
                visibility_s: i64::try_from(visibility_s).ok(),
                wait_s: Some(0),
                attempt: None,
            };
            let received = self.0.receive(&key(queue)?, &how).await.map_err(failed)?;
            let key = key(queue)?;
            Ok(received.into_iter().map(|received| message(&self.0, &key, received)).collect())
        })
    }

    fn delete<'a>(&'a self, queue: &'a Arn, handles: Vec<String>) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(async move {
            // A handle that has expired belongs to a message that is in other hands again.
            self.0.delete_messages(&key(queue)?, handles).await.map(drop).map_err(failed)
        })
    }
}

fn message(queues: &Queues, key: &QueueKey, received: Received) -> QueueMessage {
    let mut attributes = received.system_attributes();
    attributes.insert("FogbankSender", received.message.principal.clone());
    attributes.insert("FogbankSignature", queues.signature(key, &received));
    QueueMessage {
        attributes,
        body_digest: received.body_digest(),
        attributes_digest: received.attributes_digest(),
        id: received.message.id,
        handle: received.handle,
        body: received.message.body,
        message_attributes: received.message.attributes,
    }
}
