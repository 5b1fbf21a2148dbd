//! Managed policies and their versions: an account's own here, AWS's in [`crate::aws_managed`].

use crate::model::{Policy, PolicyVersion, Role, quota};
use crate::tables::{POLICIES, ROLES, all_of, named};
use crate::{Error, document};
use fogbank_model::{AccountId, Arn};
use fogbank_store::{Read, Tx};
use std::collections::BTreeMap;

/// A policy to be created.
#[derive(Debug, Clone)]
pub(crate) struct NewPolicy {
    pub id: String,
    pub name: String,
    pub path: String,
    pub document: String,
    pub description: Option<String>,
    pub tags: BTreeMap<String, String>,
}

pub(crate) fn create(tx: &mut Tx<'_>, account: &AccountId, new: NewPolicy) -> Result<Policy, Error> {
    check(&new.document)?;
    crate::roles::check_tags(&new.tags)?;
    let key = named(account, &new.name);
    if tx.get(POLICIES, &key)?.is_some() {
        let name = new.name;
        return Err(Error::AlreadyExists(format!(
            "A policy called {name} already exists. Duplicate names are not allowed."
        )));
    }
    let now = tx.now();
    let policy = Policy {
        arn: Arn::global("iam", account, &format!("policy{}{}", new.path, new.name)),
        id: new.id,
        name: new.name,
        path: new.path,
        created: now,
        updated: now,
        description: new.description,
        tags: new.tags,
        versions: vec![PolicyVersion { number: 1, document: new.document, created: now }],
        default: 1,
        next: 2,
    };
    tx.save(POLICIES, &key, &policy)?;
    Ok(policy)
}

fn check(text: &str) -> Result<(), Error> {
    document::check_permissions(text)?;
    if document::length(text) > quota::MANAGED_POLICY {
        return Err(Error::LimitExceeded(format!("Cannot exceed quota for PolicySize: {}", quota::MANAGED_POLICY)));
    }
    Ok(())
}

/// The account's own policy with this ARN.
pub(crate) fn get(state: &impl Read, account: &AccountId, arn: &str) -> Result<Policy, Error> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let found: Option<Policy> = state.load(POLICIES, &named(account, name))?;
    found.filter(|policy| policy.arn.as_str() == arn).ok_or_else(|| Error::no_policy(arn))
}

/// All of the account's own policies.
pub(crate) fn list(state: &impl Read, account: &AccountId) -> Result<Vec<Policy>, Error> {
    let policies = state.load_prefix::<Policy>(POLICIES, &all_of(account))?;
    Ok(policies.into_iter().map(|(_, policy)| policy).collect())
}

/// The roles that `arn` is attached to.
pub(crate) fn attached_to(state: &impl Read, account: &AccountId, arn: &str) -> Result<Vec<Role>, Error> {
    let roles = state.load_prefix::<Role>(ROLES, &all_of(account))?;
    Ok(roles.into_iter().map(|(_, role)| role).filter(|role| role.attached.contains(arn)).collect())
}

/// How many roles each attached policy is attached to, by ARN.
pub(crate) fn attachments(state: &impl Read, account: &AccountId) -> Result<BTreeMap<String, usize>, Error> {
    let mut counts = BTreeMap::new();
    for (_, role) in state.load_prefix::<Role>(ROLES, &all_of(account))? {
        for arn in role.attached {
            *counts.entry(arn).or_default() += 1;
        }
    }
    Ok(counts)
}

pub(crate) fn delete(tx: &mut Tx<'_>, account: &AccountId, arn: &str) -> Result<(), Error> {
    let policy = get(tx, account, arn)?;
    if !attached_to(tx, account, arn)?.is_empty() {
        return Err(Error::DeleteConflict("Cannot delete a policy attached to entities.".into()));
    }
    if policy.versions.len() > 1 {
        return Err(Error::DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy."
                .into(),
        ));
    }
    tx.delete(POLICIES, &named(account, &policy.name));
    Ok(())
}

pub(crate) fn create_version(
    tx: &mut Tx<'_>,
    account: &AccountId,
    arn: &str,
    document: String,
    default: bool,
) -> Result<PolicyVersion, Error> {
    check(&document)?;
    let mut policy = get(tx, account, arn)?;
    if policy.versions.len() >= quota::VERSIONS_PER_POLICY {
        return Err(Error::LimitExceeded(format!(
            "A managed policy can have up to {} versions. Before you create a new version, you must delete an existing version.",
            quota::VERSIONS_PER_POLICY
        )));
    }
    let version = PolicyVersion { number: policy.next, document, created: tx.now() };
    policy.versions.push(version.clone());
    policy.next += 1;
    policy.updated = tx.now();
    if default {
        policy.default = version.number;
    }
    tx.save(POLICIES, &named(account, &policy.name), &policy)?;
    Ok(version)
}

/// The version called `id`, such as `v3`.
pub(crate) fn version<'p>(policy: &'p Policy, id: &str) -> Result<&'p PolicyVersion, Error> {
    let number = id.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    let found = policy.versions.iter().find(|version| Some(version.number) == number);
    found.ok_or_else(|| no_version(policy.arn.as_str(), id))
}

pub(crate) fn no_version(arn: &str, id: &str) -> Error {
    Error::NoSuchEntity(format!("Policy {arn} version {id} does not exist or is not attachable."))
}

pub(crate) fn set_default(tx: &mut Tx<'_>, account: &AccountId, arn: &str, id: &str) -> Result<(), Error> {
    let mut policy = get(tx, account, arn)?;
    policy.default = version(&policy, id)?.number;
    policy.updated = tx.now();
    Ok(tx.save(POLICIES, &named(account, &policy.name), &policy)?)
}

pub(crate) fn delete_version(tx: &mut Tx<'_>, account: &AccountId, arn: &str, id: &str) -> Result<(), Error> {
    let mut policy = get(tx, account, arn)?;
    let number = version(&policy, id)?.number;
    if number == policy.default {
        return Err(Error::DeleteConflict("Cannot delete the default version of a policy.".into()));
    }
    policy.versions.retain(|version| version.number != number);
    Ok(tx.save(POLICIES, &named(account, &policy.name), &policy)?)
}
