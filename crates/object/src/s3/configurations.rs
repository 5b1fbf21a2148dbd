//! What is configured of buckets: put, answered, removed. What a configuration does is elsewhere.

use super::table::Call;
use crate::configuration::{self, kind};
use crate::model::{Bucket, Encryption, Head, Versioning};
use crate::{Error, bucket, keys};
use fogbank_store::{Error as StoreError, Read as _, Tx};
use s3s::S3Request;
use s3s::dto::*;
use s3s::xml;
use std::collections::BTreeSet;

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

fn argument(message: impl Into<String>, name: &str, value: impl ToString) -> Error {
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

pub(super) async fn put_cors(
    call: &Call,
    request: S3Request<PutBucketCorsInput>,
) -> Result<PutBucketCorsOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let rules = &input.cors_configuration.cors_rules;
    if rules.is_empty() || rules.len() > 100 {
        return Err(Error::MalformedXml);
    }
    for rule in rules {
        if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
            return Err(Error::MalformedXml);
        }
        if let Some(method) = rule
            .allowed_methods
            .iter()
            .find(|method| !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method.as_str()))
        {
            return Err(Error::InvalidRequest(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        let twice = |texts: &[String]| texts.iter().find(|text| text.matches('*').count() > 1).cloned();
        if let Some(origin) = twice(&rule.allowed_origins) {
            return Err(Error::InvalidRequest(format!(
                "AllowedOrigin \"{origin}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = twice(rule.allowed_headers.as_deref().unwrap_or_default()) {
            return Err(Error::InvalidRequest(format!(
                "AllowedHeader \"{header}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = rule.expose_headers.iter().flatten().find(|header| header.contains('*')) {
            let text = format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            );
            return Err(Error::InvalidRequest(text));
        }
    }
    put(call, &bucket, kind::CORS, "", input.cors_configuration).await?;
    Ok(PutBucketCorsOutput::default())
}

pub(super) async fn get_cors(
    call: &Call,
    request: S3Request<GetBucketCorsInput>,
) -> Result<GetBucketCorsOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<CORSConfiguration> = get(call, &bucket, kind::CORS)?;
    let missing = Error::NoConfiguration("NoSuchCORSConfiguration", "The CORS configuration does not exist");
    Ok(GetBucketCorsOutput { cors_rules: Some(found.ok_or(missing)?.cors_rules) })
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

pub(super) async fn put_lifecycle(
    call: &Call,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> Result<PutBucketLifecycleConfigurationOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let mut configured = input.lifecycle_configuration.ok_or(Error::MalformedXml)?;
    if configured.rules.is_empty() || configured.rules.len() > 1000 {
        return Err(Error::MalformedXml);
    }
    for rule in &mut configured.rules {
        check_rule(rule)?;
        if rule.id.as_ref().is_none_or(String::is_empty) {
            rule.id = Some(call.objects.clock.uuid());
        }
    }
    let ids: BTreeSet<&Option<String>> = configured.rules.iter().map(|rule| &rule.id).collect();
    if ids.len() != configured.rules.len() {
        let id = configured.rules.iter().find_map(|rule| rule.id.clone()).unwrap_or_default();
        return Err(argument("Rule ID must be unique. Found same ID for more than one rule", "ID", id));
    }
    put(call, &bucket, kind::LIFECYCLE, "", configured).await?;
    let size = input.transition_default_minimum_object_size.unwrap_or_else(smallest_moved);
    Ok(PutBucketLifecycleConfigurationOutput { transition_default_minimum_object_size: Some(size) })
}

fn smallest_moved() -> TransitionDefaultMinimumObjectSize {
    TransitionDefaultMinimumObjectSize::from_static(TransitionDefaultMinimumObjectSize::ALL_STORAGE_CLASSES_128K)
}

fn check_rule(rule: &LifecycleRule) -> Result<(), Error> {
    if !["Enabled", "Disabled"].contains(&rule.status.as_str()) || rule.filter.is_some() == rule.prefix.is_some() {
        return Err(Error::MalformedXml);
    }
    if rule.id.as_ref().is_some_and(|id| id.len() > 255) {
        return Err(argument(
            "ID length should not exceed allowed limit of 255",
            "ID",
            rule.id.clone().unwrap_or_default(),
        ));
    }
    let acts = rule.expiration.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || rule.abort_incomplete_multipart_upload.is_some()
        || rule.transitions.as_ref().is_some_and(|list| !list.is_empty())
        || rule.noncurrent_version_transitions.as_ref().is_some_and(|list| !list.is_empty());
    if !acts {
        return Err(Error::InvalidRequest("At least one action needs to be specified in a rule".into()));
    }
    if let Some(filter) = &rule.filter {
        let parts = [
            filter.prefix.is_some(),
            filter.tag.is_some(),
            filter.and.is_some(),
            filter.object_size_greater_than.is_some(),
            filter.object_size_less_than.is_some(),
        ];
        if parts.into_iter().filter(|is_there| *is_there).count() > 1 {
            return Err(Error::MalformedXml);
        }
    }
    if let Some(expiration) = &rule.expiration {
        let given =
            [expiration.days.is_some(), expiration.date.is_some(), expiration.expired_object_delete_marker.is_some()];
        if given.into_iter().filter(|is_there| *is_there).count() != 1 {
            return Err(Error::MalformedXml);
        }
        if let Some(days) = expiration.days.filter(|days| *days <= 0) {
            return Err(argument("'Days' for Expiration action must be a positive integer", "Days", days));
        }
        if let Some(date) = expiration.date.clone().map(super::dto::from_time)
            && date.0 % 86_400_000 != 0
        {
            return Err(argument("'Date' must be at midnight GMT", "Date", super::dto::iso(date)));
        }
    }
    if let Some(days) =
        rule.noncurrent_version_expiration.as_ref().and_then(|it| it.noncurrent_days).filter(|days| *days <= 0)
    {
        let text = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer";
        return Err(argument(text, "NoncurrentDays", days));
    }
    if let Some(days) = rule
        .abort_incomplete_multipart_upload
        .as_ref()
        .and_then(|it| it.days_after_initiation)
        .filter(|days| *days <= 0)
    {
        let text = "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer";
        return Err(argument(text, "DaysAfterInitiation", days));
    }
    Ok(())
}

pub(super) async fn get_lifecycle(
    call: &Call,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> Result<GetBucketLifecycleConfigurationOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<BucketLifecycleConfiguration> = get(call, &bucket, kind::LIFECYCLE)?;
    let missing = Error::NoConfiguration("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(found.ok_or(missing)?.rules),
        transition_default_minimum_object_size: Some(smallest_moved()),
    })
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
