//! Takes messages from one service to another: the one place that knows which service an ARN belongs to.

use fogbank_bus::Buses;
use fogbank_delivery::{Deliver, Delivery, Undelivered};
use fogbank_functions::Functions;
use fogbank_logs::Logs;
use fogbank_model::Arn;
use fogbank_object::Objects;
use fogbank_queue::Queues;
use fogbank_store::{Error as StoreError, Tx};
use fogbank_stream::Streams;
use fogbank_topic::Topics;
use std::sync::{Arc, OnceLock};

/// Everything that takes messages.
pub struct Targets {
    /// `arn:aws:sqs:…`
    pub queues: Arc<Queues>,
    /// `arn:aws:lambda:…`
    pub functions: Arc<Functions>,
    /// `arn:aws:events:…:event-bus/…`
    pub buses: Arc<Buses>,
    /// `arn:aws:logs:…:log-group:…`
    pub logs: Arc<Logs>,
    /// `arn:aws:kinesis:…:stream/…`
    pub streams: Arc<Streams>,
    /// `arn:aws:sns:…`
    pub topics: Arc<Topics>,
    /// `arn:aws:s3:::…`
    pub objects: Arc<Objects>,
}

/// Delivers to the services of this platform. They are built on it and it on them, so it is connected last.
#[derive(Default)]
pub struct Delivering(OnceLock<Targets>);

impl Delivering {
    /// Names the targets. Nothing can be delivered before.
    pub fn connect(&self, targets: Targets) {
        drop(self.0.set(targets));
    }
}

impl Deliver for Delivering {
    fn deliver(&self, tx: &mut Tx<'_>, target: &Arn, delivery: &Delivery) -> Result<(), Undelivered> {
        // A transaction of work that was left over may run before everything is there; it is run again.
        let Some(targets) = self.0.get() else {
            return Err(StoreError::Disk("the platform is starting".into()).into());
        };
        match target.service() {
            "sqs" => targets.queues.deliver_in(tx, target, delivery),
            "lambda" => targets.functions.deliver_in(tx, target, delivery),
            "events" => targets.buses.deliver_in(tx, target, delivery),
            "logs" => targets.logs.deliver_in(tx, target, delivery),
            "kinesis" => targets.streams.deliver_in(tx, target, delivery),
            "sns" => targets.topics.deliver_in(tx, target, delivery),
            "s3" => targets.objects.deliver_in(tx, target, delivery),
            _ => Err(Undelivered::NoTarget(target.to_string())),
        }
    }

    fn exists(&self, tx: &Tx<'_>, target: &Arn) -> Result<bool, StoreError> {
        let Some(targets) = self.0.get() else { return Ok(false) };
        match target.service() {
            "sqs" => targets.queues.exists(tx, target),
            "lambda" => Ok(targets.functions.exists(target)),
            "events" => targets.buses.exists(tx, target),
            "logs" => targets.logs.exists(tx, target),
            "kinesis" => targets.streams.exists(tx, target),
            "sns" => targets.topics.exists(tx, target),
            "s3" => targets.objects.exists(tx, target),
            _ => Ok(false),
        }
    }
}
