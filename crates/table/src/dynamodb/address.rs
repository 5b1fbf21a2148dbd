//! From a name or an ARN in a request to a table.

use crate::schema::TableKey;
use crate::{Error, create};
use fogbank_model::RequestContext;

/// The table that a request names, by its name or its ARN.
pub(super) fn table(context: &RequestContext, name: &str) -> Result<TableKey, Error> {
    if name.starts_with("arn:") {
        let invalid = || Error::validation(format!("Invalid table ARN: {name}"));
        let key = TableKey::of(name).filter(|key| *key.arn().as_str() == *name).ok_or_else(invalid)?;
        return own(context, key, name);
    }
    create::check_name(name)?;
    Ok(TableKey { account: context.account.clone(), region: context.region.clone(), name: name.to_owned() })
}

fn own(context: &RequestContext, key: TableKey, arn: &str) -> Result<TableKey, Error> {
    if key.account == context.account && key.region == context.region {
        return Ok(key);
    }
    Err(Error::Other(
        "AccessDeniedException",
        format!("User is not authorized to perform this operation on resource: {arn}"),
    ))
}

/// The table that a request's `ResourceArn` names.
pub(super) fn resource(context: &RequestContext, arn: &str) -> Result<TableKey, Error> {
    let is_table = |key: &TableKey| *key.arn().as_str() == *arn;
    own(context, TableKey::of(arn).filter(is_table).ok_or_else(|| no_resource(arn))?, arn)
}

/// The table that what a request's `ResourceArn` names belongs to: the table itself, or its stream.
pub(super) fn within(context: &RequestContext, arn: &str) -> Result<TableKey, Error> {
    own(context, TableKey::of(arn).ok_or_else(|| no_resource(arn))?, arn)
}

fn no_resource(arn: &str) -> Error {
    Error::validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}"))
}
