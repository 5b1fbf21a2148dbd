//! Tags of buckets and objects.

use super::configurations::{get, own, put};
use super::objects::version_id;
use super::table::Call;
use crate::configuration::kind;
use crate::insert::rewrite;
use crate::model::{Bucket, Version};
use crate::notify::{self, Cause, Event};
use crate::tags::{self, OF_BUCKET, OF_OBJECT};
use crate::{Error, bucket, keys, lookup, number};
use fogbank_store::Tx;
use s3s::dto::*;
use s3s::{S3Request, S3Response};

fn read(tagging: Tagging, most: usize) -> Result<Vec<(String, String)>, Error> {
    let pairs: Vec<(String, String)> = tagging
        .tag_set
        .into_iter()
        .map(|tag| Ok((tag.key.ok_or(Error::MalformedXml)?, tag.value.ok_or(Error::MalformedXml)?)))
        .collect::<Result<_, Error>>()?;
    tags::check(&pairs, most)?;
    Ok(pairs)
}

fn set(pairs: Vec<(String, String)>) -> TagSet {
    pairs.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect()
}

pub(super) async fn put_of_bucket(
    call: &Call,
    request: S3Request<PutBucketTaggingInput>,
) -> Result<S3Response<PutBucketTaggingOutput>, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let pairs = read(input.tagging, OF_BUCKET)?;
    put(call, &bucket, kind::TAGGING, "", Tagging { tag_set: set(pairs) }).await?;
    Ok(S3Response::with_status(PutBucketTaggingOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(super) async fn get_of_bucket(
    call: &Call,
    request: S3Request<GetBucketTaggingInput>,
) -> Result<GetBucketTaggingOutput, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let found: Option<Tagging> = get(call, &bucket, kind::TAGGING)?;
    let missing = Error::NoConfiguration("NoSuchTagSet", "The TagSet does not exist");
    let found = found.filter(|found| !found.tag_set.is_empty()).ok_or(missing)?;
    Ok(GetBucketTaggingOutput { tag_set: found.tag_set })
}

pub(super) async fn delete_of_bucket(
    call: &Call,
    request: S3Request<DeleteBucketTaggingInput>,
) -> Result<S3Response<DeleteBucketTaggingOutput>, Error> {
    let bucket = own(call, &request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    let name = bucket.name;
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            tx.delete(keys::CONFIG, &keys::config(&bucket, kind::TAGGING, ""));
            Ok(())
        })
        .await?;
    Ok(S3Response::with_status(DeleteBucketTaggingOutput::default(), http::StatusCode::NO_CONTENT))
}

/// Changes one version, with the notification of that.
pub(super) async fn change(
    call: &Call,
    bucket: &Bucket,
    key: String,
    id: Option<String>,
    event: Option<&'static str>,
    method: &'static str,
    mut change: impl FnMut(&mut Tx<'_>, &mut Version) -> Result<(), Error> + Send + 'static,
) -> Result<Version, Error> {
    let (name, cause) = (bucket.name.clone(), Cause::of(&call.context_in(bucket), bucket));
    let deliver = call.objects.deliver.clone();
    call.objects
        .change(move |tx: &mut Tx<'_>| {
            let bucket = bucket::find(tx, &name)?;
            let mut version = lookup::readable(tx, &bucket, &key, id.as_deref(), method)?;
            change(tx, &mut version)?;
            rewrite(tx, &bucket, &key, &version)?;
            if let Some(event) = event {
                let told = Version { number: number(tx)?, modified: tx.now(), ..version.clone() };
                notify::notify(tx, &*deliver, &bucket, &cause, &Event { name: event, key: &key, version: &told })?;
            }
            Ok(version)
        })
        .await
}

pub(super) async fn put_of_object(
    call: &Call,
    request: S3Request<PutObjectTaggingInput>,
) -> Result<PutObjectTaggingOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let pairs = read(input.tagging, OF_OBJECT)?;
    let tag = move |_: &mut Tx<'_>, version: &mut Version| {
        version.tags.clone_from(&pairs);
        Ok(())
    };
    let event = Some("ObjectTagging:Put");
    let version = change(call, &bucket, input.key, input.version_id, event, "PUT", tag).await?;
    Ok(PutObjectTaggingOutput { version_id: version_id(&bucket, &version) })
}

pub(super) async fn get_of_object(
    call: &Call,
    request: S3Request<GetObjectTaggingInput>,
) -> Result<GetObjectTaggingOutput, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let id = input.version_id.as_deref();
    let version = call.objects.look(|state| lookup::readable(state, &bucket, &input.key, id, "GET"))?;
    Ok(GetObjectTaggingOutput { version_id: version_id(&bucket, &version), tag_set: set(version.tags) })
}

pub(super) async fn delete_of_object(
    call: &Call,
    request: S3Request<DeleteObjectTaggingInput>,
) -> Result<S3Response<DeleteObjectTaggingOutput>, Error> {
    let input = request.input;
    let bucket = own(call, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let untag = |_: &mut Tx<'_>, version: &mut Version| {
        version.tags.clear();
        Ok(())
    };
    let event = Some("ObjectTagging:Delete");
    let version = change(call, &bucket, input.key, input.version_id, event, "DELETE", untag).await?;
    let output = DeleteObjectTaggingOutput { version_id: version_id(&bucket, &version) };
    Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
}
