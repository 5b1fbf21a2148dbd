//! From a name or an ARN in a request to a table, and what is said of one that names none of the caller's. Each family of operations says
//! it in words of its own.

use crate::schema::TableKey;
use crate::{Error, create};
use fogbank_model::RequestContext;

/// The table that a request names, by its name or its ARN.
pub(super) fn table(context: &RequestContext, name: &str) -> Result<TableKey, Error> {
    if !name.starts_with("arn:") {
        create::check_name(name)?;
        return Ok(named(context, name));
    }
    let invalid = |what: &str| Error::validation(format!("1 validation error detected: Invalid {what} in '{name}'"));
    if !name.starts_with("arn:aws:") {
        return Err(invalid("AWS partition"));
    }
    let key = TableKey::of(name).ok_or_else(|| invalid("resource type"))?;
    if key.region != context.region {
        return Err(invalid("AWS region"));
    }
    if *key.arn().as_str() != *name {
        return Err(invalid("resource type"));
    }
    own(context, key)
}

/// The caller's table of that name.
pub(super) fn named(context: &RequestContext, name: &str) -> TableKey {
    TableKey { account: context.account.clone(), region: context.region.clone(), name: name.to_owned() }
}

/// What is of another account is not for the caller.
pub(super) fn own(context: &RequestContext, key: TableKey) -> Result<TableKey, Error> {
    match key.account == context.account {
        true => Ok(key),
        false => Err(denied()),
    }
}

pub(super) fn denied() -> Error {
    Error::Other("AccessDeniedException", "Access is denied".into())
}

/// What a request's `ResourceArn` names: a table, or a stream of one.
pub(super) struct Resource {
    pub table: TableKey,
    /// The stream's label.
    pub stream: Option<String>,
}

fn parse(arn: &str) -> Result<Resource, Error> {
    if !arn.starts_with("arn:") {
        return Err(Error::parameter(format!("ARNs must start with 'arn:': {arn}")));
    }
    let foreign = || Error::parameter(format!("Provided Arn is not a DynamoDB resource arn: {arn}"));
    let table = TableKey::of(arn).ok_or_else(foreign)?;
    let below = arn.splitn(3, '/').nth(2).unwrap_or_default();
    match below.split_once('/') {
        None if below.is_empty() => Ok(Resource { table, stream: None }),
        Some(("stream", label)) => Ok(Resource { table, stream: Some(label.to_owned()) }),
        Some(("index", _)) => Err(Error::parameter(format!(
            "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
        ))),
        _ => Err(foreign()),
    }
}

fn is_here(context: &RequestContext, arn: &str, table: &TableKey) -> bool {
    arn.starts_with("arn:aws:") && table.region == context.region
}

/// What a request about tags names.
pub(super) fn tagged(context: &RequestContext, arn: &str) -> Result<Resource, Error> {
    let found = parse(arn)?;
    if !is_here(context, arn, &found.table) {
        return Err(Error::validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}")));
    }
    own(context, found.table.clone()).map(|_| found)
}

/// What a request about resource policies names.
pub(super) fn guarded(context: &RequestContext, arn: &str) -> Result<Resource, Error> {
    let found = parse(arn)?;
    if !is_here(context, arn, &found.table) {
        return Err(Error::parameter(format!("Invalid resource Arn: {arn}")));
    }
    own(context, found.table.clone()).map(|_| found).map_err(|_| not_the_owner())
}

pub(super) fn not_the_owner() -> Error {
    Error::validation("This action is only supported by accounts that match the resource owner’s account.")
}
