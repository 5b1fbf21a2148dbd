//! Handlers for batches: up to ten entries, each of which fails or succeeds by itself.

use super::address::queue;
use super::messages::{hide, sender, sent_output};
use super::shapes::{Batch, BatchOutput, Done, Failed, Handle, Send, SendOutput};
use crate::model::{BATCH, BATCH_BYTES};
use crate::send::size;
use crate::{Error, Queues};
use fogbank_model::RequestContext;
use fogbank_wire::Fault;
use std::collections::BTreeSet;
use std::sync::Arc;

type State = Arc<Queues>;

pub(super) async fn send(
    state: State,
    context: RequestContext,
    input: Batch<Send>,
) -> Result<BatchOutput<SendOutput>, Error> {
    let key = queue(&context, &input.queue_url)?;
    check_ids("SendMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut output = BatchOutput { successful: Vec::new(), failed: Vec::new() };
    let (mut drafts, mut answers) = (Vec::new(), Vec::new());
    for entry in input.entries {
        let id = entry.id.clone();
        match entry.into_draft() {
            Ok(draft) => {
                answers.push((id.clone(), sent_output(Some(id), &draft)));
                drafts.push(draft);
            }
            Err(error) => output.failed.push(failed(id, error)),
        }
    }
    let bytes = drafts.iter().map(size).sum::<usize>();
    if bytes > BATCH_BYTES {
        return Err(Error::BatchTooLong(bytes));
    }
    let results = state.send(&key, &sender(&context), drafts).await?;
    for ((id, answer), result) in answers.into_iter().zip(results) {
        match result {
            Ok(sent) => output.successful.push(answer(sent)),
            Err(error) => output.failed.push(failed(id, error)),
        }
    }
    Ok(output)
}

pub(super) async fn delete(
    state: State,
    context: RequestContext,
    input: Batch<Handle>,
) -> Result<BatchOutput<Done>, Error> {
    let key = queue(&context, &input.queue_url)?;
    check_ids("DeleteMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
    let (ids, handles) = input.entries.into_iter().map(|entry| (entry.id, entry.receipt_handle)).unzip();
    Ok(output(ids, state.delete_messages(&key, handles).await?))
}

pub(super) async fn change_visibility(
    state: State,
    context: RequestContext,
    input: Batch<Handle>,
) -> Result<BatchOutput<Done>, Error> {
    let key = queue(&context, &input.queue_url)?;
    check_ids("ChangeMessageVisibilityBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
    let ids: Vec<String> = input.entries.iter().map(|entry| entry.id.clone()).collect();
    let changes = input.entries.into_iter().map(hide).collect::<Result<Vec<_>, Error>>()?;
    Ok(output(ids, state.change_visibility(&key, changes).await?))
}

fn output(ids: Vec<String>, results: Vec<Result<(), Error>>) -> BatchOutput<Done> {
    let mut output = BatchOutput { successful: Vec::new(), failed: Vec::new() };
    for (id, result) in ids.into_iter().zip(results) {
        match result {
            Ok(()) => output.successful.push(Done { id }),
            Err(error) => output.failed.push(failed(id, error)),
        }
    }
    output
}

fn failed(id: String, error: Error) -> Failed {
    let fault = Fault::from(error);
    Failed { id, sender_fault: fault.status < 500, code: fault.code.into_owned(), message: fault.message }
}

fn check_ids<'i>(kind: &'static str, ids: impl ExactSizeIterator<Item = &'i str>) -> Result<(), Error> {
    if ids.len() == 0 {
        return Err(Error::EmptyBatch(kind));
    }
    if ids.len() > BATCH {
        return Err(Error::TooManyEntries(ids.len()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut seen = BTreeSet::new();
    for id in ids {
        if !(1..=80).contains(&id.len()) || !id.chars().all(plain) {
            return Err(Error::BadEntryId);
        }
        if !seen.insert(id) {
            return Err(Error::NotDistinct(id.to_owned()));
        }
    }
    Ok(())
}
