//! Rules of buckets: for pages of other sites, and for what is old.

use super::configurations::{argument, get, own, put};
use super::table::Call;
use crate::Error;
use crate::configuration::kind;
use s3s::S3Request;
use s3s::dto::*;
use std::collections::BTreeSet;

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
        check_filter(filter)?;
    }
    if let Some(expiration) = &rule.expiration {
        check_expiration(expiration)?;
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

/// One condition; more stand in `And`.
fn check_filter(filter: &LifecycleRuleFilter) -> Result<(), Error> {
    let parts = [
        filter.prefix.is_some(),
        filter.tag.is_some(),
        filter.and.is_some(),
        filter.object_size_greater_than.is_some(),
        filter.object_size_less_than.is_some(),
    ];
    let is_one = parts.into_iter().filter(|is_there| *is_there).count() <= 1;
    if is_one { Ok(()) } else { Err(Error::MalformedXml) }
}

fn check_expiration(expiration: &LifecycleExpiration) -> Result<(), Error> {
    let given =
        [expiration.days.is_some(), expiration.date.is_some(), expiration.expired_object_delete_marker.is_some()];
    if given.into_iter().filter(|is_there| *is_there).count() != 1 {
        return Err(Error::MalformedXml);
    }
    if let Some(days) = expiration.days.filter(|days| *days <= 0) {
        return Err(argument("'Days' for Expiration action must be a positive integer", "Days", days));
    }
    match expiration.date.clone().map(super::dto::from_time) {
        Some(date) if date.0 % 86_400_000 != 0 => {
            Err(argument("'Date' must be at midnight GMT", "Date", super::dto::iso(date)))
        }
        _ => Ok(()),
    }
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
