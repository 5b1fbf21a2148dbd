//! Copies. A whole file gets a second name, so that only what is cut out of one costs bytes.

use super::dto::{
    Asked, checksum_type, draft_of, etag, from_time, head_of, set_checksum, set_encryption, set_full_encryption, time,
};
use super::objects::{self, check_key, named_algorithm, version_id};
use super::reads::{Reading, Wanted, find};
use super::uploads::{add, part_number};
use super::{configurations, table::Call};
use crate::bodies::{Content, Fresh, Pieces, Receive, Received};
use crate::digest::Algorithm;
use crate::insert::{Body, New};
use crate::model::{self, Draft, Place};
use crate::precondition::{Conditions, WriteConditions};
use crate::upload::{self, LARGEST};
use crate::{Error, lifecycle, lookup};
use s3s::S3Request;
use s3s::dto::*;
use std::pin::Pin;

/// The source of a copy: bucket, key, version.
fn source(copy: &CopySource) -> Result<(&str, &str, Option<&str>), Error> {
    match copy {
        CopySource::Bucket { bucket, key, version_id } => Ok((bucket, key, version_id.as_deref())),
        _ => Err(Error::InvalidArgument {
            message: "Invalid copy source object key".into(),
            name: "x-amz-copy-source".into(),
            value: copy.format_to_string(),
        }),
    }
}

/// Finds what is to be copied, with both operations' members of the same names.
macro_rules! find_source {
    ($call:expr, $input:expr) => {{
        let (bucket, key, version) = source(&$input.copy_source)?;
        let wanted = Wanted {
            bucket,
            expected_owner: $input.expected_source_bucket_owner.as_deref(),
            key,
            version,
            conditions: Conditions::default(),
            range: None,
            part: None,
            customer: Asked {
                algorithm: None,
                key: None,
                bucket_key: None,
                customer_algorithm: $input.copy_source_sse_customer_algorithm.as_ref().map(|name| name.as_ref()),
                customer_key: $input.copy_source_sse_customer_key.as_deref(),
                customer_key_md5: $input.copy_source_sse_customer_key_md5.as_deref(),
            },
            method: "GET",
        };
        let reading = find($call, &wanted).map_err(|error| match error {
            Error::IsMarker { .. } => Error::InvalidRequest(
                "The source of a copy request may not specifically refer to a delete marker by version id.".into(),
            ),
            other => other,
        })?;
        let conditions = Conditions {
            matches: $input.copy_source_if_match.clone(),
            none_matches: $input.copy_source_if_none_match.clone(),
            modified_since: $input.copy_source_if_modified_since.clone().map(from_time),
            unmodified_since: $input.copy_source_if_unmodified_since.clone().map(from_time),
        };
        conditions.check_copy(&reading.version)?;
        if matches!(reading.version.head.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE")) {
            let text = "Operation is not valid for the source object's storage class";
            return Err(Error::InvalidObjectState(text));
        }
        reading
    }};
}

/// A copy of a body that is on disk.
struct Copied {
    body: Body,
    fresh: Vec<Fresh>,
    etag: String,
    checksum: Option<model::Checksum>,
}

pub(super) async fn copy(call: &Call, request: S3Request<CopyObjectInput>) -> Result<CopyObjectOutput, Error> {
    let input = request.input;
    check_key(&input.key)?;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let reading = find_source!(call, input);
    if reading.version.size > LARGEST {
        let text = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
        return Err(Error::InvalidRequest(text.into()));
    }
    let mut draft: Draft = draft_of!(call, &bucket, input);
    let replaces_head = input.metadata_directive.as_ref().is_some_and(|it| it.as_str() == "REPLACE");
    let replaces_tags = input.tagging_directive.as_ref().is_some_and(|it| it.as_str() == "REPLACE");
    check_changes(&input, &bucket, &reading, replaces_head)?;
    if !replaces_head {
        let asked = std::mem::take(&mut draft.head);
        draft.head = model::Head {
            website_redirect: asked.website_redirect,
            storage_class: asked.storage_class,
            encryption: asked.encryption,
            acl: asked.acl,
            ..reading.version.head.clone()
        };
    }
    if !replaces_tags {
        draft.tags = reading.version.tags.clone();
    }
    configurations::default_encryption(call, &bucket, &mut draft.head)?;
    let copied = copy_body(call, &reading, named_algorithm(input.checksum_algorithm.as_ref())?).await?;
    let new = New {
        draft,
        owner: call.context_in(&bucket).account,
        size: reading.version.size,
        etag: copied.etag,
        checksum: copied.checksum,
        body: copied.body,
        random: lookup::random(&*call.objects.clock),
    };
    let conditions = WriteConditions::default();
    let version = objects::commit(call, &bucket, &input.key, new, conditions, "ObjectCreated:Copy").await?;
    copied.fresh.into_iter().for_each(Fresh::keep);
    let mut result = CopyObjectResult {
        e_tag: etag(&version.etag),
        last_modified: Some(time(version.modified)),
        checksum_type: checksum_type(version.checksum.as_ref()),
        ..Default::default()
    };
    set_checksum!(result, &version.checksum);
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: version_id(&reading.bucket, &reading.version),
        expiration: lifecycle::expiration(&call.objects, &bucket, &input.key, &version),
        version_id: version_id(&bucket, &version),
        ..Default::default()
    };
    set_full_encryption!(output, &version.head.encryption);
    Ok(output)
}

/// A copy onto itself must change something.
fn check_changes(
    input: &CopyObjectInput,
    bucket: &model::Bucket,
    reading: &Reading,
    replaces_head: bool,
) -> Result<(), Error> {
    let (_, key, version) = source(&input.copy_source)?;
    let is_itself = reading.bucket.number == bucket.number && key == input.key && version.is_none();
    let changes = replaces_head
        || input.storage_class.is_some()
        || input.server_side_encryption.is_some()
        || input.sse_customer_key.is_some()
        || input.website_redirect_location.is_some()
        || input.checksum_algorithm.is_some();
    match is_itself && !changes {
        true => Err(Error::InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.".into(),
        )),
        false => Ok(()),
    }
}

/// Copies a body. It keeps its digests, unless it was uploaded in parts or a checksum of another kind is asked for.
async fn copy_body(call: &Call, reading: &Reading, asked: Option<Algorithm>) -> Result<Copied, Error> {
    let version = &reading.version;
    let kept = version.checksum.clone().filter(|sum| sum.full && asked.is_none_or(|asked| asked == sum.algorithm));
    let (clock, bodies) = (&*call.objects.clock, &call.objects.bodies);
    if let (Some(checksum), true) = (kept, version.parts == 0) {
        let etag = version.etag.clone();
        let checksum = Some(checksum);
        return Ok(match &version.place {
            Place::File(name) => {
                let fresh = bodies.link(clock, name).await?;
                Copied { body: Body::File(fresh.name().to_owned()), fresh: vec![fresh], etag, checksum }
            }
            _ => {
                let whole = reading.whole().unwrap_or_default().to_vec();
                Copied { body: Body::Inline(whole), fresh: Vec::new(), etag, checksum }
            }
        });
    }
    let algorithm = asked.or(version.checksum.as_ref().map(|sum| sum.algorithm)).unwrap_or(Algorithm::Crc64Nvme);
    let received = cut(call, reading, algorithm, true).await?;
    let (body, fresh) = match received.content {
        Content::Inline(bytes) => (Body::Inline(bytes.to_vec()), Vec::new()),
        Content::File(fresh) => (Body::File(fresh.name().to_owned()), vec![fresh]),
    };
    let value = received.digests.value(algorithm).unwrap_or_default().to_owned();
    Ok(Copied { body, fresh, etag: received.digests.etag(), checksum: New::full(algorithm, value) })
}

/// Writes what is read into a file of its own.
async fn cut(call: &Call, reading: &Reading, algorithm: Algorithm, inline: bool) -> Result<Received, Error> {
    let mut pieces = match reading.whole() {
        Some(whole) => Pieces::whole(whole),
        None => call.objects.bodies.read(reading.slices()),
    };
    let how = Receive { algorithms: vec![algorithm], limit: LARGEST, inline };
    call.objects.bodies.receive(&*call.objects.clock, Pin::new(&mut pieces), how).await
}

pub(super) async fn copy_part(
    call: &Call,
    request: S3Request<UploadPartCopyInput>,
) -> Result<UploadPartCopyOutput, Error> {
    let input = request.input;
    let number = part_number(input.part_number)?;
    let (bucket, upload) = call.objects.look(|state| {
        let bucket = call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let upload = upload::find(state, &bucket, &input.key, &input.upload_id)?;
        Ok((bucket, upload))
    })?;
    let mut reading = find_source!(call, input);
    if let Some(range) = &input.copy_source_range {
        (reading.from, reading.length) = copy_range(range, reading.version.size)?;
    }
    if reading.length > LARGEST {
        return Err(Error::TooLarge { size: reading.length, limit: LARGEST });
    }
    let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let received = cut(call, &reading, algorithm, false).await?;
    let value = received.digests.value(algorithm).unwrap_or_default().to_owned();
    let checksum = Some(model::Checksum { algorithm, value, full: true });
    let part = add(call, &bucket, (&input.key, &input.upload_id), number, received, checksum).await?;
    let mut result =
        CopyPartResult { e_tag: etag(&part.etag), last_modified: Some(time(part.modified)), ..Default::default() };
    set_checksum!(result, part.checksum.filter(|_| upload.algorithm.is_some()));
    let mut output = UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: version_id(&reading.bucket, &reading.version),
        ..Default::default()
    };
    set_encryption!(output, &upload.draft.head.encryption);
    Ok(output)
}

/// A copy's range has both ends, and both within the source.
fn copy_range(range: &str, size: u64) -> Result<(u64, u64), Error> {
    let parsed = range.strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
    });
    let (first, last) = parsed.filter(|(first, last)| first <= last).ok_or_else(|| Error::InvalidArgument {
        message: "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy".into(),
        name: "x-amz-copy-source-range".into(),
        value: range.into(),
    })?;
    if last >= size {
        return Err(Error::InvalidArgument {
            message: format!("Range specified is not valid for source object of size: {size}"),
            name: "x-amz-copy-source-range".into(),
            value: range.into(),
        });
    }
    Ok((first, last - first + 1))
}
