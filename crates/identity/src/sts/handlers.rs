//! Operations of STS.

use super::faults::StsError;
use super::shapes::{
    AccessKeyInfo, AssumeRole, AssumedRole, AssumedRoleUser, CallerIdentity, GetAccessKeyInfo, GetCallerIdentity,
    GetSessionToken, SessionToken,
};
use crate::model::AccessKey;
use crate::tables::ACCESS_KEYS;
use crate::{Error, Identity, roles};
use fogbank_model::{AccountId, Arn, Caller, RequestContext};
use fogbank_store::Read;
use std::sync::Arc;
use std::time::Duration;

/// A session that another role's session begins lasts at most an hour.
const CHAINED_SESSION: u64 = 3600;
const ROLE_SESSION: u64 = 3600;
const USER_SESSION: u64 = 12 * 3600;

pub(crate) async fn get_caller_identity(
    identity: Arc<Identity>,
    context: RequestContext,
    _: GetCallerIdentity,
) -> Result<CallerIdentity, StsError> {
    let (user_id, arn) = describe(&identity, &context)?;
    Ok(CallerIdentity { user_id, account: context.account.to_string(), arn })
}

/// The unique id and the ARN of who calls.
fn describe(identity: &Identity, context: &RequestContext) -> Result<(String, String), Error> {
    let account = &context.account;
    match &context.caller {
        Caller::Root => Ok((account.to_string(), Arn::global("iam", account, "root").to_string())),
        Caller::User { arn, id } => Ok((id.clone(), arn.to_string())),
        Caller::Role { role, session } => {
            let id = role_id(identity, role)?;
            Ok((format!("{id}:{session}"), assumed_role_arn(account, role, session).to_string()))
        }
        Caller::Service(name) => Ok(((*name).into(), (*name).into())),
    }
}

fn role_name(role: &Arn) -> &str {
    role.resource().rsplit('/').next().unwrap_or_default()
}

/// The id of a role; a function may act as one that has no record.
fn role_id(identity: &Identity, role: &Arn) -> Result<String, Error> {
    let account: AccountId =
        role.account().parse().map_err(|_| Error::InvalidInput(format!("{role} names no account")))?;
    match identity.look(|state| roles::get(state, &account, role_name(role))) {
        Ok(role) => Ok(role.id),
        Err(Error::NoSuchEntity(_)) => Ok(identity.signer.derived_role_id(role)),
        Err(why) => Err(why),
    }
}

fn assumed_role_arn(account: &AccountId, role: &Arn, session: &str) -> Arn {
    Arn::global("sts", account, &format!("assumed-role/{}/{session}", role_name(role)))
}

pub(crate) async fn assume_role(
    identity: Arc<Identity>,
    context: RequestContext,
    input: AssumeRole,
) -> Result<AssumedRole, StsError> {
    if input.policy.is_some() || input.policy_arns.is_some() {
        return Err(Error::InvalidInput("Fogbank does not support session policies yet; leave them out.".into()).into());
    }
    if input.source_identity.is_some() {
        return Err(Error::InvalidInput("Fogbank does not support source identities yet; leave it out.".into()).into());
    }
    let invalid = |_| Error::InvalidInput(format!("{} is invalid", input.role_arn));
    let arn: Arn = input.role_arn.parse().map_err(invalid)?;
    let account: AccountId = arn.account().parse().map_err(invalid)?;
    let role = match identity.look(|state| roles::get(state, &account, role_name(&arn))) {
        Ok(role) if role.arn == arn && (account == context.account || trusts(&role.trust, &context.account)) => role,
        Ok(_) | Err(Error::NoSuchEntity(_)) => return Err(denied(&identity, &context, &arn)?.into()),
        Err(why) => return Err(why.into()),
    };
    let chained = matches!(context.caller, Caller::Role { .. });
    let seconds = input.duration_seconds.unwrap_or(ROLE_SESSION);
    let longest = u64::try_from(role.longest_session).unwrap_or(ROLE_SESSION);
    if chained && seconds > CHAINED_SESSION {
        let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(Error::InvalidInput(text.into()).into());
    }
    if seconds > longest {
        let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(Error::InvalidInput(text.into()).into());
    }
    let session = input.role_session_name;
    let caller = Caller::Role { role: arn.clone(), session: session.clone() };
    let credentials = identity.credentials(account.clone(), &caller, Duration::from_secs(seconds))?;
    let assumed_role_user = AssumedRoleUser {
        assumed_role_id: format!("{}:{session}", role.id),
        arn: assumed_role_arn(&account, &arn, &session).to_string(),
    };
    Ok(AssumedRole { credentials: credentials.into(), assumed_role_user })
}

/// Whether a role's trust policy names `account`, which every caller from outside of the role's own needs. Nothing else of the policy is
/// evaluated yet.
fn trusts(policy: &str, account: &AccountId) -> bool {
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap_or_default();
    let listed = |value: &serde_json::Value| match value {
        serde_json::Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let names = |principal: &serde_json::Value| {
        let text = principal.as_str().unwrap_or_default();
        text == "*" || text == account.as_str() || text.starts_with(&format!("arn:aws:iam::{account}:"))
    };
    listed(&policy["Statement"]).iter().filter(|statement| statement["Effect"] == "Allow").any(|statement| {
        let principal = &statement["Principal"];
        principal == "*" || listed(&principal["AWS"]).iter().any(names)
    })
}

/// A role that is not there is not told apart from one that may not be assumed.
fn denied(identity: &Identity, context: &RequestContext, role: &Arn) -> Result<Error, Error> {
    let (_, caller) = describe(identity, context)?;
    Ok(Error::AccessDenied(format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}")))
}

pub(crate) async fn get_session_token(
    identity: Arc<Identity>,
    context: RequestContext,
    input: GetSessionToken,
) -> Result<SessionToken, StsError> {
    if let Caller::Role { .. } | Caller::Service(_) = context.caller {
        return Err(Error::AccessDenied("Cannot call GetSessionToken with session credentials".into()).into());
    }
    let duration = Duration::from_secs(input.duration_seconds.unwrap_or(USER_SESSION));
    let credentials = identity.credentials(context.account.clone(), &context.caller, duration)?;
    Ok(SessionToken { credentials: credentials.into() })
}

pub(crate) async fn get_access_key_info(
    identity: Arc<Identity>,
    _: RequestContext,
    input: GetAccessKeyInfo,
) -> Result<AccessKeyInfo, StsError> {
    let found = identity.look(|state| Ok(state.load::<AccessKey>(ACCESS_KEYS, input.access_key_id.as_bytes())?))?;
    let missing = || Error::InvalidInput("The access key id was not issued here, or is a temporary one.".into());
    Ok(AccessKeyInfo { account: found.ok_or_else(missing)?.account.to_string() })
}
