//! What is configured of buckets: put, answered, removed. What a configuration does is elsewhere.

use super::table::Call;
use crate::configuration::{self, kind};
use crate::model::{Bucket, Encryption, Head, Versioning};
use crate::{Error, bucket, keys};
use fogbank_store::Tx;
use s3s::S3Request;
use s3s::dto::*;
use s3s::xml;

/// Gives an object that names no encryption its bucket's.
pub(super) fn default_encryption(call: &Call, bucket: &Bucket, head: &mut Head) -> Result<(), Error> {
    if head.encryption != Encryption::default() {
        return Ok(());
    }
    let configured: Option<ServerSideEncryptionConfiguration> =
        call.objects.look(|state| Ok(configuration::get(state, bucket, kind::ENCRYPTION)?))?;
    let Some(rule) = configured.and_then(|configured| configured.rules.into_iter().next()) else { return Ok(()) };
    head.encryption.bucket_key = rule.bucket_key_enabled.filter(|enabled| *enabled);
    if let Some(default) = rule.apply_server_side_encryption_by_default {
        let name = default.sse_algorithm.as_str();
        head.encryption.algorithm = (name != "AES256").then(|| name.to_owned());
        head.encryption.key = default.kms_master_key_id;
    }
    Ok(())
}

/// The bucket that a request names, for a caller who may use it.
pub(super) fn own(call: &Call, name: &str, expected_owner: Option<&str>) -> Result<Bucket, Error> {
    call.objects.look(|state| call.bucket(state, name, expected_owner))
}

/// Keeps a configuration.
pub(super) async fn put<T>(call: &Call, bucket: &Bucket, kind: &'static str, id: &str, it: T) -> Result<(), Error>
where
    T: xml::Serialize + Send + Sync + 'static,
{
    let (name, id) = (bucket.name.clone(), id.to_owned());
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            Ok(configuration::put_one(tx, &bucket, kind, &id, &it)?)
        })
        .await
}

/// The configuration of a kind, if there is one.
pub(super) fn get<T>(call: &Call, bucket: &Bucket, kind: &str) -> Result<Option<T>, Error>
where
    T: for<'xml> xml::Deserialize<'xml>,
{
    call.objects.look(|state| Ok(configuration::get(state, bucket, kind)?))
}

/// Forgets a configuration.
async fn forget(call: &Call, bucket: &Bucket, kind: &'static str, id: &str) -> Result<(), Error> {
    let (name, id) = (bucket.name.clone(), id.to_owned());
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            tx.delete(keys::CONFIG, &keys::config(&bucket, kind, &id));
            Ok(())
        })
        .await
}

pub(super) fn argument(message: impl Into<String>, name: &str, value: impl ToString) -> Error {
    Error::InvalidArgument { message: message.into(), name: name.into(), value: value.to_string() }
}

/// An operation that removes a configuration.
macro_rules! deletes {
    ($($name:ident $input:ident $output:ident $kind:ident;)*) => {$(
        pub(super) async fn $name(call: &Call, request: S3Request<$input>) -> Result<$output, Error> {
            let input = request.input;
            let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
            forget(call, &bucket, kind::$kind, "").await?;
            Ok($output::default())
        }
    )*};
}

deletes! {
    delete_cors DeleteBucketCorsInput DeleteBucketCorsOutput CORS;
    delete_encryption DeleteBucketEncryptionInput DeleteBucketEncryptionOutput ENCRYPTION;
    delete_lifecycle DeleteBucketLifecycleInput DeleteBucketLifecycleOutput LIFECYCLE;
    delete_policy DeleteBucketPolicyInput DeleteBucketPolicyOutput POLICY;
    delete_replication DeleteBucketReplicationInput DeleteBucketReplicationOutput REPLICATION;
    delete_website DeleteBucketWebsiteInput DeleteBucketWebsiteOutput WEBSITE;
}

/// The four operations of a configuration that a bucket has many of.
macro_rules! with_ids {
    ($($kind:ident $list_member:ident $member:ident
        $put:ident $put_input:ident $put_output:ident
        $get:ident $get_input:ident $get_output:ident
        $delete:ident $delete_input:ident $delete_output:ident
        $list:ident $list_input:ident $list_output:ident;)*) => {$(
        pub(super) async fn $put(call: &Call, request: S3Request<$put_input>) -> Result<$put_output, Error> {
            let input = request.input;
            let bucket = own(call, &input.bucket, None)?;
            if input.id != input.$member.id {
                return Err(Error::InvalidRequest("The id in the request and the one in the configuration differ.".into()));
            }
            put(call, &bucket, kind::$kind, &input.id, input.$member).await?;
            Ok($put_output::default())
        }

        pub(super) async fn $get(call: &Call, request: S3Request<$get_input>) -> Result<$get_output, Error> {
            let input = request.input;
            let bucket = own(call, &input.bucket, None)?;
            let found =
                call.objects.look(|state| Ok(configuration::get_one(state, &bucket, kind::$kind, &input.id)?))?;
            let missing = Error::NoConfiguration("NoSuchConfiguration", "The specified configuration does not exist.");
            Ok($get_output { $member: Some(found.ok_or(missing)?) })
        }

        pub(super) async fn $delete(call: &Call, request: S3Request<$delete_input>) -> Result<$delete_output, Error> {
            let input = request.input;
            let bucket = own(call, &input.bucket, None)?;
            forget(call, &bucket, kind::$kind, &input.id).await?;
            Ok($delete_output::default())
        }

        pub(super) async fn $list(call: &Call, request: S3Request<$list_input>) -> Result<$list_output, Error> {
            let bucket = own(call, &request.input.bucket, None)?;
            let found = call.objects.look(|state| Ok(configuration::all(state, &bucket, kind::$kind)?))?;
            Ok($list_output { $list_member: Some(found), is_truncated: Some(false), ..Default::default() })
        }
    )*};
}

with_ids! {
    ANALYTICS analytics_configuration_list analytics_configuration
        put_analytics PutBucketAnalyticsConfigurationInput PutBucketAnalyticsConfigurationOutput
        get_analytics GetBucketAnalyticsConfigurationInput GetBucketAnalyticsConfigurationOutput
        delete_analytics DeleteBucketAnalyticsConfigurationInput DeleteBucketAnalyticsConfigurationOutput
        list_analytics ListBucketAnalyticsConfigurationsInput ListBucketAnalyticsConfigurationsOutput;
    INTELLIGENT_TIERING intelligent_tiering_configuration_list intelligent_tiering_configuration
        put_intelligent_tiering PutBucketIntelligentTieringConfigurationInput PutBucketIntelligentTieringConfigurationOutput
        get_intelligent_tiering GetBucketIntelligentTieringConfigurationInput GetBucketIntelligentTieringConfigurationOutput
        delete_intelligent_tiering DeleteBucketIntelligentTieringConfigurationInput DeleteBucketIntelligentTieringConfigurationOutput
        list_intelligent_tiering ListBucketIntelligentTieringConfigurationsInput ListBucketIntelligentTieringConfigurationsOutput;
    INVENTORY inventory_configuration_list inventory_configuration
        put_inventory PutBucketInventoryConfigurationInput PutBucketInventoryConfigurationOutput
        get_inventory GetBucketInventoryConfigurationInput GetBucketInventoryConfigurationOutput
        delete_inventory DeleteBucketInventoryConfigurationInput DeleteBucketInventoryConfigurationOutput
        list_inventory ListBucketInventoryConfigurationsInput ListBucketInventoryConfigurationsOutput;
    METRICS metrics_configuration_list metrics_configuration
        put_metrics PutBucketMetricsConfigurationInput PutBucketMetricsConfigurationOutput
        get_metrics GetBucketMetricsConfigurationInput GetBucketMetricsConfigurationOutput
        delete_metrics DeleteBucketMetricsConfigurationInput DeleteBucketMetricsConfigurationOutput
        list_metrics ListBucketMetricsConfigurationsInput ListBucketMetricsConfigurationsOutput;
}

pub(super) async fn put_encryption(
    call: &Call,
    request: S3Request<PutBucketEncryptionInput>,
) -> Result<PutBucketEncryptionOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let configured = input.server_side_encryption_configuration;
    let [rule] = configured.rules.as_slice() else { return Err(Error::MalformedXml) };
    let default = rule.apply_server_side_encryption_by_default.as_ref().ok_or(Error::MalformedXml)?;
    match default.sse_algorithm.as_str() {
        "aws:kms" | "aws:kms:dsse" => {}
        "AES256" if default.kms_master_key_id.is_none() => {}
        "AES256" => {
            let text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
            return Err(argument(text, "ApplyServerSideEncryptionByDefault", ""));
        }
        _ => return Err(Error::MalformedXml),
    }
    let mut configured = configured.clone();
    for rule in &mut configured.rules {
        rule.bucket_key_enabled.get_or_insert(false);
    }
    put(call, &bucket, kind::ENCRYPTION, "", configured).await?;
    Ok(PutBucketEncryptionOutput::default())
}

pub(super) async fn get_encryption(
    call: &Call,
    request: S3Request<GetBucketEncryptionInput>,
) -> Result<GetBucketEncryptionOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let standard = || {
        let sse_algorithm = ServerSideEncryption::from_static(ServerSideEncryption::AES256);
        let default = ServerSideEncryptionByDefault { kms_master_key_id: None, sse_algorithm };
        ServerSideEncryptionConfiguration {
            rules: vec![ServerSideEncryptionRule {
                apply_server_side_encryption_by_default: Some(default),
                bucket_key_enabled: Some(false),
            }],
        }
    };
    let found = get(call, &bucket, kind::ENCRYPTION)?;
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(found.unwrap_or_else(standard)) })
}

pub(super) async fn put_website(
    call: &Call,
    request: S3Request<PutBucketWebsiteInput>,
) -> Result<PutBucketWebsiteOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let configured = &input.website_configuration;
    match (&configured.redirect_all_requests_to, &configured.index_document) {
        (Some(_), None) if configured.error_document.is_none() && configured.routing_rules.is_none() => {}
        (Some(_), _) => {
            let text = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.";
            return Err(Error::InvalidRequest(text.into()));
        }
        (None, None) => {
            let text = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
            return Err(argument(text, "IndexDocument", "null"));
        }
        (None, Some(index)) if index.suffix.is_empty() || index.suffix.contains('/') => {
            return Err(argument("The IndexDocument Suffix is not well formed", "IndexDocument", &index.suffix));
        }
        (None, Some(_)) => {}
    }
    put(call, &bucket, kind::WEBSITE, "", input.website_configuration).await?;
    Ok(PutBucketWebsiteOutput::default())
}

pub(super) async fn get_website(
    call: &Call,
    request: S3Request<GetBucketWebsiteInput>,
) -> Result<GetBucketWebsiteOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<WebsiteConfiguration> = get(call, &bucket, kind::WEBSITE)?;
    let missing = Error::NoConfiguration(
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    );
    let found = found.ok_or(missing)?;
    Ok(GetBucketWebsiteOutput {
        error_document: found.error_document,
        index_document: found.index_document,
        redirect_all_requests_to: found.redirect_all_requests_to,
        routing_rules: found.routing_rules,
    })
}

pub(super) async fn put_replication(
    call: &Call,
    request: S3Request<PutBucketReplicationInput>,
) -> Result<PutBucketReplicationOutput, Error> {
    let mut input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    if bucket.versioning != Versioning::Enabled {
        let text = "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
        return Err(Error::InvalidRequest(text.into()));
    }
    for rule in &mut input.replication_configuration.rules {
        let target = rule.destination.bucket.rsplit(':').next().unwrap_or_default();
        let found = call.objects.look(|state| Ok(bucket::lookup(state, target)?))?;
        if found.is_none_or(|found| found.versioning != Versioning::Enabled) {
            return Err(Error::InvalidRequest("Destination bucket must have versioning enabled.".into()));
        }
        if rule.id.as_ref().is_none_or(String::is_empty) {
            rule.id = Some(call.objects.clock.uuid());
        }
    }
    put(call, &bucket, kind::REPLICATION, "", input.replication_configuration).await?;
    Ok(PutBucketReplicationOutput::default())
}

pub(super) async fn get_replication(
    call: &Call,
    request: S3Request<GetBucketReplicationInput>,
) -> Result<GetBucketReplicationOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found = get(call, &bucket, kind::REPLICATION)?;
    let missing =
        Error::NoConfiguration("ReplicationConfigurationNotFoundError", "The replication configuration was not found");
    Ok(GetBucketReplicationOutput { replication_configuration: Some(found.ok_or(missing)?) })
}

pub(super) async fn put_logging(
    call: &Call,
    request: S3Request<PutBucketLoggingInput>,
) -> Result<PutBucketLoggingOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    if let Some(target) = input.bucket_logging_status.logging_enabled.as_ref().map(|it| it.target_bucket.as_str()) {
        let found = call.objects.look(|state| Ok(bucket::lookup(state, target)?))?;
        if found.is_none_or(|found| found.owner != bucket.owner) {
            return Err(Error::InvalidTargetBucket(target.to_owned()));
        }
    }
    put(call, &bucket, kind::LOGGING, "", input.bucket_logging_status).await?;
    Ok(PutBucketLoggingOutput::default())
}

pub(super) async fn get_logging(
    call: &Call,
    request: S3Request<GetBucketLoggingInput>,
) -> Result<GetBucketLoggingOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<BucketLoggingStatus> = get(call, &bucket, kind::LOGGING)?;
    Ok(GetBucketLoggingOutput { logging_enabled: found.and_then(|found| found.logging_enabled) })
}

pub(super) async fn put_accelerate(
    call: &Call,
    request: S3Request<PutBucketAccelerateConfigurationInput>,
) -> Result<PutBucketAccelerateConfigurationOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    if bucket.name.contains('.') {
        let text = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names";
        return Err(Error::InvalidRequest(text.into()));
    }
    let status = input.accelerate_configuration.status.as_ref().map(|status| status.as_str());
    if !matches!(status, Some("Enabled" | "Suspended")) {
        return Err(Error::MalformedXml);
    }
    put(call, &bucket, kind::ACCELERATE, "", input.accelerate_configuration).await?;
    Ok(PutBucketAccelerateConfigurationOutput::default())
}

pub(super) async fn get_accelerate(
    call: &Call,
    request: S3Request<GetBucketAccelerateConfigurationInput>,
) -> Result<GetBucketAccelerateConfigurationOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<AccelerateConfiguration> = get(call, &bucket, kind::ACCELERATE)?;
    let status = found.and_then(|found| found.status);
    Ok(GetBucketAccelerateConfigurationOutput { status, ..Default::default() })
}

pub(super) async fn put_request_payment(
    call: &Call,
    request: S3Request<PutBucketRequestPaymentInput>,
) -> Result<PutBucketRequestPaymentOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    if !["Requester", "BucketOwner"].contains(&input.request_payment_configuration.payer.as_str()) {
        return Err(Error::MalformedXml);
    }
    put(call, &bucket, kind::REQUEST_PAYMENT, "", input.request_payment_configuration).await?;
    Ok(PutBucketRequestPaymentOutput::default())
}

pub(super) async fn get_request_payment(
    call: &Call,
    request: S3Request<GetBucketRequestPaymentInput>,
) -> Result<GetBucketRequestPaymentOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<RequestPaymentConfiguration> = get(call, &bucket, kind::REQUEST_PAYMENT)?;
    let payer = found.map_or_else(|| Payer::from_static(Payer::BUCKET_OWNER), |found| found.payer);
    Ok(GetBucketRequestPaymentOutput { payer: Some(payer) })
}
