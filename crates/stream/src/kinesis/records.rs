//! Handlers for writing records.

use super::address::Address;
use super::faults::THROTTLED;
use super::shards::hash_key;
use crate::model::{Draft, REQUEST_BYTES, Stream, StreamKey};
use crate::place::Sequence;
use crate::{Distribution, Error, Streams, Written};
use fogbank_model::RequestContext;
use fogbank_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type State = Arc<Streams>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    data: Blob,
    partition_key: Option<String>,
    explicit_hash_key: Option<String>,
    sequence_number_for_ordering: Option<String>,
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutOutput {
    shard_id: String,
    sequence_number: String,
    encryption_type: Option<&'static str>,
}

/// What AWS says to whoever only wants to know whether a request would be let through.
pub(super) fn dry_run(asked: Option<bool>) -> Result<(), Fault> {
    match asked {
        Some(true) => Err(Fault::client(
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun parameter was set.",
        )),
        _ => Ok(()),
    }
}

fn encryption(encrypted: bool) -> Option<&'static str> {
    encrypted.then_some("KMS")
}

pub(super) async fn put(state: State, context: RequestContext, input: Put) -> Result<PutOutput, Fault> {
    let key = Address { name: input.stream_name, arn: input.stream_arn }.key(&context)?;
    let stream = state.stream(&key)?;
    let after = input.sequence_number_for_ordering.as_deref().map(|text| ordering(&key, text)).transpose()?;
    let entry =
        Entry { data: input.data, partition_key: input.partition_key, explicit_hash_key: input.explicit_hash_key };
    let draft = Draft { after: after.flatten(), ..draft(&state, &stream, entry, "")? };
    dry_run(input.dry_run)?;
    let mut results = state.put(&key, vec![draft]).await?;
    let written = results.pop().ok_or_else(|| Fault::internal("a record has no result"))??;
    let Written { shard, sequence, encrypted } = written;
    Ok(PutOutput { shard_id: shard, sequence_number: sequence.to_string(), encryption_type: encryption(encrypted) })
}

/// The number that a record's own must be greater than. Zero is less than all.
fn ordering(key: &StreamKey, text: &str) -> Result<Option<Sequence>, Error> {
    if text == "0" {
        return Ok(None);
    }
    let invalid = || {
        let (name, account) = (&key.name, &key.account);
        Error::invalid(format!(
            "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {name} under account {account} is invalid."
        ))
    };
    Sequence::parse(text).map(Some).ok_or_else(invalid)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    data: Blob,
    partition_key: Option<String>,
    explicit_hash_key: Option<String>,
}

/// The record that `entry`, which is at `path` of the request, is to become.
fn draft(state: &Streams, stream: &Stream, entry: Entry, path: &str) -> Result<Draft, Error> {
    let refused = |member: &str, value: &str, constraint: &str| {
        Error::Validation(format!(
            "1 validation error detected: Value{value} at '{path}{member}' failed to satisfy constraint: {constraint}"
        ))
    };
    let most = stream.max_record_kib as usize * 1024;
    if entry.data.0.len() > most {
        return Err(refused("data", "", &format!("Member must have length less than or equal to {most}")));
    }
    let partition_key = match (entry.partition_key, stream.distribution) {
        (Some(key), _) => key,
        (None, Distribution::Auto) => state.clock.uuid(),
        (None, Distribution::UserPartitionKey) => {
            return Err(refused("partitionKey", " null", "Member must not be null"));
        }
    };
    let too_large = |text: &str| {
        Error::invalid(format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    };
    let hash_key = entry.explicit_hash_key.as_deref().map(|text| hash_key(text).ok_or_else(|| too_large(text)));
    let hash_key = hash_key.transpose()?;
    Ok(Draft { data: entry.data.0, partition_key, hash_key, after: None })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutAll {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    records: Vec<Entry>,
    dry_run: Option<bool>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EntryOutput {
    sequence_number: Option<String>,
    shard_id: Option<String>,
    error_code: Option<&'static str>,
    error_message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutAllOutput {
    failed_record_count: usize,
    records: Vec<EntryOutput>,
    encryption_type: Option<&'static str>,
}

pub(super) async fn put_all(state: State, context: RequestContext, input: PutAll) -> Result<PutAllOutput, Fault> {
    let key = Address { name: input.stream_name, arn: input.stream_arn }.key(&context)?;
    let stream = state.stream(&key)?;
    let entries = input.records.into_iter().enumerate();
    let drafts: Vec<Draft> = entries
        .map(|(at, entry)| draft(&state, &stream, entry, &format!("records.{}.member.", at + 1)))
        .collect::<Result<_, _>>()?;
    if drafts.iter().map(Draft::size).sum::<usize>() > REQUEST_BYTES {
        return Err(Error::invalid(format!("Records size exceeds {} MB limit", REQUEST_BYTES >> 20)).into());
    }
    dry_run(input.dry_run)?;
    let results = state.put(&key, drafts).await?;
    let failed_record_count = results.iter().filter(|result| result.is_err()).count();
    let is_encrypted = results.iter().flatten().any(|written| written.encrypted);
    let records = results.into_iter().map(entry_output).collect();
    Ok(PutAllOutput { failed_record_count, records, encryption_type: encryption(is_encrypted) })
}

fn entry_output(result: Result<Written, Error>) -> EntryOutput {
    match result {
        Ok(written) => EntryOutput {
            sequence_number: Some(written.sequence.to_string()),
            shard_id: Some(written.shard),
            ..EntryOutput::default()
        },
        Err(error) => {
            let is_throttled = matches!(error, Error::Throttled(_));
            let error_code = Some(if is_throttled { THROTTLED } else { "InternalFailure" });
            EntryOutput { error_code, error_message: Some(error.to_string()), ..EntryOutput::default() }
        }
    }
}
