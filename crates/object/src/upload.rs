//! Multipart uploads: parts that are files already when they become an object, so that completing copies nothing.

use crate::digest::{Algorithm, etag_of_parts};
use crate::insert::{Body, New};
use crate::model::{Bucket, Checksum, Draft, Part, Upload};
use crate::{Error, discard, keys, lookup, number, refer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fogbank_model::AccountId;
use fogbank_store::{Error as StoreError, Read, Tx};

/// The smallest part that is not the last.
pub(crate) const SMALLEST_PART: u64 = 5 * 1024 * 1024;
/// The largest part, and the largest object that is put whole.
pub(crate) const LARGEST: u64 = 5 * 1024 * 1024 * 1024;
/// The highest part number.
pub(crate) const LAST_PART: i32 = 10_000;

/// An upload to be.
#[derive(Debug, Clone)]
pub(crate) struct NewUpload {
    pub owner: AccountId,
    pub draft: Draft,
    pub algorithm: Option<Algorithm>,
    pub full: bool,
    pub random: [u8; 16],
}

/// Begins an upload.
pub(crate) fn create(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, new: NewUpload) -> Result<Upload, Error> {
    let number = number(tx)?;
    let upload = Upload {
        number,
        id: lookup::version_id(&new.random, number),
        initiated: tx.now(),
        owner: new.owner,
        draft: new.draft,
        algorithm: new.algorithm,
        full: new.full,
    };
    tx.save(keys::UPLOAD, &keys::upload(bucket, key, number), &upload)?;
    Ok(upload)
}

/// The upload to `key` that `id` names.
pub(crate) fn find(read: &impl Read, bucket: &Bucket, key: &str, id: &str) -> Result<Upload, Error> {
    let missing = || Error::NoUpload(id.to_owned());
    let bytes = BASE64.decode(id).ok().filter(|bytes| bytes.len() == 24).ok_or_else(missing)?;
    let number = bytes.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let found: Option<Upload> = read.load(keys::UPLOAD, &keys::upload(bucket, key, number))?;
    found.filter(|upload| upload.id == id).ok_or_else(missing)
}

/// The parts of an upload whose numbers follow `after`, in order, at most `limit`.
pub(crate) fn parts(read: &impl Read, upload: &Upload, after: u32, limit: usize) -> Result<Vec<Part>, StoreError> {
    use std::ops::Bound;
    let (from, to) = (keys::part(upload.number, after), keys::part(upload.number, u32::MAX));
    let found = read.scan(keys::PART, Bound::Excluded(&from), Bound::Included(&to), limit)?;
    let damaged = |error: serde_json::Error| StoreError::Damaged { table: keys::PART.0, why: error.to_string() };
    found.iter().map(|(_, bytes)| serde_json::from_slice(bytes).map_err(damaged)).collect()
}

/// Adds a part, over one of the same number.
pub(crate) fn put_part(tx: &mut Tx<'_>, upload: &Upload, part: &Part) -> Result<(), Error> {
    let place = keys::part(upload.number, part.number);
    if let Some(before) = tx.load::<Part>(keys::PART, &place)? {
        discard(tx, &before.file);
    }
    refer(tx, &part.file);
    tx.save(keys::PART, &place, part)?;
    Ok(())
}

/// Ends an upload without an object.
pub(crate) fn abort(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, upload: &Upload) -> Result<(), StoreError> {
    forget(tx, &keys::upload(bucket, key, upload.number))
}

/// Removes the upload whose record is at `place`, and its parts.
pub(crate) fn forget(tx: &mut Tx<'_>, place: &[u8]) -> Result<(), StoreError> {
    let Some(upload) = tx.load::<Upload>(keys::UPLOAD, place)? else { return Ok(()) };
    for part in parts(tx, &upload, 0, usize::MAX)? {
        discard(tx, &part.file);
        tx.delete(keys::PART, &keys::part(upload.number, part.number));
    }
    tx.delete(keys::UPLOAD, place);
    Ok(())
}

/// A part as the client lists it to complete the upload.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub number: i32,
    pub etag: String,
    pub checksum: Option<(Algorithm, String)>,
}

/// What the client says of the object to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    pub size: Option<u64>,
    pub checksum: Option<(Algorithm, String)>,
}

/// Takes an upload's parts together, in the order listed, and ends it. What it returns is to be inserted.
pub(crate) fn complete(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    upload: &Upload,
    listed: &[Listed],
    claims: &Claims,
) -> Result<New, Error> {
    if listed.is_empty() {
        return Err(Error::MalformedXml);
    }
    if !listed.is_sorted_by(|one, next| one.number < next.number) {
        return Err(Error::InvalidPartOrder(upload.id.clone()));
    }
    let mut chosen = Vec::with_capacity(listed.len());
    for part in listed {
        chosen.push(chosen_part(tx, upload, part)?);
    }
    let but_last = chosen.split_last().map_or(&[][..], |(_, others)| others);
    if let Some(part) = but_last.iter().find(|part| part.size < SMALLEST_PART) {
        return Err(Error::PartTooSmall { size: part.size, number: part.number, etag: part.etag.clone() });
    }
    let size = chosen.iter().map(|part| part.size).sum();
    if let Some(claimed) = claims.size.filter(|claimed| *claimed != size) {
        let text = format!(
            "The provided 'x-amz-mp-object-size' header value {claimed} does not match what was computed: {size}"
        );
        return Err(Error::InvalidRequest(text));
    }
    let checksum = checksum(upload, &chosen);
    if let (Some((algorithm, claimed)), Some(found)) = (&claims.checksum, &checksum)
        && *algorithm == found.algorithm
        && claimed.split('-').next() != found.value.split('-').next()
    {
        return Err(Error::BadDigest(algorithm.name().to_owned(), "the calculated checksum"));
    }
    for part in parts(tx, upload, 0, usize::MAX)? {
        tx.delete(keys::PART, &keys::part(upload.number, part.number));
        if !chosen.iter().any(|chosen| chosen.number == part.number) {
            discard(tx, &part.file);
        }
    }
    tx.delete(keys::UPLOAD, &keys::upload(bucket, key, upload.number));
    Ok(New {
        draft: upload.draft.clone(),
        owner: upload.owner.clone(),
        size,
        etag: etag_of_parts(chosen.iter().map(|part| part.etag.as_str())),
        checksum,
        body: Body::Parts(chosen),
        random: [0; 16],
    })
}

fn chosen_part(tx: &Tx<'_>, upload: &Upload, listed: &Listed) -> Result<Part, Error> {
    let invalid = || Error::InvalidPart { upload: upload.id.clone(), number: listed.number, etag: listed.etag.clone() };
    let number = u32::try_from(listed.number).map_err(|_| invalid())?;
    let part: Part = tx.load(keys::PART, &keys::part(upload.number, number))?.ok_or_else(invalid)?;
    if part.etag != listed.etag {
        return Err(invalid());
    }
    match (&listed.checksum, &part.checksum) {
        (Some((algorithm, value)), Some(kept)) if *algorithm == kept.algorithm && *value != kept.value => {
            Err(invalid())
        }
        (None, Some(kept)) if upload.algorithm.is_some() && !upload.full => {
            let name = kept.algorithm.name().to_lowercase();
            Err(Error::InvalidRequest(format!(
                "The upload was created using a {name} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request."
            )))
        }
        _ => Ok(part),
    }
}

/// The object's checksum: of the whole, or of the parts' checksums.
fn checksum(upload: &Upload, parts: &[Part]) -> Option<Checksum> {
    let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let of_part =
        |part: &Part| part.checksum.as_ref().filter(|sum| sum.algorithm == algorithm).map(|sum| sum.value.clone());
    let values: Vec<String> = parts.iter().map(of_part).collect::<Option<_>>()?;
    if upload.full || upload.algorithm.is_none() {
        let with_sizes = values.iter().map(String::as_str).zip(parts.iter().map(|part| part.size));
        return Some(Checksum { algorithm, value: algorithm.combine(with_sizes)?, full: true });
    }
    let value = algorithm.of_checksums(values.iter().map(String::as_str))?;
    Some(Checksum { algorithm, value: format!("{value}-{}", parts.len()), full: false })
}
