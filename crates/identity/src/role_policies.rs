//! What is in a role: inline policies, and attached managed ones.

use crate::aws_managed::AwsManaged;
use crate::model::quota;
use crate::{Error, document, policies, roles};
use fogbank_model::AccountId;
use fogbank_store::{Read, Tx};

pub(crate) fn put_inline(
    tx: &mut Tx<'_>,
    account: &AccountId,
    role: &str,
    policy: String,
    text: String,
) -> Result<(), Error> {
    roles::update(tx, account, role, |role| {
        document::check_permissions(&text)?;
        role.inline.insert(policy, text);
        let length: usize = role.inline.values().map(|text| document::length(text)).sum();
        if length > quota::INLINE_PER_ROLE {
            let (limit, name) = (quota::INLINE_PER_ROLE, &role.name);
            return Err(Error::LimitExceeded(format!("Maximum policy size of {limit} bytes exceeded for role {name}")));
        }
        Ok(())
    })
}

pub(crate) fn get_inline(state: &impl Read, account: &AccountId, role: &str, policy: &str) -> Result<String, Error> {
    roles::get(state, account, role)?.inline.remove(policy).ok_or_else(|| no_inline(policy))
}

pub(crate) fn delete_inline(tx: &mut Tx<'_>, account: &AccountId, role: &str, policy: &str) -> Result<(), Error> {
    roles::update(tx, account, role, |role| role.inline.remove(policy).map(drop).ok_or_else(|| no_inline(policy)))
}

fn no_inline(policy: &str) -> Error {
    Error::NoSuchEntity(format!("The role policy with name {policy} cannot be found."))
}

/// Attaching twice is once.
pub(crate) fn attach(tx: &mut Tx<'_>, account: &AccountId, role: &str, arn: &str) -> Result<(), Error> {
    let exists = AwsManaged::find(arn).is_some() || policies::get(tx, account, arn).is_ok();
    if !exists {
        roles::get(tx, account, role)?;
        return Err(Error::NoSuchEntity(format!("Policy {arn} does not exist or is not attachable.")));
    }
    roles::update(tx, account, role, |role| {
        role.attached.insert(arn.to_owned());
        if role.attached.len() > quota::POLICIES_PER_ROLE {
            let limit = quota::POLICIES_PER_ROLE;
            return Err(Error::LimitExceeded(format!("Cannot exceed quota for PoliciesPerRole: {limit}")));
        }
        Ok(())
    })
}

pub(crate) fn detach(tx: &mut Tx<'_>, account: &AccountId, role: &str, arn: &str) -> Result<(), Error> {
    roles::update(tx, account, role, |role| match role.attached.remove(arn) {
        true => Ok(()),
        false => Err(Error::no_policy(arn)),
    })
}
