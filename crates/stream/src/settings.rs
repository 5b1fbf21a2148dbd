//! What can be changed of a stream: retention, tags, mode, encryption, metrics, its policy, the size of its records.

use crate::create::{count_on_demand, count_shards};
use crate::model::{Consumer, DAY_MS, Distribution, LONGEST_RETENTION_H, Mode, RETENTION_H, Stream, StreamKey, TAGS};
use crate::{Error, Streams, find, keys};
use fogbank_model::Timestamp;
use fogbank_store::{Read, Tx};
use std::collections::{BTreeMap, BTreeSet};

/// How often a stream's mode may be changed in 24 hours.
const SWITCHES: usize = 2;

/// The metrics that `ALL` stands for.
pub(crate) const METRICS: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

/// What a policy or tags belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub stream: StreamKey,
    /// The name of one of its consumers, and the whole ARN.
    pub consumer: Option<(String, String)>,
}

impl Streams {
    async fn change<T: Send + 'static>(
        &self,
        key: &StreamKey,
        mut change: impl FnMut(&mut Stream, Timestamp) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| -> Result<T, Error> {
            let mut stream = find(tx, &key)?;
            let result = change(&mut stream, tx.now())?;
            tx.save(keys::STREAM, &keys::stream(&key), &stream)?;
            Ok(result)
        };
        self.store.transact(change).await
    }

    /// Keeps records for `hours`; `longer` says that this is meant to be more than before. A shorter time makes older records unreadable at
    /// once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Store`].
    pub async fn retain(&self, key: &StreamKey, hours: i64, longer: bool) -> Result<(), Error> {
        let name = key.name.clone();
        let retain = move |stream: &mut Stream, now| {
            let before = i64::from(stream.retention_h);
            let problem = if longer && hours < before {
                format!(
                    "Requested retention period ({hours} hours) for stream {name} can not be shorter than existing retention period \
                     ({before} hours). Use DecreaseRetentionPeriod API."
                )
            } else if !longer && hours > before {
                format!(
                    "Requested retention period ({hours} hours) for stream {name} can not be longer than existing retention period \
                     ({before} hours). Use IncreaseRetentionPeriod API."
                )
            } else if hours < RETENTION_H.into() {
                format!(
                    "Minimum allowed retention period is {RETENTION_H} hours. Requested retention period ({hours} hours) is too short."
                )
            } else if hours > LONGEST_RETENTION_H.into() {
                format!(
                    "Maximum allowed retention period is {LONGEST_RETENTION_H} hours. Requested retention period ({hours} hours) is \
                     too long."
                )
            } else {
                // What is too old now stays so, also if the time is made longer again; and what was too old before.
                stream.floor = stream.horizon(now).time();
                stream.retention_h = u32::try_from(hours).unwrap_or(RETENTION_H);
                stream.floor = stream.floor.max(stream.horizon(now).time());
                return Ok(());
            };
            Err(Error::Invalid(problem))
        };
        self.change(key, retain).await
    }

    /// Sets the KMS key that the stream is said to be encrypted with; `None` ends it. Records are kept as they are: the disk's encryption
    /// is not the platform's.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn encrypt(&self, key: &StreamKey, kms_key: Option<String>) -> Result<(), Error> {
        self.change(key, move |stream, _| {
            stream.kms_key.clone_from(&kms_key);
            Ok(())
        })
        .await
    }

    /// Switches shard-level metrics on or off. Answers those that were on and those that are.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn monitor(
        &self,
        key: &StreamKey,
        metrics: Vec<String>,
        on: bool,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>), Error> {
        let all = metrics.iter().any(|metric| metric == "ALL");
        let named: Vec<String> = if all { METRICS.map(str::to_owned).to_vec() } else { metrics };
        self.change(key, move |stream, _| {
            let before = stream.metrics.clone();
            for metric in &named {
                if on {
                    stream.metrics.insert(metric.clone());
                } else {
                    stream.metrics.remove(metric);
                }
            }
            Ok((before, stream.metrics.clone()))
        })
        .await
    }

    /// Sets the size of the largest record, in KiB.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn limit_records(&self, key: &StreamKey, kib: u32) -> Result<(), Error> {
        self.change(key, move |stream, _| {
            stream.max_record_kib = kib;
            Ok(())
        })
        .await
    }

    /// Sets who decides about records' shards.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn distribute(&self, key: &StreamKey, distribution: Distribution) -> Result<(), Error> {
        self.change(key, move |stream, _| {
            stream.distribution = distribution;
            Ok(())
        })
        .await
    }

    /// Sets what an on-demand stream is to be ready for, in MiB a second.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] for a provisioned stream, [`Error::Store`].
    pub async fn warm(&self, key: &StreamKey, mibps: u32) -> Result<(), Error> {
        self.change(key, move |stream, _| {
            if stream.mode != Mode::OnDemand {
                return Err(provisioned_is_not_warm());
            }
            stream.warm_mibps = Some(mibps);
            Ok(())
        })
        .await
    }

    /// Sets the mode, and what an on-demand stream is to be ready for. Shards stay as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Limit`], [`Error::Store`].
    pub async fn set_mode(&self, key: &StreamKey, mode: Mode, warm_mibps: Option<u32>) -> Result<(), Error> {
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut stream = find(tx, &key)?;
            if stream.mode != mode {
                let now = tx.now();
                stream.switched.retain(|at| now.0.saturating_sub(at.0) < DAY_MS);
                if stream.switched.len() >= SWITCHES {
                    return Err(Error::Limit(format!(
                        "The mode of stream {} under account {} has been switched {SWITCHES} times in the last 24 hours, which is the \
                         limit.",
                        key.name, key.account
                    )));
                }
                stream.switched.push(now);
                count_shards(tx, &key, stream.mode, stream.open_shards, 0)?;
                count_shards(tx, &key, mode, 0, stream.open_shards)?;
                count_on_demand(tx, &key, if mode == Mode::OnDemand { 1 } else { -1 })?;
            }
            stream.mode = mode;
            stream.warm_mibps = warm_mibps.or(stream.warm_mibps).filter(|_| mode == Mode::OnDemand);
            Ok(tx.save(keys::STREAM, &keys::stream(&key), &stream)?)
        };
        self.store.transact(change).await
    }

    /// Adds and takes away tags.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for more than 50, [`Error::Store`].
    pub(crate) async fn tag(
        &self,
        resource: Resource,
        add: BTreeMap<String, String>,
        remove: Vec<String>,
    ) -> Result<(), Error> {
        check_tags(&add)?;
        let (name, account) = (resource.stream.name.clone(), resource.stream.account.clone());
        let change = move |tags: &mut BTreeMap<String, String>, _: &mut Option<String>| {
            tags.retain(|key, _| !remove.contains(key));
            tags.extend(add.clone());
            if tags.len() > TAGS {
                return Err(Error::invalid(format!(
                    "Failed to add tags to stream {name} under account {account} because a given stream cannot have more than {TAGS} \
                     tags associated with it."
                )));
            }
            Ok(())
        };
        self.change_resource(resource, change).await
    }

    /// Sets the resource policy, or takes it away.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub(crate) async fn set_policy(&self, resource: Resource, policy: Option<String>) -> Result<(), Error> {
        let change = move |_: &mut BTreeMap<String, String>, kept: &mut Option<String>| {
            kept.clone_from(&policy);
            Ok(())
        };
        self.change_resource(resource, change).await
    }

    async fn change_resource(
        &self,
        resource: Resource,
        mut change: impl FnMut(&mut BTreeMap<String, String>, &mut Option<String>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut stream = find(tx, &resource.stream)?;
            match consumer_of(tx, &resource, &stream)? {
                Some(mut consumer) => {
                    change(&mut consumer.tags, &mut consumer.policy)?;
                    tx.save(keys::CONSUMER, &keys::consumer(stream.id, &consumer.name), &consumer)?;
                }
                None => {
                    change(&mut stream.tags, &mut stream.policy)?;
                    tx.save(keys::STREAM, &keys::stream(&resource.stream), &stream)?;
                }
            }
            Ok(())
        };
        self.store.transact(change).await
    }

    /// The tags and the policy of a stream or consumer.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub(crate) fn tags_and_policy(
        &self,
        resource: &Resource,
    ) -> Result<(BTreeMap<String, String>, Option<String>), Error> {
        self.store.read(|snapshot| {
            let stream = find(snapshot, &resource.stream)?;
            Ok(match consumer_of(snapshot, resource, &stream)? {
                Some(consumer) => (consumer.tags, consumer.policy),
                None => (stream.tags, stream.policy),
            })
        })
    }
}

/// Checks what tags are made of; the model has checked how long they are.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    let is_allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_./=+-%@:".contains(c);
    if tags.iter().any(|(key, value)| !key.chars().chain(value.chars()).all(is_allowed)) {
        return Err(Error::invalid(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.",
        ));
    }
    match tags.keys().find(|key| key.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("aws:"))) {
        Some(key) => Err(Error::invalid(format!("Tag keys must not begin with aws:, which is reserved: {key}"))),
        None => Ok(()),
    }
}

/// What is said of a throughput that a provisioned stream is to be ready for.
pub(crate) fn provisioned_is_not_warm() -> Error {
    Error::Validation("Warm throughput is supported for streams in ON_DEMAND mode only.".into())
}

/// The consumer that `resource` names, if it names one.
fn consumer_of(read: &impl Read, resource: &Resource, stream: &Stream) -> Result<Option<Consumer>, Error> {
    let Some((name, arn)) = &resource.consumer else { return Ok(None) };
    let found: Option<Consumer> = read.load(keys::CONSUMER, &keys::consumer(stream.id, name))?;
    let found = found.filter(|consumer| consumer.arn(&resource.stream) == *arn);
    let missing = || Error::NotFound(format!("Consumer {arn} not found."));
    found.map(Some).ok_or_else(missing)
}
