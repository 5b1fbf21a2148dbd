//! Multipart uploads.

use super::dto::{
    checked, checksum_type, content_md5, draft_of, etag, given_checksum, head_of, owner, set_checksum, set_encryption,
    set_full_encryption, time,
};
use super::lists::{encoder, limit};
use super::objects::{Claims, check_key, named_algorithm, receive, trailing_algorithm, version_id};
use super::{configurations, table::Call};
use crate::bodies::{Content, Received};
use crate::digest::Algorithm;
use crate::list::{self, Found, Page, Range, UPLOADS, after_all};
use crate::model::{self, Draft};
use crate::notify::{self, Cause, Event};
use crate::precondition::WriteConditions;
use crate::upload::{self, LAST_PART, Listed, NewUpload};
use crate::{Error, bucket, insert, keys, lifecycle, lookup};
use fogbank_store::{Error as StoreError, Read, Tx};
use s3s::dto::*;
use s3s::{S3Request, S3Response};
use std::ops::Bound;

pub(super) async fn create(
    call: &Call,
    request: S3Request<CreateMultipartUploadInput>,
) -> Result<CreateMultipartUploadOutput, Error> {
    let input = request.input;
    check_key(&input.key)?;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let mut draft: Draft = draft_of!(call, &bucket, input);
    configurations::default_encryption(call, &bucket, &mut draft.head)?;
    let algorithm = named_algorithm(input.checksum_algorithm.as_ref())?;
    let asked = input.checksum_type.as_ref().map(|asked| asked.as_str());
    let full = match (algorithm, asked) {
        (None, Some(_)) => {
            let text = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(Error::InvalidRequest(text.into()));
        }
        (None, None) => true,
        (Some(Algorithm::Crc64Nvme), Some("COMPOSITE")) => {
            let text = "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.";
            return Err(Error::InvalidRequest(text.into()));
        }
        (Some(one), Some("FULL_OBJECT")) if !one.combines() => {
            let name = one.name().to_lowercase();
            let text = format!("The FULL_OBJECT checksum type cannot be used with the {name} checksum algorithm.");
            return Err(Error::InvalidRequest(text));
        }
        (Some(one), asked) => asked == Some("FULL_OBJECT") || one == Algorithm::Crc64Nvme,
    };
    let new = NewUpload {
        owner: call.context_in(&bucket).account,
        draft,
        algorithm,
        full,
        random: lookup::random(&*call.objects.clock),
    };
    let (name, key) = (bucket.name.clone(), input.key.clone());
    let upload = call
        .objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            upload::create(tx, &bucket, &key, new.clone())
        })
        .await?;
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        checksum_algorithm: algorithm.map(|one| one.name().to_owned().into()),
        checksum_type: algorithm
            .map(|_| ChecksumType::from_static(if full { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE })),
        upload_id: Some(upload.id),
        ..Default::default()
    };
    set_full_encryption!(output, &upload.draft.head.encryption);
    Ok(output)
}

/// A part number that can be one.
pub(super) fn part_number(asked: i32) -> Result<u32, Error> {
    let number = u32::try_from(asked).ok().filter(|_| (1..=LAST_PART).contains(&asked));
    number.ok_or_else(|| Error::InvalidArgument {
        message: format!("Part number must be an integer between 1 and {LAST_PART}, inclusive"),
        name: "partNumber".into(),
        value: asked.to_string(),
    })
}

pub(super) async fn put_part(call: &Call, mut request: S3Request<UploadPartInput>) -> Result<UploadPartOutput, Error> {
    let body = request.input.body.take();
    let input = &request.input;
    let number = part_number(input.part_number)?;
    let (bucket, upload) = call.objects.look(|state| {
        let bucket = call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let upload = upload::find(state, &bucket, &input.key, &input.upload_id)?;
        Ok((bucket, upload))
    })?;
    let claims = Claims {
        md5: content_md5(input.content_md5.as_deref())?,
        checksum: given_checksum!(input)?.map(checked).transpose()?,
        algorithm: trailing_algorithm(&request).or(named_algorithm(input.checksum_algorithm.as_ref())?),
        length: input.content_length,
    };
    let given = claims.algorithm();
    if let (Some(expected), Some(actual)) = (upload.algorithm, given)
        && expected != actual
    {
        return Err(Error::InvalidRequest(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            expected.name().to_lowercase(),
            actual.name().to_lowercase()
        )));
    }
    // The object's checksum follows from the parts' checksums of the upload's algorithm.
    let kept = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let received = receive(call, &request, body, claims, Some(kept), false).await?;
    let sum_of = |algorithm: Algorithm| {
        let value = received.digests.value(algorithm)?.to_owned();
        Some(model::Checksum { algorithm, value, full: true })
    };
    let (checksum, answered) = (sum_of(kept), given.or(upload.algorithm).and_then(sum_of));
    let part = add(call, &bucket, (&input.key, &input.upload_id), number, received, checksum).await?;
    let mut output = UploadPartOutput { e_tag: etag(&part.etag), ..Default::default() };
    set_checksum!(output, &answered);
    set_full_encryption!(output, &upload.draft.head.encryption);
    Ok(output)
}

/// Adds what was received to an upload, which may have ended meanwhile, as its part `number`.
pub(super) async fn add(
    call: &Call,
    bucket: &model::Bucket,
    (key, id): (&str, &str),
    number: u32,
    received: Received,
    checksum: Option<model::Checksum>,
) -> Result<model::Part, Error> {
    let Content::File(fresh) = received.content else { return Err(Error::IncompleteBody) };
    let part = model::Part {
        number,
        size: received.size,
        etag: received.digests.etag(),
        modified: call.objects.clock.now(),
        checksum,
        file: fresh.name().to_owned(),
    };
    let (name, key, id, added) = (bucket.name.clone(), key.to_owned(), id.to_owned(), part.clone());
    let add = move |tx: &mut Tx<'_>| {
        let bucket = bucket::find(tx, &name)?;
        let upload = upload::find(tx, &bucket, &key, &id)?;
        upload::put_part(tx, &upload, &added)
    };
    call.objects.change(add).await?;
    fresh.keep();
    Ok(part)
}

pub(super) async fn complete(
    call: &Call,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Result<CompleteMultipartUploadOutput, Error> {
    let input = request.input;
    let bucket = call.objects.look(|state| {
        let bucket = call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref())?;
        upload::find(state, &bucket, &input.key, &input.upload_id)?;
        Ok(bucket)
    })?;
    let mut listed = Vec::new();
    for part in input.multipart_upload.clone().and_then(|list| list.parts).unwrap_or_default() {
        listed.push(Listed {
            number: part.part_number.ok_or(Error::MalformedXml)?,
            etag: part.e_tag.as_ref().ok_or(Error::MalformedXml)?.value().to_owned(),
            checksum: given_checksum!(part)?,
        });
    }
    let claims = upload::Claims {
        size: input.mpu_object_size.and_then(|size| u64::try_from(size).ok()),
        checksum: given_checksum!(input)?.map(checked).transpose()?,
    };
    let conditions = WriteConditions { matches: input.if_match.clone(), none_matches: input.if_none_match.clone() };
    conditions.validate()?;
    let cause = Cause::of(&call.context_in(&bucket), &bucket);
    let (name, key, id) = (bucket.name.clone(), input.key.clone(), input.upload_id.clone());
    let (random, deliver) = (lookup::random(&*call.objects.clock), call.objects.deliver.clone());
    let version = call
        .objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            let upload = upload::find(tx, &bucket, &key, &id)?;
            if conditions.matches.is_some() || conditions.none_matches.is_some() {
                conditions.check(&key, lookup::newest(tx, &bucket, &key)?.as_ref())?;
            }
            let mut new = upload::complete(tx, &bucket, &key, &upload, &listed, &claims)?;
            new.random = random;
            let version = insert::insert(tx, &bucket, &key, new)?;
            let event = Event { name: "ObjectCreated:CompleteMultipartUpload", key: &key, version: &version };
            notify::notify(tx, &*deliver, &bucket, &cause, &event)?;
            Ok(version)
        })
        .await?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("{}/{}/{}", call.context.endpoint, bucket.name, crate::record::encoded(&input.key))),
        bucket: Some(input.bucket),
        e_tag: etag(&version.etag),
        expiration: lifecycle::expiration(&call.objects, &bucket, &input.key, &version),
        version_id: version_id(&bucket, &version),
        checksum_type: checksum_type(version.checksum.as_ref()),
        key: Some(input.key),
        ..Default::default()
    };
    set_checksum!(output, &version.checksum);
    set_encryption!(output, &version.head.encryption);
    Ok(output)
}

pub(super) async fn abort(
    call: &Call,
    request: S3Request<AbortMultipartUploadInput>,
) -> Result<S3Response<AbortMultipartUploadOutput>, Error> {
    let input = request.input;
    let found = call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &found.name)?;
            let upload = upload::find(tx, &bucket, &input.key, &input.upload_id)?;
            Ok(upload::abort(tx, &bucket, &input.key, &upload)?)
        })
        .await?;
    Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(super) async fn list_parts(call: &Call, request: S3Request<ListPartsInput>) -> Result<ListPartsOutput, Error> {
    let input = request.input;
    let limit = limit(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or_default();
    let after = u32::try_from(marker).unwrap_or_default();
    let (bucket, upload, mut parts) = call.objects.look(|state| {
        let bucket = call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let upload = upload::find(state, &bucket, &input.key, &input.upload_id)?;
        let parts = upload::parts(state, &upload, after, limit + 1)?;
        Ok((bucket, upload, parts))
    })?;
    let truncated = parts.len() > limit;
    parts.truncate(limit);
    let next = parts.last().map_or(0, |part| i32::try_from(part.number).unwrap_or_default());
    let entry = |part: model::Part| {
        let mut entry = Part {
            e_tag: etag(&part.etag),
            last_modified: Some(time(part.modified)),
            part_number: i32::try_from(part.number).ok(),
            size: i64::try_from(part.size).ok(),
            ..Default::default()
        };
        set_checksum!(entry, part.checksum.filter(|_| upload.algorithm.is_some()));
        entry
    };
    let whose = owner(&upload.owner);
    let parts: Vec<Part> = parts.into_iter().map(entry).collect();
    Ok(ListPartsOutput {
        bucket: Some(bucket.name),
        checksum_algorithm: upload.algorithm.map(|one| one.name().to_owned().into()),
        checksum_type: upload.algorithm.map(|_| {
            ChecksumType::from_static(if upload.full { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE })
        }),
        initiator: Some(Initiator { display_name: whose.display_name.clone(), id: whose.id.clone() }),
        is_truncated: Some(truncated),
        key: Some(input.key),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: Some(next),
        owner: Some(whose),
        part_number_marker: Some(marker),
        parts: Some(parts).filter(|parts| !parts.is_empty()),
        storage_class: Some(upload.draft.head.storage_class.unwrap_or_else(|| "STANDARD".into()).into()),
        upload_id: Some(input.upload_id),
        ..Default::default()
    })
}

pub(super) async fn list(
    call: &Call,
    request: S3Request<ListMultipartUploadsInput>,
) -> Result<ListMultipartUploadsOutput, Error> {
    let input = request.input;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let encode = encoder(input.encoding_type.as_ref())?;
    let key_marker = input.key_marker.clone().filter(|marker| !marker.is_empty());
    let id_marker = input.upload_id_marker.clone().filter(|marker| !marker.is_empty() && key_marker.is_some());
    let range = Range {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after: key_marker.clone().filter(|_| id_marker.is_none()),
        limit: limit(input.max_uploads, "max-uploads")?,
    };
    let markers = (key_marker.as_deref(), id_marker.as_deref());
    let page = call.objects.look(|state| upload_page(state, &bucket, &range, markers))?;
    let truncated = page.truncated && range.limit > 0;
    let last = page.found.last().filter(|_| truncated);
    let next_key_marker = last.map(|last| encode(last.name()));
    let next_upload_id_marker = last.and_then(|last| match last {
        Found::Key(_, upload) => Some(upload.id.clone()),
        Found::Prefix(_) => None,
    });
    let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
    for found in page.found {
        match found {
            Found::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(encode(&prefix)) }),
            Found::Key(key, upload) => uploads.push(entry(encode(&key), upload)),
        }
    }
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(prefixes).filter(|prefixes| !prefixes.is_empty()),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()).map(|delimiter| encode(&delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(input.key_marker.unwrap_or_default()),
        max_uploads: Some(input.max_uploads.unwrap_or(1000)),
        next_key_marker,
        next_upload_id_marker,
        prefix: Some(encode(&range.prefix)),
        request_charged: None,
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        uploads: Some(uploads).filter(|uploads| !uploads.is_empty()),
    })
}

/// The uploads behind the markers: a key, and one of its uploads.
fn upload_page(
    state: &impl Read,
    bucket: &model::Bucket,
    range: &Range,
    markers: (Option<&str>, Option<&str>),
) -> Result<Page<model::Upload>, Error> {
    let from = match markers {
        (None, _) => None,
        (Some(key), None) => Some(Bound::Included(after_all(&keys::of_key(bucket, key)))),
        (Some(key), Some(id)) => {
            let number = upload::find(state, bucket, key, id).map_or(u64::MAX, |upload| upload.number);
            Some(Bound::Excluded(keys::upload(bucket, key, number)))
        }
    };
    let damaged = |error: serde_json::Error| StoreError::Damaged { table: keys::UPLOAD.0, why: error.to_string() };
    let read = |_: &str, bytes: &[u8]| serde_json::from_slice(bytes).map(Some).map_err(damaged);
    Ok(list::page(state, bucket, &UPLOADS, range, from, read)?)
}

fn entry(key: String, upload: model::Upload) -> MultipartUpload {
    let whose = owner(&upload.owner);
    MultipartUpload {
        checksum_algorithm: upload.algorithm.map(|one| one.name().to_owned().into()),
        checksum_type: None,
        initiated: Some(time(upload.initiated)),
        initiator: Some(Initiator { display_name: whose.display_name.clone(), id: whose.id.clone() }),
        key: Some(key),
        owner: Some(whose),
        storage_class: Some(upload.draft.head.storage_class.unwrap_or_else(|| "STANDARD".into()).into()),
        upload_id: Some(upload.id),
    }
}
