//! Putting objects and deleting them.

use super::dto::{
    check_metadata, checked, checksum_type, content_md5, draft_of, etag, given_checksum, head_of, set_checksum,
    set_encryption, set_full_encryption,
};
use super::table::Call;
use super::{configurations, faults};
use crate::bodies::{Content, Receive, Received};
use crate::digest::Algorithm;
use crate::insert::{self, Body, New};
use crate::model::{Bucket, Draft, Version, Versioning};
use crate::notify::{self, Cause, Event};
use crate::precondition::WriteConditions;
use crate::remove::{self, Removed, Remover};
use crate::upload::LARGEST;
use crate::{Error, bucket, lifecycle, lookup};
use fogbank_store::Tx;
use s3s::dto::*;
use s3s::{S3Request, S3Response};
use std::pin::Pin;
use std::sync::PoisonError;

/// What a client says of a body that it sends.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    pub md5: Option<[u8; 16]>,
    pub checksum: Option<(Algorithm, String)>,
    /// The algorithm of the checksum that comes behind the body.
    pub algorithm: Option<Algorithm>,
    pub length: Option<i64>,
}

impl Claims {
    /// The algorithm that the client uses.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.checksum.as_ref().map(|(algorithm, _)| *algorithm).or(self.algorithm)
    }

    /// Whether the body is what was claimed.
    pub fn check(&self, received: &Received) -> Result<(), Error> {
        if self.length.is_some_and(|length| u64::try_from(length) != Ok(received.size)) {
            return Err(Error::IncompleteBody);
        }
        if self.md5.is_some_and(|md5| md5 != received.digests.md5) {
            return Err(Error::BadDigest("Content-MD5".into(), "what we received"));
        }
        match &self.checksum {
            Some((algorithm, value)) if received.digests.value(*algorithm) != Some(value) => {
                Err(Error::BadDigest(algorithm.name().to_owned(), "the calculated checksum"))
            }
            _ => Ok(()),
        }
    }
}

/// The algorithm of the checksum that `x-amz-trailer` announces.
pub(super) fn trailing_algorithm<T>(request: &S3Request<T>) -> Option<Algorithm> {
    let names = request.headers.get("x-amz-trailer")?.to_str().ok()?.to_ascii_lowercase();
    Algorithm::ALL.into_iter().find(|one| names.split(',').any(|name| name.trim() == one.header()))
}

/// The algorithm that a request names for its checksum.
pub(super) fn named_algorithm(name: Option<&ChecksumAlgorithm>) -> Result<Option<Algorithm>, Error> {
    let Some(name) = name else { return Ok(None) };
    let unsupported = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
    Algorithm::named(name.as_str()).map(Some).ok_or_else(|| Error::InvalidRequest(unsupported.into()))
}

/// Receives a body and checks it. The checksum is of the client's algorithm, or the one that S3 takes where the client has none.
pub(super) async fn receive<T>(
    call: &Call,
    request: &S3Request<T>,
    body: Option<StreamingBlob>,
    mut claims: Claims,
    further: Option<Algorithm>,
    inline: bool,
) -> Result<Received, Error> {
    let mut algorithms = vec![claims.algorithm().unwrap_or(Algorithm::Crc64Nvme)];
    algorithms.extend(further.filter(|further| !algorithms.contains(further)));
    if let Some(length) = claims.length.and_then(|length| u64::try_from(length).ok()).filter(|length| *length > LARGEST)
    {
        return Err(Error::TooLarge { size: length, limit: LARGEST });
    }
    let mut body = body.unwrap_or_else(|| StreamingBlob::new(crate::bodies::Pieces::whole(bytes::Bytes::new())));
    let how = Receive { algorithms, limit: LARGEST, inline };
    let received = call.objects.bodies.receive(&*call.objects.clock, Pin::new(&mut body), how).await?;
    if let (None, Some(algorithm)) = (&claims.checksum, claims.algorithm)
        && let Some(value) = call.trailer(request, algorithm.header())
    {
        claims.checksum = Some(checked((algorithm, value))?);
    }
    claims.check(&received)?;
    Ok(received)
}

/// Stores a body as an object, and tells who wants to know.
pub(super) async fn store(
    call: &Call,
    bucket: &Bucket,
    key: &str,
    draft: Draft,
    received: Received,
    conditions: WriteConditions,
    event: &'static str,
) -> Result<Version, Error> {
    let (algorithm, value) = received.digests.values.first().cloned().unwrap_or((Algorithm::Crc64Nvme, String::new()));
    let (body, fresh) = match received.content {
        Content::Inline(bytes) => (Body::Inline(bytes.to_vec()), None),
        Content::File(fresh) => (Body::File(fresh.name().to_owned()), Some(fresh)),
    };
    let new = New {
        draft,
        owner: call.context_in(bucket).account,
        size: received.size,
        etag: received.digests.etag(),
        checksum: New::full(algorithm, value),
        body,
        random: lookup::random(&*call.objects.clock),
    };
    let version = commit(call, bucket, key, new, conditions, event).await?;
    if let Some(fresh) = fresh {
        fresh.keep();
    }
    Ok(version)
}

/// Inserts a version in a transaction of its own, with its notifications.
pub(super) async fn commit(
    call: &Call,
    bucket: &Bucket,
    key: &str,
    new: New,
    conditions: WriteConditions,
    event: &'static str,
) -> Result<Version, Error> {
    let (name, key, cause) = (bucket.name.clone(), key.to_owned(), Cause::of(&call.context_in(bucket), bucket));
    let deliver = call.objects.deliver.clone();
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            if conditions.matches.is_some() || conditions.none_matches.is_some() {
                conditions.check(&key, lookup::newest(tx, &bucket, &key)?.as_ref())?;
            }
            let version = insert::insert(tx, &bucket, &key, new.clone())?;
            notify::notify(tx, &*deliver, &bucket, &cause, &Event { name: event, key: &key, version: &version })?;
            Ok(version)
        })
        .await
}

pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > 1024 { Err(Error::KeyTooLong(key.len())) } else { Ok(()) }
}

pub(super) async fn put(call: &Call, mut request: S3Request<PutObjectInput>) -> Result<PutObjectOutput, Error> {
    let body = request.input.body.take();
    let input = &request.input;
    check_key(&input.key)?;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let conditions = WriteConditions { matches: input.if_match.clone(), none_matches: input.if_none_match.clone() };
    conditions.validate()?;
    if conditions.matches.is_some() || conditions.none_matches.is_some() {
        // Again when it is stored; this spares sending a body for nothing.
        call.objects
            .look(|state| conditions.check(&input.key, lookup::newest(state, &bucket, &input.key)?.as_ref()))?;
    }
    let mut draft: Draft = draft_of!(call, &bucket, input);
    configurations::default_encryption(call, &bucket, &mut draft.head)?;
    let claims = Claims {
        md5: content_md5(input.content_md5.as_deref())?,
        checksum: given_checksum!(input)?.map(checked).transpose()?,
        algorithm: trailing_algorithm(&request).or(named_algorithm(input.checksum_algorithm.as_ref())?),
        length: input.content_length,
    };
    let received = receive(call, &request, body, claims, None, true).await?;
    let version = store(call, &bucket, &input.key, draft, received, conditions, "ObjectCreated:Put").await?;
    Ok(output(call, &bucket, &input.key, &version))
}

/// What is answered when an object was put.
fn output(call: &Call, bucket: &Bucket, key: &str, version: &Version) -> PutObjectOutput {
    let mut output = PutObjectOutput {
        e_tag: etag(&version.etag),
        expiration: lifecycle::expiration(&call.objects, bucket, key, version),
        version_id: version_id(bucket, version),
        checksum_type: checksum_type(version.checksum.as_ref()),
        ..Default::default()
    };
    set_checksum!(output, &version.checksum);
    set_full_encryption!(output, &version.head.encryption);
    output
}

/// The version's id, where the bucket has versions.
pub(super) fn version_id(bucket: &Bucket, version: &Version) -> Option<String> {
    match bucket.versioning {
        Versioning::Never => None,
        Versioning::Enabled => version.id.clone(),
        Versioning::Suspended => Some(version.id_text().to_owned()),
    }
}

pub(super) async fn post(
    call: &Call,
    request: S3Request<PostObjectInput>,
) -> Result<S3Response<PostObjectOutput>, Error> {
    // A form is signed in its fields, so only now it is known who sends it.
    let credentials = request.credentials.as_ref();
    let owner = credentials.zip(call.auth.checked_with()).and_then(|(credentials, keys)| {
        let token = None;
        keys.lookup(&credentials.access_key, token).ok()
    });
    let mut context = call.context.clone();
    if let Some(owner) = owner {
        (context.account, context.caller) = (owner.account, owner.caller);
    }
    let sender = Call {
        context,
        objects: call.objects.clone(),
        auth: call.auth.clone(),
        trailers: call.trailers.clone(),
        anonymous: call.anonymous,
        file_name: call.file_name.clone(),
    };
    let call = &sender;
    let mut request = request;
    let body = request.input.body.take();
    if let Some(name) = call.file_name.lock().unwrap_or_else(PoisonError::into_inner).as_deref() {
        request.input.key = request.input.key.replace("${filename}", name);
    }
    let input = &request.input;
    check_key(&input.key)?;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let mut draft: Draft = draft_of!(call, &bucket, input);
    check_metadata(&draft.head.metadata)?;
    configurations::default_encryption(call, &bucket, &mut draft.head)?;
    let claims = Claims {
        md5: content_md5(input.content_md5.as_deref())?,
        checksum: given_checksum!(input)?.map(checked).transpose()?,
        algorithm: named_algorithm(input.checksum_algorithm.as_ref())?,
        length: None,
    };
    let received = receive(call, &request, body, claims, None, true).await?;
    let conditions = WriteConditions::default();
    let version = store(call, &bucket, &input.key, draft, received, conditions, "ObjectCreated:Post").await?;
    let put = output(call, &bucket, &input.key, &version);
    let output = PostObjectOutput {
        e_tag: put.e_tag,
        expiration: put.expiration,
        version_id: put.version_id,
        server_side_encryption: put.server_side_encryption,
        ssekms_key_id: put.ssekms_key_id,
        ..Default::default()
    };
    Ok(S3Response::new(output))
}

/// The event of a removal.
fn removal(removed: &Removed) -> Option<(&'static str, &Version)> {
    match removed {
        Removed::Nothing => None,
        Removed::Version(version) => Some(("ObjectRemoved:Delete", version)),
        Removed::Marked(marker) => Some(("ObjectRemoved:DeleteMarkerCreated", marker)),
    }
}

/// Removes in a transaction of its own, with its notifications.
async fn remove(
    call: &Call,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
    bypass: bool,
    conditions: WriteConditions,
) -> Result<Removed, Error> {
    let context = call.context_in(bucket);
    let by = Remover { owner: context.account.clone(), bypass, random: lookup::random(&*call.objects.clock) };
    let (name, key, cause) = (bucket.name.clone(), key.to_owned(), Cause::of(&context, bucket));
    let (version, deliver) = (version.map(str::to_owned), call.objects.deliver.clone());
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            if conditions.matches.is_some() {
                conditions.check(&key, lookup::newest(tx, &bucket, &key)?.as_ref())?;
            }
            let removed = remove::remove(tx, &bucket, &key, version.as_deref(), &by)?;
            if let Some((event, version)) = removal(&removed) {
                // A deletion is a change of its own, later than the version that it removes.
                let number = if version.marker && matches!(removed, Removed::Marked(_)) {
                    version.number
                } else {
                    crate::number(tx)?
                };
                let version = Version { number, modified: tx.now(), ..version.clone() };
                notify::notify(tx, &*deliver, &bucket, &cause, &Event { name: event, key: &key, version: &version })?;
            }
            Ok(removed)
        })
        .await
}

pub(super) async fn delete(
    call: &Call,
    request: S3Request<DeleteObjectInput>,
) -> Result<S3Response<DeleteObjectOutput>, Error> {
    let input = request.input;
    check_key(&input.key)?;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let version = input.version_id.as_deref().filter(|id| !id.is_empty());
    let bypass = input.bypass_governance_retention.unwrap_or_default();
    let conditions = WriteConditions { matches: input.if_match.clone(), none_matches: None };
    let removed = remove(call, &bucket, &input.key, version, bypass, conditions).await?;
    let output = match (&removed, version) {
        (Removed::Marked(marker), _) => DeleteObjectOutput {
            delete_marker: Some(true),
            version_id: Some(marker.id_text().to_owned()),
            request_charged: None,
        },
        (Removed::Version(found), Some(id)) => DeleteObjectOutput {
            delete_marker: found.marker.then_some(true),
            version_id: Some(id.to_owned()),
            request_charged: None,
        },
        (Removed::Nothing, Some(id)) => DeleteObjectOutput { version_id: Some(id.to_owned()), ..Default::default() },
        (_, None) => DeleteObjectOutput::default(),
    };
    Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
}

pub(super) async fn delete_many(
    call: &Call,
    request: S3Request<DeleteObjectsInput>,
) -> Result<DeleteObjectsOutput, Error> {
    let input = request.input;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > 1000 {
        return Err(Error::MalformedXml);
    }
    let bypass = input.bypass_governance_retention.unwrap_or_default();
    let quiet = input.delete.quiet.unwrap_or_default();
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        let version = object.version_id.as_deref().filter(|id| !id.is_empty());
        let matches = object.e_tag.clone().map(ETagCondition::ETag);
        let conditions = WriteConditions { matches, none_matches: None };
        let removed = match check_key(&object.key) {
            Ok(()) => remove(call, &bucket, &object.key, version, bypass, conditions).await,
            Err(error) => Err(error),
        };
        match removed {
            Ok(removed) if !quiet => deleted.push(deletion(object.key, version.map(str::to_owned), &removed)),
            Ok(_) => {}
            Err(error) => errors.push(s3s::dto::Error {
                // In a list, a bad version's id is said to be none of the object's.
                code: Some(match &error {
                    Error::InvalidVersion(_) => "NoSuchVersion".to_owned(),
                    other => faults::code_of(other).to_owned(),
                }),
                key: Some(object.key),
                message: Some(match &error {
                    Error::InvalidVersion(_) => "The specified version does not exist.".to_owned(),
                    other => other.to_string(),
                }),
                version_id: object.version_id,
            }),
        }
    }
    let some = |list: Vec<DeletedObject>| Some(list).filter(|list| !list.is_empty());
    Ok(DeleteObjectsOutput {
        deleted: some(deleted),
        errors: Some(errors).filter(|errors| !errors.is_empty()),
        request_charged: None,
    })
}

fn deletion(key: String, version: Option<String>, removed: &Removed) -> DeletedObject {
    let (is_marker, marker) = match removed {
        Removed::Marked(marker) => (true, Some(marker.id_text().to_owned())),
        Removed::Version(found) if found.marker => (true, version.clone()),
        _ => (false, None),
    };
    DeletedObject {
        delete_marker: is_marker.then_some(true),
        delete_marker_version_id: marker,
        key: Some(key),
        version_id: version,
    }
}
