//! What is said of who may reach a bucket: its policy, its public access block, and whose its objects are. Kept and answered.

use super::configurations::{get, own, put};
use super::table::Call;
use crate::configuration::{self, kind};
use crate::model::Bucket;
use crate::{Error, bucket, keys};
use fogbank_store::{Error as StoreError, Read as _, Tx};
use s3s::S3Request;
use s3s::dto::*;
use s3s::xml;

/// The configuration of a kind, or what new buckets have; `None` if it was removed.
fn with_default<T>(call: &Call, bucket: &Bucket, kind: &str, standard: T) -> Result<Option<T>, Error>
where
    T: for<'xml> xml::Deserialize<'xml>,
{
    if call.objects.look(|state| Ok(configuration::is_removed(state, bucket, kind)?))? {
        return Ok(None);
    }
    Ok(Some(get(call, bucket, kind)?.unwrap_or(standard)))
}

/// Removes what new buckets have.
async fn remove_default(call: &Call, bucket: &Bucket, kind: &'static str) -> Result<(), Error> {
    let name = bucket.name.clone();
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            configuration::remove_default(tx, &bucket, kind);
            Ok(())
        })
        .await
}

pub(super) async fn put_public_access(
    call: &Call,
    request: S3Request<PutPublicAccessBlockInput>,
) -> Result<PutPublicAccessBlockOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let given = input.public_access_block_configuration;
    let whole = PublicAccessBlockConfiguration {
        block_public_acls: Some(given.block_public_acls.unwrap_or_default()),
        block_public_policy: Some(given.block_public_policy.unwrap_or_default()),
        ignore_public_acls: Some(given.ignore_public_acls.unwrap_or_default()),
        restrict_public_buckets: Some(given.restrict_public_buckets.unwrap_or_default()),
    };
    put(call, &bucket, kind::PUBLIC_ACCESS, "", whole).await?;
    Ok(PutPublicAccessBlockOutput::default())
}

/// New buckets block everything; one whose configuration was deleted blocks nothing.
pub(super) async fn get_public_access(
    call: &Call,
    request: S3Request<GetPublicAccessBlockInput>,
) -> Result<GetPublicAccessBlockOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let all = PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    };
    let missing = Error::NoConfiguration(
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    );
    let found = with_default(call, &bucket, kind::PUBLIC_ACCESS, all)?.ok_or(missing)?;
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(found) })
}

pub(super) async fn delete_public_access(
    call: &Call,
    request: S3Request<DeletePublicAccessBlockInput>,
) -> Result<DeletePublicAccessBlockOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    remove_default(call, &bucket, kind::PUBLIC_ACCESS).await?;
    Ok(DeletePublicAccessBlockOutput::default())
}

pub(super) async fn put_ownership(
    call: &Call,
    request: S3Request<PutBucketOwnershipControlsInput>,
) -> Result<PutBucketOwnershipControlsOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let [rule] = input.ownership_controls.rules.as_slice() else { return Err(Error::MalformedXml) };
    if !["BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"].contains(&rule.object_ownership.as_str()) {
        return Err(Error::MalformedXml);
    }
    put(call, &bucket, kind::OWNERSHIP, "", input.ownership_controls).await?;
    Ok(PutBucketOwnershipControlsOutput::default())
}

pub(super) async fn get_ownership(
    call: &Call,
    request: S3Request<GetBucketOwnershipControlsInput>,
) -> Result<GetBucketOwnershipControlsOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let object_ownership = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
    let standard = OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] };
    let missing =
        Error::NoConfiguration("OwnershipControlsNotFoundError", "The bucket ownership controls were not found");
    let found = with_default(call, &bucket, kind::OWNERSHIP, standard)?.ok_or(missing)?;
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(found) })
}

pub(super) async fn delete_ownership(
    call: &Call,
    request: S3Request<DeleteBucketOwnershipControlsInput>,
) -> Result<DeleteBucketOwnershipControlsOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    remove_default(call, &bucket, kind::OWNERSHIP).await?;
    Ok(DeleteBucketOwnershipControlsOutput::default())
}

pub(super) async fn put_policy(
    call: &Call,
    request: S3Request<PutBucketPolicyInput>,
) -> Result<PutBucketPolicyOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    check_policy(&input.policy, &bucket)?;
    let name = bucket.name;
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            tx.put(keys::CONFIG, &keys::config(&bucket, kind::POLICY, ""), input.policy.as_bytes());
            Ok(())
        })
        .await?;
    Ok(PutBucketPolicyOutput::default())
}

fn check_policy(text: &str, bucket: &Bucket) -> Result<(), Error> {
    use Error::MalformedPolicy;
    let not_json = MalformedPolicy("Policies must be valid JSON and the first byte must be '{'");
    let document: serde_json::Value = serde_json::from_str(text).map_err(|_| not_json.clone())?;
    let document = document.as_object().ok_or(not_json)?;
    if let Some(version) = document.get("Version")
        && !["2012-10-17", "2008-10-17"].map(Some).contains(&version.as_str())
    {
        return Err(MalformedPolicy("The policy must contain a valid version string"));
    }
    let statements = document.get("Statement").ok_or(MalformedPolicy("Missing required field Statement"))?;
    let one = std::slice::from_ref(statements);
    let statements = statements.as_array().map_or(one, Vec::as_slice);
    if statements.is_empty() {
        return Err(MalformedPolicy("Could not parse the policy: Statement is empty!"));
    }
    let arn = format!("arn:aws:s3:::{}", bucket.name);
    for statement in statements {
        let has = |names: [&str; 2]| names.iter().any(|name| statement.get(*name).is_some());
        if !statement.get("Effect").is_some_and(|effect| effect == "Allow" || effect == "Deny") {
            return Err(MalformedPolicy("Missing required field Effect"));
        }
        if !has(["Principal", "NotPrincipal"]) {
            return Err(MalformedPolicy("Missing required field Principal"));
        }
        if !has(["Action", "NotAction"]) {
            return Err(MalformedPolicy("Missing required field Action"));
        }
        if !has(["Resource", "NotResource"]) {
            return Err(MalformedPolicy("Missing required field Resource"));
        }
        let resources = statement.get("Resource").into_iter().flat_map(|it| match it {
            serde_json::Value::Array(items) => items.iter().collect::<Vec<_>>(),
            other => vec![other],
        });
        for resource in resources {
            let fits = |text: &str| {
                text == "*" || text == arn || text.starts_with(&format!("{arn}/")) || text.starts_with("arn:aws:s3:::*")
            };
            if !resource.as_str().is_some_and(fits) {
                return Err(MalformedPolicy("Policy has invalid resource"));
            }
        }
    }
    Ok(())
}

/// The bucket's policy, as it was put.
fn policy(call: &Call, bucket: &Bucket) -> Result<Option<String>, Error> {
    let found = call.objects.look(|state| Ok(state.get(keys::CONFIG, &keys::config(bucket, kind::POLICY, ""))?))?;
    let damaged =
        |error: std::string::FromUtf8Error| StoreError::Damaged { table: keys::CONFIG.0, why: error.to_string() };
    Ok(found.map(String::from_utf8).transpose().map_err(damaged)?)
}

fn no_policy() -> Error {
    Error::NoConfiguration("NoSuchBucketPolicy", "The bucket policy does not exist")
}

pub(super) async fn get_policy(
    call: &Call,
    request: S3Request<GetBucketPolicyInput>,
) -> Result<GetBucketPolicyOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    Ok(GetBucketPolicyOutput { policy: Some(policy(call, &bucket)?.ok_or_else(no_policy)?) })
}

pub(super) async fn get_policy_status(
    call: &Call,
    request: S3Request<GetBucketPolicyStatusInput>,
) -> Result<GetBucketPolicyStatusOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let text = policy(call, &bucket)?.ok_or_else(no_policy)?;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let statements = document.get("Statement").cloned().unwrap_or_default();
    let statements = statements.as_array().cloned().unwrap_or_else(|| vec![statements]);
    let is_public = statements.iter().any(|statement| {
        let principal = statement.get("Principal");
        let everybody = principal.is_some_and(|it| {
            it == "*" || it.get("AWS").is_some_and(|aws| aws == "*" || *aws == serde_json::json!(["*"]))
        });
        everybody
            && statement.get("Effect").is_some_and(|effect| effect == "Allow")
            && statement.get("Condition").is_none()
    });
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public: Some(is_public) }) })
}
