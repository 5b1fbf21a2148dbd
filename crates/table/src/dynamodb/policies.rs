//! Handlers for resource policies, which are kept and not evaluated.

use super::address::{self, Resource};
use super::shapes::settings::{OfPolicy, PolicyOutput, PutPolicy};
use crate::policy::{self, Policy};
use crate::schema::{Table, TableKey};
use crate::{Error, Tables};
use fogbank_model::RequestContext;
use fogbank_store::Tx;
use std::sync::Arc;

type State = Arc<Tables>;
/// A policy, and its revision.
type Kept = Option<(String, String)>;

pub(super) async fn put(state: State, context: RequestContext, input: PutPolicy) -> Result<PolicyOutput, Error> {
    let of = address::guarded(&context, &input.resource_arn)?;
    let policy = Policy::read(&input.policy, of.stream.is_some())?;
    if policy.shuts_out(context.account.as_str()) && !input.confirm_remove_self_resource_access {
        return Err(Error::Other(
            "AccessDeniedException",
            "The new resource policy will not allow you to update the resource policy in the future.".into(),
        ));
    }
    let (key, text, expected) = (of.table.clone(), policy.text(), input.expected_revision_id);
    let change = move |tx: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        let place = policy_of(table, key, &of)?;
        check_revision(key, place, expected.as_deref())?;
        let revision = match &*place {
            // What says the same is no change.
            Some((same, revision)) if *same == text => revision.clone(),
            kept => next_revision(kept, tx.now().0),
        };
        *place = Some((text.clone(), revision.clone()));
        Ok(PolicyOutput { policy: None, revision_id: Some(revision) })
    };
    state.alter(key, change).await
}

/// The time of the change; two policies within a millisecond are two revisions.
fn next_revision(kept: &Kept, now: i64) -> String {
    let last = kept.as_ref().and_then(|(_, revision)| revision.parse::<i64>().ok());
    last.map_or(now, |last| now.max(last.saturating_add(1))).to_string()
}

/// Where the policy is of what a request names: the table, or the last stream that it had.
fn policy_of<'t>(table: &'t mut Table, key: &TableKey, of: &Resource) -> Result<&'t mut Kept, Error> {
    match &of.stream {
        None => Ok(&mut table.policy),
        Some(label) if table.last_stream.as_ref() == Some(label) => Ok(&mut table.stream_policy),
        Some(label) => Err(Error::NotFound(format!(
            "Requested resource not found: Stream: {label} not found for Table: {}",
            key.name
        ))),
    }
}

fn check_revision(key: &TableKey, kept: &Kept, expected: Option<&str>) -> Result<(), Error> {
    let Some(expected) = expected else { return Ok(()) };
    let name = &key.name;
    let why = match kept {
        None if expected == "NO_POLICY" => return Ok(()),
        Some((_, revision)) if revision == expected => return Ok(()),
        None => format!("table {name} has no associated policy."),
        Some((_, revision)) => {
            format!("the policy associated to target table {name} with revision id {revision} did not match.")
        }
    };
    Err(no_policy(&format!("Requested update for policy with revision id {expected}, but {why}")))
}

fn no_policy(what: &str) -> Error {
    Error::NoPolicy(format!("Resource-based policy not found for the provided ResourceArn: {what}"))
}

pub(super) async fn get(state: State, context: RequestContext, input: OfPolicy) -> Result<PolicyOutput, Error> {
    let of = address::guarded(&context, &input.resource_arn)?;
    let mut table = Arc::unwrap_or_clone(state.describe(&of.table)?);
    let kept = policy_of(&mut table, &of.table, &of)?.take();
    let (text, revision) = kept.ok_or_else(|| no_policy(&input.resource_arn))?;
    Ok(PolicyOutput { policy: Some(policy::shown(&text)), revision_id: Some(revision) })
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfPolicy) -> Result<PolicyOutput, Error> {
    let of = address::guarded(&context, &input.resource_arn)?;
    let key = of.table.clone();
    let change = move |_: &mut Tx<'_>, key: &TableKey, table: &mut Table| {
        let place = policy_of(table, key, &of)?;
        check_revision(key, place, input.expected_revision_id.as_deref())?;
        Ok(PolicyOutput { policy: None, revision_id: place.take().map(|(_, revision)| revision) })
    };
    state.alter(key, change).await
}
