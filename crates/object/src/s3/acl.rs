//! Access control lists: kept and answered. Nothing evaluates them yet; accounts are closed to each other.

use super::configurations::{get, own, put};
use super::dto::{canonical_id, owner};
use super::table::Call;
use super::taggings::change;
use crate::Error;
use crate::configuration::{self, kind};
use crate::lookup;
use crate::model::{self, Version};
use fogbank_model::AccountId;
use fogbank_store::Tx;
use s3s::S3Request;
use s3s::dto::*;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// What headers say of access.
#[derive(Default)]
pub(super) struct Headers<'a> {
    pub canned: Option<&'a str>,
    pub full_control: Option<&'a str>,
    pub read: Option<&'a str>,
    pub read_acp: Option<&'a str>,
    pub write: Option<&'a str>,
    pub write_acp: Option<&'a str>,
}

fn grant(grantee: Grantee, permission: &'static str) -> Grant {
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(permission)) }
}

fn user(account: &AccountId) -> Grantee {
    let whose = owner(account);
    Grantee {
        display_name: whose.display_name,
        email_address: None,
        id: whose.id,
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    }
}

fn group(uri: &str) -> Grantee {
    Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: Type::from_static(Type::GROUP),
        uri: Some(uri.to_owned()),
    }
}

/// What the owner has who says nothing else.
pub(super) fn private(account: &AccountId) -> Vec<Grant> {
    vec![grant(user(account), "FULL_CONTROL")]
}

/// The grants of a canned ACL.
fn canned(name: &str, account: &AccountId, bucket_owner: &AccountId) -> Result<Vec<Grant>, Error> {
    let mut grants = private(account);
    match name {
        "private" => {}
        "public-read" => grants.push(grant(group(ALL_USERS), "READ")),
        "public-read-write" => {
            grants.push(grant(group(ALL_USERS), "READ"));
            grants.push(grant(group(ALL_USERS), "WRITE"));
        }
        "authenticated-read" => grants.push(grant(group(AUTHENTICATED_USERS), "READ")),
        "aws-exec-read" => {}
        "bucket-owner-read" | "bucket-owner-full-control" if account == bucket_owner => {}
        "bucket-owner-read" => grants.push(grant(user(bucket_owner), "READ")),
        "bucket-owner-full-control" => grants.push(grant(user(bucket_owner), "FULL_CONTROL")),
        "log-delivery-write" => {
            grants.push(grant(group(LOG_DELIVERY), "WRITE"));
            grants.push(grant(group(LOG_DELIVERY), "READ_ACP"));
        }
        other => {
            return Err(Error::InvalidArgument {
                message: String::new(),
                name: "x-amz-acl".into(),
                value: other.into(),
            });
        }
    }
    Ok(grants)
}

/// The grantees in a header: `id="…", uri="…", emailAddress="…"`.
fn grantees(header: &str) -> Result<Vec<Grantee>, Error> {
    let invalid = |value: &str| Error::InvalidArgument {
        message: "Argument format not recognized".into(),
        name: "x-amz-grant".into(),
        value: value.into(),
    };
    let one = |part: &str| {
        let (key, value) = part.split_once('=').ok_or_else(|| invalid(part))?;
        let value = value.trim().trim_matches('"');
        match key.trim() {
            "id" if value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Grantee {
                display_name: None,
                email_address: None,
                id: Some(value.to_owned()),
                type_: Type::from_static(Type::CANONICAL_USER),
                uri: None,
            }),
            "id" => Err(Error::InvalidArgument {
                message: "Invalid id".into(),
                name: "CanonicalUser/ID".into(),
                value: value.into(),
            }),
            "uri" if [ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY].contains(&value) => Ok(group(value)),
            "uri" => Err(Error::InvalidArgument {
                message: "Invalid group uri".into(),
                name: "uri".into(),
                value: value.into(),
            }),
            "emailAddress" => Ok(Grantee {
                display_name: None,
                email_address: Some(value.to_owned()),
                id: None,
                type_: Type::from_static(Type::AMAZON_CUSTOMER_BY_EMAIL),
                uri: None,
            }),
            _ => Err(invalid(part)),
        }
    };
    header.split(',').filter(|part| !part.trim().is_empty()).map(one).collect()
}

impl Headers<'_> {
    fn listed(&self) -> [(Option<&str>, &'static str); 5] {
        [
            (self.full_control, "FULL_CONTROL"),
            (self.read, "READ"),
            (self.read_acp, "READ_ACP"),
            (self.write, "WRITE"),
            (self.write_acp, "WRITE_ACP"),
        ]
    }

    /// The grants that the headers ask for; `None` if they say nothing.
    pub fn grants(&self, account: &AccountId, bucket_owner: &AccountId) -> Result<Option<Vec<Grant>>, Error> {
        let has_list = self.listed().iter().any(|(header, _)| header.is_some());
        match self.canned {
            Some(_) if has_list => {
                Err(Error::InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed".into()))
            }
            Some(name) => canned(name, account, bucket_owner).map(Some),
            None if !has_list => Ok(None),
            None => {
                let mut grants = Vec::new();
                for (header, permission) in self.listed() {
                    for grantee in grantees(header.unwrap_or_default())? {
                        grants.push(grant(grantee, permission));
                    }
                }
                Ok(Some(grants))
            }
        }
    }

    /// The grants of an object to be made in `bucket`. Where the bucket's owner owns everything, there are none but the owner's.
    pub fn read_all(&self, call: &Call, bucket: &model::Bucket) -> Result<Option<String>, Error> {
        let account = call.context_in(bucket).account;
        let grants = self.grants(&account, &bucket.owner)?;
        let says_more = self.canned.is_none_or(|name| name != "private" && name != "bucket-owner-full-control");
        if grants.is_some() && says_more && is_enforced(call, bucket)? {
            return Err(Error::NoAcls);
        }
        grants.map(|grants| text(grants, &account)).transpose()
    }
}

/// A list as it is kept.
pub(super) fn text(grants: Vec<Grant>, account: &AccountId) -> Result<String, Error> {
    let policy = AccessControlPolicy { grants: Some(grants), owner: Some(owner(account)) };
    Ok(String::from_utf8_lossy(&configuration::to_xml(&policy)?).into_owned())
}

/// Whether the bucket was told to take no ACLs. S3 takes this for granted of new buckets; here it must be said.
pub(super) fn is_enforced(call: &Call, bucket: &model::Bucket) -> Result<bool, Error> {
    let controls: Option<OwnershipControls> =
        call.objects.look(|state| Ok(configuration::get(state, bucket, kind::OWNERSHIP)?))?;
    let rules = controls.map(|controls| controls.rules).unwrap_or_default();
    Ok(rules.iter().any(|rule| rule.object_ownership.as_str() == "BucketOwnerEnforced"))
}

/// Checks a list that came as a document.
pub(super) fn check(policy: &AccessControlPolicy, account: &AccountId) -> Result<Vec<Grant>, Error> {
    let is_own =
        policy.owner.as_ref().is_none_or(|given| given.id.as_ref().is_none_or(|id| *id == canonical_id(account)));
    if !is_own {
        return Err(Error::Denied);
    }
    let grants = policy.grants.clone().unwrap_or_default();
    for given in &grants {
        let grantee = given.grantee.as_ref().ok_or(Error::MalformedXml)?;
        let permission = given.permission.as_ref().map(|permission| permission.as_str());
        if !permission.is_some_and(|it| ["FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"].contains(&it)) {
            return Err(Error::MalformedXml);
        }
        if grantee.type_.as_str() == Type::GROUP {
            let uri = grantee.uri.as_deref().unwrap_or_default();
            grantees(&format!("uri=\"{uri}\""))?;
        }
    }
    Ok(grants)
}

macro_rules! headers_of {
    ($input:expr) => {
        Headers {
            canned: $input.acl.as_ref().map(|acl| acl.as_str()),
            full_control: $input.grant_full_control.as_deref(),
            read: $input.grant_read.as_deref(),
            read_acp: $input.grant_read_acp.as_deref(),
            write: $input.grant_write.as_deref(),
            write_acp: $input.grant_write_acp.as_deref(),
        }
    };
}

/// The grants that a request puts, in headers or in its document.
fn asked(
    headers: &Headers<'_>,
    policy: Option<&AccessControlPolicy>,
    bucket: &model::Bucket,
) -> Result<Vec<Grant>, Error> {
    match (headers.grants(&bucket.owner, &bucket.owner)?, policy) {
        (Some(_), Some(_)) => Err(Error::UnexpectedContent),
        (Some(grants), None) => Ok(grants),
        (None, Some(policy)) => check(policy, &bucket.owner),
        (None, None) => Err(Error::MissingSecurityHeader("x-amz-acl")),
    }
}

/// The body of a request without one comes as an empty document.
fn given(policy: Option<AccessControlPolicy>) -> Option<AccessControlPolicy> {
    policy.filter(|policy| policy.owner.is_some() || policy.grants.is_some())
}

pub(super) async fn put_of_bucket(
    call: &Call,
    request: S3Request<PutBucketAclInput>,
) -> Result<PutBucketAclOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let policy = given(input.access_control_policy.clone());
    let grants = asked(&headers_of!(input), policy.as_ref(), &bucket)?;
    if input.acl.as_ref().is_none_or(|acl| acl.as_str() != "private") && is_enforced(call, &bucket)? {
        return Err(Error::NoAcls);
    }
    let policy = AccessControlPolicy { grants: Some(grants), owner: Some(owner(&bucket.owner)) };
    put(call, &bucket, kind::ACL, "", policy).await?;
    Ok(PutBucketAclOutput::default())
}

pub(super) async fn get_of_bucket(
    call: &Call,
    request: S3Request<GetBucketAclInput>,
) -> Result<GetBucketAclOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<AccessControlPolicy> = get(call, &bucket, kind::ACL)?;
    let grants = found.map_or_else(|| Some(private(&bucket.owner)), |found| found.grants);
    Ok(GetBucketAclOutput { grants, owner: Some(owner(&bucket.owner)) })
}

pub(super) async fn put_of_object(
    call: &Call,
    request: S3Request<PutObjectAclInput>,
) -> Result<PutObjectAclOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let policy = given(input.access_control_policy.clone());
    let grants = asked(&headers_of!(input), policy.as_ref(), &bucket)?;
    let is_plain =
        input.acl.as_ref().is_some_and(|acl| ["private", "bucket-owner-full-control"].contains(&acl.as_str()));
    if !is_plain && is_enforced(call, &bucket)? {
        return Err(Error::NoAcls);
    }
    let text = text(grants, &bucket.owner)?;
    let set = move |_: &mut Tx<'_>, version: &mut Version| {
        version.head.acl = Some(text.clone());
        Ok(())
    };
    change(call, &bucket, input.key, input.version_id, Some("ObjectAcl:Put"), "PUT", set).await?;
    Ok(PutObjectAclOutput::default())
}

pub(super) async fn get_of_object(
    call: &Call,
    request: S3Request<GetObjectAclInput>,
) -> Result<GetObjectAclOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let id = input.version_id.as_deref();
    let version = call.objects.look(|state| lookup::readable(state, &bucket, &input.key, id, "GET"))?;
    let kept = version.head.acl.as_ref().map(|text| configuration::from_xml::<AccessControlPolicy>(text.as_bytes()));
    let grants = kept.transpose()?.map_or_else(|| Some(private(&version.owner)), |kept| kept.grants);
    Ok(GetObjectAclOutput { grants, owner: Some(owner(&version.owner)), request_charged: None })
}
