//! Object lock: retention and legal holds.

use super::dto::from_time;
use super::table::Call;
use crate::Error;
use crate::model::{Bucket, Retention};
use s3s::dto::Timestamp;

/// A retention as headers or a document ask for it.
pub(super) fn retention(
    call: &Call,
    bucket: &Bucket,
    mode: Option<&str>,
    until: Option<Timestamp>,
) -> Result<Option<Retention>, Error> {
    let invalid = |message: &str, value: &str| {
        Err(Error::InvalidArgument { message: message.into(), name: "x-amz-object-lock-mode".into(), value: value.into() })
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
