//! Every failure as a client sees it. No wildcards: a new kind of error does not compile until it is mapped here. What S3's error documents
//! say beside code and text goes to `answer.rs` in a header, since `s3s` has no place for it.

use super::dto::http_date;
use crate::Error;
use crate::upload::{LARGEST, SMALLEST_PART};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode};

/// The header that carries the further elements of an error document, as JSON in base64. It never leaves the platform.
pub(super) const DETAILS: &str = "x-fogbank-error-details";

/// An error as the wire has it.
struct Fault {
    code: &'static str,
    status: u16,
    details: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

fn fault(code: &'static str, status: u16) -> Fault {
    Fault { code, status, details: Vec::new(), headers: Vec::new() }
}

impl Fault {
    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.push((name, value.to_string()));
        self
    }

    fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

fn fault_of(error: &Error) -> Fault {
    match error {
        Error::NoBucket(name) => fault("NoSuchBucket", 404).with("BucketName", name),
        Error::BucketOwned(name) => fault("BucketAlreadyOwnedByYou", 409).with("BucketName", name),
        Error::BucketTaken(name) => fault("BucketAlreadyExists", 409).with("BucketName", name),
        Error::BucketNotEmpty(name) | Error::BucketHasVersions(name) => {
            fault("BucketNotEmpty", 409).with("BucketName", name)
        }
        Error::InvalidBucketName(name) => fault("InvalidBucketName", 400).with("BucketName", name),
        Error::LocationConstraint(_) => fault("IllegalLocationConstraintException", 400),
        Error::InvalidLocation(name) => fault("InvalidLocationConstraint", 400).with("LocationConstraint", name),
        Error::NoKey { key, marker } => {
            let fault = fault("NoSuchKey", 404).with("Key", key);
            match marker {
                Some(id) => fault.header("x-amz-delete-marker", "true").header("x-amz-version-id", id),
                None => fault,
            }
        }
        Error::NoVersion { key, version } => fault("NoSuchVersion", 404).with("Key", key).with("VersionId", version),
        Error::InvalidVersion(version) => {
            fault("InvalidArgument", 400).with("ArgumentName", "versionId").with("ArgumentValue", version)
        }
        Error::IsMarker { method, version, modified } => fault("MethodNotAllowed", 405)
            .with("Method", method)
            .with("ResourceType", "DeleteMarker")
            .header("allow", "DELETE")
            .header("x-amz-delete-marker", "true")
            .header("x-amz-version-id", version)
            .header("last-modified", http_date(*modified)),
        Error::NoUpload(id) => fault("NoSuchUpload", 404).with("UploadId", id),
        Error::InvalidPart { upload, number, etag } => {
            fault("InvalidPart", 400).with("UploadId", upload).with("PartNumber", number).with("ETag", etag)
        }
        Error::InvalidPartOrder(upload) => fault("InvalidPartOrder", 400).with("UploadId", upload),
        Error::PartTooSmall { size, number, etag } => fault("EntityTooSmall", 400)
            .with("ProposedSize", size)
            .with("MinSizeAllowed", SMALLEST_PART)
            .with("PartNumber", number)
            .with("ETag", etag),
        Error::TooLarge { size, limit } => {
            let size = if *limit == LARGEST { (*size).max(LARGEST + 1) } else { *size };
            fault("EntityTooLarge", 400).with("ProposedSize", size).with("MaxSizeAllowed", limit)
        }
        Error::Precondition(name) => fault("PreconditionFailed", 412).with("Condition", name),
        Error::NotModified { etag, modified } => fault("NotModified", 304)
            .header("etag", format!("\"{etag}\""))
            .header("last-modified", http_date(*modified)),
        Error::NotImplemented(header) => fault("NotImplemented", 501).with("Header", header),
        Error::InvalidRange { range, size } => fault("InvalidRange", 416)
            .with("RangeRequested", range)
            .with("ActualObjectSize", size)
            .header("content-range", format!("bytes */{size}")),
        Error::InvalidPartNumber { asked, parts } => {
            fault("InvalidPartNumber", 416).with("PartNumberRequested", asked).with("ActualPartCount", parts)
        }
        Error::InvalidRequest(_) => fault("InvalidRequest", 400),
        Error::InvalidArgument { name, value, .. } => {
            fault("InvalidArgument", 400).with("ArgumentName", name).with("ArgumentValue", value)
        }
        Error::Denied | Error::Locked => fault("AccessDenied", 403),
        Error::NoConfiguration(code, _) => fault(code, 404),
        Error::MalformedXml => fault("MalformedXML", 400),
        Error::MalformedPolicy(_) => fault("MalformedPolicy", 400),
        Error::InvalidTag(_) => fault("InvalidTag", 400),
        Error::BadRequest(_) => fault("BadRequest", 400),
        Error::InvalidBucketState(_) => fault("InvalidBucketState", 409),
        Error::InvalidDigest(given) => fault("InvalidDigest", 400).with("Content-MD5", given),
        Error::BadDigest(..) => fault("BadDigest", 400),
        Error::ContentMismatch => fault("XAmzContentSHA256Mismatch", 400),
        Error::SignatureMismatch => fault("SignatureDoesNotMatch", 403),
        Error::IncompleteBody => fault("IncompleteBody", 400),
        Error::Body(_) => fault("InvalidRequest", 400),
        Error::RequestTimeout => fault("RequestTimeout", 400),
        Error::MetadataTooLarge(size) => fault("MetadataTooLarge", 400).with("Size", size).with("MaxSizeAllowed", 2048),
        Error::InvalidStorageClass(given) => fault("InvalidStorageClass", 400).with("StorageClassRequested", given),
        Error::NoAcls => fault("AccessControlListNotSupported", 400),
        Error::InvalidObjectState(_) => fault("InvalidObjectState", 403),
        Error::MethodNotAllowed => fault("MethodNotAllowed", 405),
        Error::InvalidTargetBucket(name) => fault("InvalidTargetBucketForLogging", 400).with("TargetBucket", name),
        Error::UnexpectedContent => fault("UnexpectedContent", 400),
        Error::MissingSecurityHeader(name) => fault("MissingSecurityHeader", 400).with("MissingHeaderName", name),
        Error::KeyTooLong(size) => fault("KeyTooLongError", 400).with("Size", size).with("MaxSizeAllowed", 1024),
        Error::Store(_) => fault("ServiceUnavailable", 503),
    }
}

/// The code that a failure has on the wire, for lists of failures.
pub(super) fn code_of(error: &Error) -> &'static str {
    fault_of(error).code
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        if let Error::Store(why) = &error {
            tracing::error!(%why, "the store failed");
        }
        let error = match error {
            // What `s3s` says of bodies that it checks.
            Error::Body(text) if text.contains("Sha256Mismatch") => Error::ContentMismatch,
            Error::Body(text) if text.contains("SignatureMismatch") => Error::SignatureMismatch,
            Error::Body(text) if text.to_lowercase().contains("incomplete") => Error::IncompleteBody,
            other => other,
        };
        let fault = fault_of(&error);
        let mut headers = HeaderMap::new();
        let details = serde_json::to_string(&fault.details).unwrap_or_default();
        let all = fault.headers.into_iter().chain([(DETAILS, BASE64.encode(details))]);
        for (name, value) in all {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let code = S3ErrorCode::from_bytes(fault.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
        let mut made = Self::with_message(code, error.to_string());
        made.set_status_code(StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        made.set_headers(headers);
        made
    }
}
