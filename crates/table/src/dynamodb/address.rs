//! From a name or an ARN in a request to a table.

use crate::schema::TableKey;
use crate::{Error, create};
use fogbank_model::RequestContext;

/// The table that a request names, by its name or its ARN.
pub(super) fn table(context: &RequestContext, name: &str) -> Result<TableKey, Error> {
    if !name.starts_with("arn:") {
        create::check_name(name)?;
        return Ok(TableKey {
            account: context.account.clone(),
            region: context.region.clone(),
            name: name.to_owned(),
        });
    }
    let key = TableKey::of(name).ok_or_else(|| Error::validation(format!("Invalid table ARN: {name}")))?;
    if key.account != context.account || key.region != context.region {
        return Err(Error::Other(
            "AccessDeniedException",
            format!("User is not authorized to perform this operation on resource: {name}"),
        ));
    }
    Ok(key)
}

/// The table that a request's `ResourceArn` names.
pub(super) fn resource(context: &RequestContext, arn: &str) -> Result<TableKey, Error> {
    match TableKey::of(arn) {
        Some(_) => table(context, arn),
        None => Err(Error::validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}"))),
    }
}
