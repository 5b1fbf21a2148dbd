//! Buckets themselves.

use super::acl;
use super::dto::{owner, time};
use super::table::Call;
use crate::Error;
use crate::bucket::{self, NewBucket};
use crate::configuration::{self, kind};
use crate::model::Versioning;
use fogbank_model::Region;
use fogbank_store::Tx;
use s3s::S3Request;
use s3s::dto::*;

/// The most buckets of a page.
const PAGE: usize = 10_000;

pub(super) async fn create(call: &Call, request: S3Request<CreateBucketInput>) -> Result<CreateBucketOutput, Error> {
    let input = request.input;
    if !bucket::is_valid_name(&input.bucket) {
        return Err(Error::InvalidBucketName(input.bucket));
    }
    let configured = input.create_bucket_configuration.as_ref();
    let constraint = configured.and_then(|configured| configured.location_constraint.as_ref()).map(|it| it.as_str());
    let region = region(&call.context.region, constraint.filter(|constraint| !constraint.is_empty()))?;
    let new = NewBucket {
        name: input.bucket.clone(),
        owner: call.context.account.clone(),
        region,
        object_lock: input.object_lock_enabled_for_bucket.unwrap_or_default(),
    };
    let ownership = input.object_ownership.clone();
    let headers = acl::Headers {
        canned: input.acl.as_ref().map(|acl| acl.as_str()),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let grants = headers.grants(&call.context.account, &call.context.account)?;
    let wants_grants = headers.canned.is_some_and(|canned| canned != "private") && grants.is_some();
    if wants_grants && ownership.as_ref().is_some_and(|ownership| ownership.as_str() == "BucketOwnerEnforced") {
        return Err(Error::InvalidBucketState(
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ));
    }
    let name = input.bucket.clone();
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let is_new = bucket::lookup(tx, &new.name)?.is_none();
            let bucket = bucket::create(tx, new.clone())?;
            if let Some(ownership) = ownership.clone().filter(|_| is_new) {
                let rules = vec![OwnershipControlsRule { object_ownership: ownership }];
                configuration::put(tx, &bucket, kind::OWNERSHIP, &OwnershipControls { rules })?;
            }
            if let Some(grants) = grants.as_ref().filter(|_| is_new) {
                let policy = AccessControlPolicy { grants: Some(grants.clone()), owner: Some(owner(&bucket.owner)) };
                configuration::put(tx, &bucket, kind::ACL, &policy)?;
            }
            Ok(())
        })
        .await?;
    Ok(CreateBucketOutput { location: Some(format!("/{name}")) })
}

/// Where a bucket is made: a constraint must be the endpoint's region, and in `us-east-1` there is none.
fn region(endpoint: &Region, constraint: Option<&str>) -> Result<Region, Error> {
    let home = Region::default_region();
    match constraint {
        None if *endpoint == home => Ok(home),
        None => Err(Error::LocationConstraint(
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.".into(),
        )),
        Some("EU") => "eu-west-1".parse().map_err(|_| Error::InvalidLocation("EU".into())),
        Some(given) => {
            let region: Region = given.parse().map_err(|_| Error::InvalidLocation(given.into()))?;
            let looks_right = given.split('-').count() >= 3 && given.ends_with(|c: char| c.is_ascii_digit());
            if !looks_right || region == home {
                return Err(Error::InvalidLocation(given.into()));
            }
            // An endpoint of us-east-1 makes buckets anywhere.
            if *endpoint != home && *endpoint != region {
                return Err(Error::LocationConstraint(format!(
                    "The {given} location constraint is incompatible for the region specific endpoint this request was sent to."
                )));
            }
            Ok(region)
        }
    }
}

pub(super) async fn delete(call: &Call, request: S3Request<DeleteBucketInput>) -> Result<DeleteBucketOutput, Error> {
    let input = request.input;
    let found = call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let current = bucket::find(tx, &found.name)?;
            bucket::delete(tx, &current)
        })
        .await?;
    Ok(DeleteBucketOutput::default())
}

pub(super) async fn head(call: &Call, request: S3Request<HeadBucketInput>) -> Result<HeadBucketOutput, Error> {
    let input = request.input;
    let found = call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    Ok(HeadBucketOutput {
        bucket_region: Some(found.region.to_string()),
        access_point_alias: Some(false),
        ..Default::default()
    })
}

pub(super) async fn list(call: &Call, request: S3Request<ListBucketsInput>) -> Result<ListBucketsOutput, Error> {
    let input = request.input;
    let limit = input.max_buckets.map_or(PAGE, |most| usize::try_from(most).unwrap_or_default().min(PAGE));
    if input.max_buckets.is_some_and(|most| !(1..=10_000).contains(&most)) {
        return Err(Error::InvalidArgument {
            message: "Argument max-buckets must be an integer between 1 and 10000".into(),
            name: "max-buckets".into(),
            value: input.max_buckets.unwrap_or_default().to_string(),
        });
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.as_deref().map(super::lists::read_token).transpose()?;
    let account = &call.context.account;
    let mut buckets =
        call.objects.look(|state| bucket::owned(state, account, &prefix, after.as_deref(), usize::MAX))?;
    buckets.retain(|bucket| input.bucket_region.as_ref().is_none_or(|region| region == bucket.region.as_str()));
    let next =
        (buckets.len() > limit).then(|| buckets.get(limit - 1).map(|last| super::lists::token(&last.name))).flatten();
    let entry = |bucket: crate::model::Bucket| Bucket {
        bucket_region: Some(bucket.region.to_string()),
        creation_date: Some(time(bucket.created)),
        name: Some(bucket.name),
    };
    Ok(ListBucketsOutput {
        buckets: Some(buckets.into_iter().take(limit).map(entry).collect()),
        continuation_token: next,
        owner: Some(owner(account)),
        prefix: input.prefix,
    })
}

pub(super) async fn location(
    call: &Call,
    request: S3Request<GetBucketLocationInput>,
) -> Result<GetBucketLocationOutput, Error> {
    let input = request.input;
    let found = call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let constraint = (found.region != Region::default_region()).then(|| found.region.to_string().into());
    Ok(GetBucketLocationOutput { location_constraint: constraint })
}

pub(super) async fn put_versioning(
    call: &Call,
    request: S3Request<PutBucketVersioningInput>,
) -> Result<PutBucketVersioningOutput, Error> {
    let input = request.input;
    let wanted = input.versioning_configuration;
    let versioning = match wanted.status.as_ref().map(|status| status.as_str()) {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => return Err(Error::MalformedXml),
    };
    let mfa = wanted.mfa_delete.as_ref().map(|status| status.as_str() == "Enabled");
    let found = call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let mut bucket = bucket::find(tx, &found.name)?;
            if bucket.object_lock && versioning == Versioning::Suspended {
                let text = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.";
                return Err(Error::InvalidBucketState(text));
            }
            bucket.versioning = versioning;
            bucket.mfa_delete = mfa.unwrap_or(bucket.mfa_delete);
            Ok(bucket::save(tx, &bucket)?)
        })
        .await?;
    Ok(PutBucketVersioningOutput::default())
}

pub(super) async fn get_versioning(
    call: &Call,
    request: S3Request<GetBucketVersioningInput>,
) -> Result<GetBucketVersioningOutput, Error> {
    let input = request.input;
    let found = call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let status = match found.versioning {
        Versioning::Never => None,
        Versioning::Enabled => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
        Versioning::Suspended => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED)),
    };
    let mfa_delete = found.mfa_delete.then(|| MFADeleteStatus::from_static(MFADeleteStatus::ENABLED));
    Ok(GetBucketVersioningOutput { status, mfa_delete })
}
