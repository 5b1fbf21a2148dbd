//! Kinesis streams that a table's changes go to ("Using Kinesis Data Streams to capture changes to DynamoDB" in the Developer Guide): a
//! record of each change is put in the item's own transaction.

use crate::changes::{Author, Event};
use crate::registry::{self, Registry};
use crate::schema::{Destination, Table, TableKey};
use crate::value::{Item, item_size, json};
use crate::{Error, Tables};
use fogbank_delivery::{Delivery, Origin, Undelivered};
use fogbank_model::Arn;
use fogbank_store::Tx;
use serde_json::{Value, json as object};
use sha2::{Digest, Sha256};

const SERVICE: &str = "dynamodb.amazonaws.com";
const SERVICE_OF_STREAMS: &str = "kinesis";
const NO_STREAM: &str = "User does not have a permission to use kinesis stream";
const OTHER_REGION: &str =
    "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region";
const NOT_ACTIVE: &str =
    "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state";

/// Gives a change to the streams that want it.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    registry: &Registry,
    key: &TableKey,
    table: &Table,
    (old, new): (Option<&Item>, Option<&Item>),
    author: Author,
) -> Result<(), Error> {
    let mut wanting = table.destinations.iter().filter(|(_, destination)| destination.is_on).peekable();
    let Some((event, item)) = event(old, new).filter(|_| wanting.peek().is_some()) else { return Ok(()) };
    let keys = json::item(&crate::write::key_of(&table.keys, item));
    // Changes of one item stay in their order, because they have one partition key.
    let group = hex(&Sha256::digest(keys.to_string())[..16]);
    for (stream, destination) in wanting {
        let number = registry::next_number(tx)?;
        let record = record(tx, key, (event, &keys), (old, new), destination, (author, number));
        let Ok(target) = stream.parse::<Arn>() else { continue };
        let origin = Origin {
            account: key.account.clone(),
            region: key.region.clone(),
            service: SERVICE.into(),
            source: Some(key.arn()),
            sender: SERVICE.into(),
            endpoint: String::new(),
            trace: None,
            hops: 0,
        };
        let delivery = Delivery { group: Some(group.clone()), ..Delivery::new(record.to_string(), origin) };
        let given = Undelivered::refusal(registry.deliver.deliver(tx, &target, &delivery))?;
        if let Err(why) = given {
            // The table goes on without a stream that was deleted, as it does on AWS.
            tracing::warn!(table = key.name, %why, "a change could not be put into a stream");
        }
    }
    Ok(())
}

fn event<'a>(old: Option<&'a Item>, new: Option<&'a Item>) -> Option<(Event, &'a Item)> {
    match (old, new) {
        (None, Some(new)) => Some((Event::Insert, new)),
        (Some(old), Some(new)) => (old != new).then_some((Event::Modify, new)),
        (Some(old), None) => Some((Event::Remove, old)),
        (None, None) => None,
    }
}

fn record(
    tx: &Tx<'_>,
    key: &TableKey,
    (event, keys): (Event, &Value),
    (old, new): (Option<&Item>, Option<&Item>),
    destination: &Destination,
    (author, number): (Author, u64),
) -> Value {
    let now = tx.now().0;
    let bytes: usize = [old, new].into_iter().flatten().map(item_size).sum();
    let mut shown = object!({
        "ApproximateCreationDateTime": if destination.is_in_micros { now * 1000 } else { now },
        "Keys": keys,
        "SizeBytes": bytes,
        "ApproximateCreationDateTimePrecision": destination.precision(),
    });
    for (name, image) in [("NewImage", new), ("OldImage", old)] {
        if let Some(image) = image {
            shown[name] = json::item(image);
        }
    }
    let by_expiry = author == Author::Expiry;
    object!({
        "awsRegion": key.region.as_str(),
        "eventID": format!("{:08x}-0000-4000-8000-{:012x}", number >> 48, number & 0xffff_ffff_ffff),
        "eventName": event.as_str(),
        "userIdentity": by_expiry.then(|| object!({"type": "Service", "principalId": SERVICE})),
        "recordFormat": "application/json",
        "tableName": key.name,
        "dynamodb": shown,
        "eventSource": "aws:dynamodb",
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Tables {
    /// Lets a table's changes go to `stream`. A stream that cannot take them is only told of later, by the destination's state.
    pub(crate) async fn enable_destination(
        &self,
        key: TableKey,
        stream: Arn,
        precision: Option<bool>,
    ) -> Result<(), Error> {
        let deliver = self.registry.deliver.clone();
        let enable = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
            if table.destinations.values().any(|one| one.is_on) {
                return Err(invalid_state(
                    "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.",
                ));
            }
            let failure = match () {
                () if stream.service() != SERVICE_OF_STREAMS => Some(NO_STREAM),
                () if stream.region() != key.region.as_str() => Some(OTHER_REGION),
                () if stream.account() != key.account.as_str() => Some(NOT_ACTIVE),
                () => (!deliver.exists(tx, &stream)?).then_some(NO_STREAM),
            };
            let made = Destination {
                is_on: failure.is_none(),
                is_in_micros: precision.unwrap_or_default(),
                shows_precision: precision.is_some(),
                failure: failure.map(str::to_owned),
            };
            table.destinations.insert(stream.to_string(), made);
            Ok(())
        };
        self.alter(key, enable).await
    }

    /// Changes how a table's changes go to `stream`, if they ever did.
    pub(crate) async fn change_destination(
        &self,
        key: TableKey,
        stream: String,
        change: impl Fn(&Table, Option<&Destination>) -> Result<Destination, Error> + Send + 'static,
    ) -> Result<(), Error> {
        let set = move |_: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
            let made = change(table, table.destinations.get(&stream))?;
            table.destinations.insert(stream.clone(), made);
            Ok(())
        };
        self.alter(key, set).await
    }
}

/// Whatever is asked for, the text begins so.
pub(crate) fn invalid_state(why: &str) -> Error {
    Error::validation(format!("Table is not in a valid state to enable Kinesis Streaming Destination: {why}"))
}
