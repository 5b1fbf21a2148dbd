//! Object lock: retention and legal holds.

use super::configurations::{get, own};
use super::dto::{from_time, time};
use super::table::Call;
use super::taggings::change;
use crate::configuration::{self, kind};
use crate::model::{Bucket, Retention, Version, Versioning};
use crate::{Error, bucket, lock, lookup};
use fogbank_store::Tx;
use s3s::S3Request;
use s3s::dto::*;

/// A retention as headers or a document ask for it.
pub(super) fn retention(
    call: &Call,
    bucket: &Bucket,
    mode: Option<&str>,
    until: Option<Timestamp>,
) -> Result<Option<Retention>, Error> {
    let invalid = |message: &str, value: &str| {
        Err(Error::InvalidArgument {
            message: message.into(),
            name: "x-amz-object-lock-mode".into(),
            value: value.into(),
        })
    };
    let (mode, until) = match (mode, until) {
        (None, None) => return Ok(None),
        (Some(mode), Some(until)) => (mode, from_time(until)),
        _ => {
            let text = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
            return invalid(text, mode.unwrap_or_default());
        }
    };
    if !bucket.object_lock {
        return Err(Error::InvalidRequest("Bucket is missing Object Lock Configuration".into()));
    }
    if !["GOVERNANCE", "COMPLIANCE"].contains(&mode) {
        return invalid("Unknown wormMode directive.", mode);
    }
    if until <= call.objects.clock.now() {
        return invalid("The retain until date must be in the future!", mode);
    }
    Ok(Some(Retention { mode: mode.to_owned(), until }))
}

/// A legal hold as headers or a document ask for it.
pub(super) fn hold(bucket: &Bucket, status: Option<&str>) -> Result<Option<bool>, Error> {
    let Some(status) = status else { return Ok(None) };
    if !bucket.object_lock {
        return Err(Error::InvalidRequest("Bucket is missing Object Lock Configuration".into()));
    }
    match status {
        "ON" => Ok(Some(true)),
        "OFF" => Ok(Some(false)),
        other => Err(Error::InvalidArgument {
            message: "Legal Hold must be either of 'ON' or 'OFF'".into(),
            name: "x-amz-object-lock-legal-hold".into(),
            value: other.into(),
        }),
    }
}

pub(super) fn hold_text(on: bool) -> String {
    if on { "ON".into() } else { "OFF".into() }
}

fn missing_lock() -> Error {
    Error::NoConfiguration(
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    )
}

fn needs_lock(bucket: &Bucket) -> Result<(), Error> {
    match bucket.object_lock {
        true => Ok(()),
        false => Err(Error::InvalidRequest("Bucket is missing Object Lock Configuration".into())),
    }
}

pub(super) async fn put_configuration(
    call: &Call,
    request: S3Request<PutObjectLockConfigurationInput>,
) -> Result<PutObjectLockConfigurationOutput, Error> {
    let input = request.input;
    let found = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let wanted = input.object_lock_configuration.ok_or(Error::MalformedXml)?;
    if wanted.object_lock_enabled.as_ref().is_none_or(|it| it.as_str() != "Enabled") {
        return Err(Error::MalformedXml);
    }
    if let Some(rule) = &wanted.rule {
        let default = rule.default_retention.as_ref().ok_or(Error::MalformedXml)?;
        let mode = default.mode.as_ref().map(|mode| mode.as_str());
        if !matches!(mode, Some("GOVERNANCE" | "COMPLIANCE")) || default.days.is_some() == default.years.is_some() {
            return Err(Error::MalformedXml);
        }
        if default.days.or(default.years).is_some_and(|length| length <= 0) {
            return Err(Error::InvalidArgument {
                message: "Default retention period must be a positive integer value.".into(),
                name: "DefaultRetention".into(),
                value: String::new(),
            });
        }
    }
    if found.versioning != Versioning::Enabled {
        let text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
        return Err(Error::InvalidBucketState(text));
    }
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let mut bucket = bucket::find(tx, &found.name)?;
            bucket.object_lock = true;
            bucket::save(tx, &bucket)?;
            Ok(configuration::put(tx, &bucket, kind::OBJECT_LOCK, &wanted)?)
        })
        .await?;
    Ok(PutObjectLockConfigurationOutput::default())
}

pub(super) async fn get_configuration(
    call: &Call,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> Result<GetObjectLockConfigurationOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    if !bucket.object_lock {
        return Err(Error::NoConfiguration(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ));
    }
    let enabled = || ObjectLockConfiguration {
        object_lock_enabled: Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED)),
        rule: None,
    };
    let found = get(call, &bucket, kind::OBJECT_LOCK)?.unwrap_or_else(enabled);
    Ok(GetObjectLockConfigurationOutput { object_lock_configuration: Some(found) })
}

pub(super) async fn put_retention(
    call: &Call,
    request: S3Request<PutObjectRetentionInput>,
) -> Result<PutObjectRetentionOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    needs_lock(&bucket)?;
    let asked = input.retention.unwrap_or_default();
    let mode = asked.mode.as_ref().map(|mode| mode.as_str().to_owned());
    if mode.as_deref().is_some_and(|mode| !["GOVERNANCE", "COMPLIANCE"].contains(&mode))
        || mode.is_some() != asked.retain_until_date.is_some()
    {
        return Err(Error::MalformedXml);
    }
    let wanted = retention(call, &bucket, mode.as_deref(), asked.retain_until_date)?;
    let bypass = input.bypass_governance_retention.unwrap_or_default();
    let set = move |tx: &mut Tx<'_>, version: &mut Version| {
        if !lock::may_change(version, wanted.as_ref(), tx.now(), bypass) {
            return Err(Error::Locked);
        }
        version.retention.clone_from(&wanted);
        Ok(())
    };
    change(call, &bucket, input.key, input.version_id, None, "PUT", set).await?;
    Ok(PutObjectRetentionOutput::default())
}

pub(super) async fn get_retention(
    call: &Call,
    request: S3Request<GetObjectRetentionInput>,
) -> Result<GetObjectRetentionOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    needs_lock(&bucket)?;
    let id = input.version_id.as_deref();
    let version = call.objects.look(|state| lookup::readable(state, &bucket, &input.key, id, "GET"))?;
    let found = version.retention.ok_or_else(missing_lock)?;
    let retention = ObjectLockRetention { mode: Some(found.mode.into()), retain_until_date: Some(time(found.until)) };
    Ok(GetObjectRetentionOutput { retention: Some(retention) })
}

pub(super) async fn put_hold(
    call: &Call,
    request: S3Request<PutObjectLegalHoldInput>,
) -> Result<PutObjectLegalHoldOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    needs_lock(&bucket)?;
    let status = input.legal_hold.and_then(|hold| hold.status).ok_or(Error::MalformedXml)?;
    let on = match status.as_str() {
        "ON" => true,
        "OFF" => false,
        _ => return Err(Error::MalformedXml),
    };
    let set = move |_: &mut Tx<'_>, version: &mut Version| {
        version.hold = Some(on);
        Ok(())
    };
    change(call, &bucket, input.key, input.version_id, None, "PUT", set).await?;
    Ok(PutObjectLegalHoldOutput::default())
}

pub(super) async fn get_hold(
    call: &Call,
    request: S3Request<GetObjectLegalHoldInput>,
) -> Result<GetObjectLegalHoldOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    needs_lock(&bucket)?;
    let id = input.version_id.as_deref();
    let version = call.objects.look(|state| lookup::readable(state, &bucket, &input.key, id, "GET"))?;
    let on = version.hold.ok_or_else(missing_lock)?;
    Ok(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status: Some(hold_text(on).into()) }) })
}
