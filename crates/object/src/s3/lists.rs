//! Listing objects and versions.

use super::dto::{etag, owner, time};
use super::table::Call;
use crate::Error;
use crate::list::{self, Found, OBJECTS, Page, Range, VERSIONS, after_all};
use crate::model::{Bucket, Summary, Version};
use crate::{keys, lookup};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE as BASE64;
use fogbank_store::{Error as StoreError, Read};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::S3Request;
use s3s::dto::*;
use std::ops::Bound;

/// The most keys of a page.
const PAGE: i32 = 1000;
/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/').remove(b'~');

/// What a next page is asked for with.
pub(super) fn token(last: &str) -> String {
    BASE64.encode(last)
}

pub(super) fn read_token(token: &str) -> Result<String, Error> {
    let bytes = BASE64.decode(token).ok().filter(|bytes| !bytes.is_empty());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| Error::InvalidArgument {
        message: "The continuation token provided is incorrect".into(),
        name: "continuation-token".into(),
        value: token.into(),
    })
}

/// How many are wanted, at most a page of them.
pub(super) fn limit(asked: Option<i32>, name: &str) -> Result<usize, Error> {
    let asked = asked.unwrap_or(PAGE);
    usize::try_from(asked.min(PAGE)).map_err(|_| Error::InvalidArgument {
        message: format!("Argument {name} must be an integer between 0 and 2147483647"),
        name: name.into(),
        value: asked.to_string(),
    })
}

/// Keys as they were asked for: as they are, or encoded for XML's sake.
pub(super) fn encoder(asked: Option<&EncodingType>) -> Result<fn(&str) -> String, Error> {
    match asked.map(|asked| asked.as_str()) {
        None => Ok(str::to_owned),
        Some("url") => Ok(|text| utf8_percent_encode(text, PLAIN).to_string().replace("%20", "+")),
        Some(other) => Err(Error::InvalidArgument {
            message: "Invalid Encoding Method specified in Request".into(),
            name: "encoding-type".into(),
            value: other.into(),
        }),
    }
}

/// A page of objects.
struct Listing {
    contents: Vec<Object>,
    prefixes: Vec<CommonPrefix>,
    /// The last key or prefix, if there is more.
    next: Option<String>,
}

fn summary(read: &[u8]) -> Result<Summary, StoreError> {
    serde_json::from_slice(read).map_err(|error| StoreError::Damaged { table: keys::OBJECT.0, why: error.to_string() })
}

fn listing(
    call: &Call,
    bucket: &Bucket,
    range: &Range,
    encode: fn(&str) -> String,
    with_owner: bool,
) -> Result<Listing, Error> {
    let mut listing = Listing { contents: Vec::new(), prefixes: Vec::new(), next: None };
    if range.limit == 0 {
        return Ok(listing);
    }
    let page = call.objects.look(|state| {
        let from = range.after.as_ref().map(|after| Bound::Excluded(keys::in_bucket(bucket, after)));
        Ok(list::page(state, bucket, &OBJECTS, range, from, |_, bytes| summary(bytes).map(Some))?)
    })?;
    listing.next = page.found.last().filter(|_| page.truncated).map(|last| last.name().to_owned());
    for found in page.found {
        match found {
            Found::Prefix(prefix) => listing.prefixes.push(CommonPrefix { prefix: Some(encode(&prefix)) }),
            Found::Key(key, summary) => listing.contents.push(Object {
                checksum_algorithm: summary.algorithm.map(|(one, _)| vec![one.name().to_owned().into()]),
                checksum_type: summary.algorithm.map(|(_, full)| {
                    ChecksumType::from_static(if full { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE })
                }),
                e_tag: etag(&summary.etag),
                key: Some(encode(&key)),
                last_modified: Some(time(summary.modified)),
                owner: with_owner.then(|| owner(&bucket.owner)),
                restore_status: None,
                size: i64::try_from(summary.size).ok(),
                storage_class: Some(summary.storage_class.unwrap_or_else(|| "STANDARD".into()).into()),
            }),
        }
    }
    Ok(listing)
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|items| !items.is_empty())
}

pub(super) async fn objects(call: &Call, request: S3Request<ListObjectsInput>) -> Result<ListObjectsOutput, Error> {
    let input = request.input;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let encode = encoder(input.encoding_type.as_ref())?;
    let range = Range {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after: input.marker.clone().filter(|marker| !marker.is_empty()),
        limit: limit(input.max_keys, "max-keys")?,
    };
    let listing = listing(call, &bucket, &range, encode, true)?;
    // Without a delimiter, the client finds the next marker in the last key.
    let next_marker = listing.next.as_deref().filter(|_| !range.delimiter.is_empty()).map(encode);
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encode(&range.prefix)),
        marker: Some(encode(&input.marker.unwrap_or_default())),
        max_keys: Some(input.max_keys.unwrap_or(PAGE)),
        is_truncated: Some(listing.next.is_some()),
        contents: some(listing.contents),
        common_prefixes: some(listing.prefixes),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()).map(|delimiter| encode(&delimiter)),
        next_marker,
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

pub(super) async fn objects_v2(
    call: &Call,
    request: S3Request<ListObjectsV2Input>,
) -> Result<ListObjectsV2Output, Error> {
    let input = request.input;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let encode = encoder(input.encoding_type.as_ref())?;
    let after = match input.continuation_token.as_deref() {
        Some(token) => Some(read_token(token)?),
        None => input.start_after.clone().filter(|after| !after.is_empty()),
    };
    let range = Range {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after,
        limit: limit(input.max_keys, "maxKeys")?,
    };
    let listing = listing(call, &bucket, &range, encode, input.fetch_owner == Some(true))?;
    let count = listing.contents.len() + listing.prefixes.len();
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encode(&range.prefix)),
        max_keys: Some(input.max_keys.unwrap_or(PAGE).min(PAGE)),
        key_count: i32::try_from(count).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(listing.next.is_some()),
        next_continuation_token: listing.next.as_deref().map(token),
        contents: some(listing.contents),
        common_prefixes: some(listing.prefixes),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()).map(|delimiter| encode(&delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.map(|after| encode(&after)),
        request_charged: None,
    })
}

pub(super) async fn versions(
    call: &Call,
    request: S3Request<ListObjectVersionsInput>,
) -> Result<ListObjectVersionsOutput, Error> {
    let input = request.input;
    let bucket =
        call.objects.look(|state| call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref()))?;
    let encode = encoder(input.encoding_type.as_ref())?;
    let key_marker = input.key_marker.clone().filter(|marker| !marker.is_empty());
    let version_marker = input.version_id_marker.clone().filter(|marker| !marker.is_empty());
    if let (None, Some(marker)) = (&key_marker, &version_marker) {
        return Err(Error::InvalidArgument {
            message: "A version-id marker cannot be specified without a key marker.".into(),
            name: "version-id-marker".into(),
            value: marker.clone(),
        });
    }
    let range = Range {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        // A version marker is within its key, which may be one that was not rolled up.
        after: key_marker.clone().filter(|_| version_marker.is_none()),
        limit: limit(input.max_keys, "max-keys")?,
    };
    let markers = (key_marker.as_deref(), version_marker.as_deref());
    let page = call.objects.look(|state| version_page(state, &bucket, &range, markers))?;
    let truncated = page.truncated && range.limit > 0;
    let last = page.found.last().filter(|_| truncated);
    let next_key_marker = last.map(|last| encode(last.name()));
    let next_version_id_marker = last.and_then(|last| match last {
        Found::Key(_, (version, _)) => Some(version.id_text().to_owned()),
        Found::Prefix(_) => None,
    });
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for found in page.found {
        match found {
            Found::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(encode(&prefix)) }),
            Found::Key(key, (version, is_latest)) if version.marker => {
                markers.push(marker_entry(encode(&key), &version, is_latest));
            }
            Found::Key(key, (version, is_latest)) => versions.push(version_entry(encode(&key), &version, is_latest)),
        }
    }
    Ok(ListObjectVersionsOutput {
        common_prefixes: some(prefixes),
        delete_markers: some(markers),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()).map(|delimiter| encode(&delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(encode(&input.key_marker.unwrap_or_default())),
        max_keys: Some(input.max_keys.unwrap_or(PAGE)),
        name: Some(input.bucket),
        next_key_marker,
        next_version_id_marker,
        prefix: Some(encode(&range.prefix)),
        request_charged: None,
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        versions: some(versions),
    })
}

/// The versions behind the markers (a key and one of its versions), each with whether it is its key's latest.
fn version_page(
    state: &impl Read,
    bucket: &Bucket,
    range: &Range,
    markers: (Option<&str>, Option<&str>),
) -> Result<Page<(Version, bool)>, Error> {
    let mut previous = String::new();
    let from = match markers {
        (None, _) => None,
        (Some(key), None) => Some(Bound::Included(after_all(&keys::of_key(bucket, key)))),
        (Some(key), Some(id)) => {
            key.clone_into(&mut previous);
            let number = match lookup::version(state, bucket, key, id) {
                Ok(marker) => marker.number,
                Err(Error::NoVersion { .. }) => 0,
                Err(other) => return Err(other),
            };
            Some(Bound::Excluded(keys::version(bucket, key, number)))
        }
    };
    let page = list::page(state, bucket, &VERSIONS, range, from, |key, bytes| {
        let is_latest = previous != key;
        key.clone_into(&mut previous);
        Ok(Some((lookup::decode(bytes)?, is_latest)))
    })?;
    Ok(page)
}

fn marker_entry(key: String, version: &Version, is_latest: bool) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        is_latest: Some(is_latest),
        key: Some(key),
        last_modified: Some(time(version.modified)),
        owner: Some(owner(&version.owner)),
        version_id: Some(version.id_text().to_owned()),
    }
}

fn version_entry(key: String, version: &Version, is_latest: bool) -> ObjectVersion {
    ObjectVersion {
        checksum_algorithm: version.checksum.as_ref().map(|sum| vec![sum.algorithm.name().to_owned().into()]),
        checksum_type: super::dto::checksum_type(version.checksum.as_ref()),
        e_tag: etag(&version.etag),
        is_latest: Some(is_latest),
        key: Some(key),
        last_modified: Some(time(version.modified)),
        owner: Some(owner(&version.owner)),
        restore_status: None,
        size: i64::try_from(version.size).ok(),
        storage_class: Some(version.head.storage_class.clone().unwrap_or_else(|| "STANDARD".into()).into()),
        version_id: Some(version.id_text().to_owned()),
    }
}
