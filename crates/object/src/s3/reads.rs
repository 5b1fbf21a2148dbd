//! Reading objects.

use super::dto::{
    Asked, checksum_type, customer_key, etag, from_time, set_checksum, set_encryption, set_full_encryption, time,
};
use super::table::Call;
use crate::bodies::{Pieces, Slice};
use crate::model::{Bucket, Part, Place, Version};
use crate::precondition::Conditions;
use crate::{Error, keys, lifecycle, lookup};
use bytes::Bytes;
use fogbank_store::Read as _;
use s3s::S3Request;
use s3s::dto::*;

/// What is read of an object.
pub(super) struct Reading {
    pub bucket: Bucket,
    pub version: Version,
    pub from: u64,
    pub length: u64,
    /// Whether only a part of it is.
    pub partial: bool,
    /// The checksum of what is read.
    pub checksum: Option<crate::model::Checksum>,
    parts: Vec<Part>,
    inline: Option<Vec<u8>>,
}

/// Which object, and what of it.
pub(super) struct Wanted<'a> {
    pub bucket: &'a str,
    pub expected_owner: Option<&'a str>,
    pub key: &'a str,
    pub version: Option<&'a str>,
    pub conditions: Conditions,
    pub range: Option<Range>,
    pub part: Option<i32>,
    pub customer: Asked<'a>,
    pub method: &'static str,
}

/// Finds what is to be read, from one state of the store.
pub(super) fn find(call: &Call, wanted: &Wanted<'_>) -> Result<Reading, Error> {
    call.objects.look(|state| {
        let bucket = call.bucket(state, wanted.bucket, wanted.expected_owner)?;
        let version = lookup::readable(state, &bucket, wanted.key, wanted.version, wanted.method)?;
        wanted.conditions.check(&version)?;
        check_customer_key(&version, &wanted.customer)?;
        let inline = match version.place {
            Place::Inline => state.get(keys::INLINE, &version.number.to_be_bytes())?,
            _ => None,
        };
        let parts = if version.parts > 0 { lookup::parts(state, &version)? } else { Vec::new() };
        let mut reading = Reading {
            from: 0,
            length: version.size,
            partial: false,
            checksum: version.checksum.clone(),
            bucket,
            version,
            parts,
            inline,
        };
        match (&wanted.range, wanted.part) {
            (Some(_), Some(_)) => {
                return Err(Error::InvalidRequest(
                    "Cannot specify both Range header and partNumber query parameter".into(),
                ));
            }
            (Some(range), None) => {
                (reading.from, reading.length) = super::dto::range(*range, reading.version.size)?;
                reading.partial = true;
                reading.checksum = None;
            }
            (None, Some(number)) => reading.choose_part(number)?,
            (None, None) => {}
        }
        Ok(reading)
    })
}

fn check_customer_key(version: &Version, given: &Asked<'_>) -> Result<(), Error> {
    let given = customer_key(given)?;
    match (&version.head.encryption.customer_key_md5, given) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Error::InvalidRequest(
            "The encryption parameters are not applicable to this object.".into(),
        )),
        (Some(_), None) => Err(Error::InvalidRequest(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.".into(),
        )),
        (Some(kept), Some(given)) if *kept == given => Ok(()),
        (Some(_), Some(_)) => Err(Error::Denied),
    }
}

impl Reading {
    fn choose_part(&mut self, number: i32) -> Result<(), Error> {
        if !(1..=crate::upload::LAST_PART).contains(&number) {
            return Err(Error::InvalidArgument {
                message: "Part number must be an integer between 1 and 10000, inclusive".into(),
                name: "partNumber".into(),
                value: number.to_string(),
            });
        }
        let index = usize::try_from(number - 1).unwrap_or_default();
        self.partial = true;
        if self.version.parts == 0 {
            return if index == 0 { Ok(()) } else { Err(Error::InvalidPartNumber { asked: number, parts: 1 }) };
        }
        let part =
            self.parts.get(index).ok_or(Error::InvalidPartNumber { asked: number, parts: self.version.parts })?;
        self.from = self.parts.iter().take(index).map(|part| part.size).sum();
        self.length = part.size;
        self.checksum = part.checksum.clone().filter(|_| self.version.checksum.as_ref().is_some_and(|sum| !sum.full));
        Ok(())
    }

    /// The pieces of files that are read.
    pub fn slices(&self) -> Vec<Slice> {
        slices(&self.version, &self.parts, self.from, self.length)
    }

    /// The bytes, if they are in the store or there are none.
    pub fn whole(&self) -> Option<Bytes> {
        if matches!(self.version.place, Place::Nothing) {
            return Some(Bytes::new());
        }
        let bytes = self.inline.as_ref()?;
        let from = usize::try_from(self.from).ok()?;
        let to = usize::try_from(self.from + self.length).ok()?;
        Some(Bytes::copy_from_slice(bytes.get(from..to)?))
    }

    fn body(&self, call: &Call) -> Pieces {
        match self.whole() {
            Some(whole) => Pieces::whole(whole),
            None => call.objects.bodies.read(self.slices()),
        }
    }

    fn content_range(&self) -> Option<String> {
        let last = (self.from + self.length).saturating_sub(1);
        (self.partial && self.length > 0).then(|| format!("bytes {}-{last}/{}", self.from, self.version.size))
    }
}

fn slices(version: &Version, parts: &[Part], from: u64, length: u64) -> Vec<Slice> {
    if let Place::File(name) = &version.place {
        return vec![Slice { file: name.clone(), from, length }];
    }
    let end = from + length;
    let mut at = 0;
    let mut slices = Vec::new();
    for part in parts {
        let (start, stop) = (at.max(from), (at + part.size).min(end));
        if start < stop {
            slices.push(Slice { file: part.file.clone(), from: start - at, length: stop - start });
        }
        at += part.size;
    }
    slices
}

/// What reading and asking for the headers have in common.
macro_rules! wanted {
    ($input:expr, $method:literal) => {
        Wanted {
            bucket: &$input.bucket,
            expected_owner: $input.expected_bucket_owner.as_deref(),
            key: &$input.key,
            version: $input.version_id.as_deref(),
            conditions: Conditions {
                matches: $input.if_match.clone(),
                none_matches: $input.if_none_match.clone(),
                modified_since: $input.if_modified_since.clone().map(from_time),
                unmodified_since: $input.if_unmodified_since.clone().map(from_time),
            },
            range: $input.range,
            part: $input.part_number,
            customer: Asked {
                algorithm: None,
                key: None,
                bucket_key: None,
                customer_algorithm: $input.sse_customer_algorithm.as_ref().map(|name| name.as_ref()),
                customer_key: $input.sse_customer_key.as_deref(),
                customer_key_md5: $input.sse_customer_key_md5.as_deref(),
            },
            method: $method,
        }
    };
}

/// Sets what both of them answer.
macro_rules! describe {
    ($output:expr, $call:expr, $reading:expr, $input:expr) => {
        let version = &$reading.version;
        let head = version.head.clone();
        $output.accept_ranges = Some("bytes".into());
        $output.cache_control = head.cache_control;
        $output.content_disposition = head.content_disposition;
        $output.content_encoding = head.content_encoding;
        $output.content_language = head.content_language;
        $output.content_length = i64::try_from($reading.length).ok();
        $output.content_range = $reading.content_range();
        $output.content_type = Some(head.content_type.unwrap_or_else(|| "binary/octet-stream".into()));
        $output.e_tag = etag(&version.etag);
        $output.expires = head.expires;
        $output.last_modified = Some(time(version.modified));
        $output.metadata = Some(head.metadata.into_iter().collect());
        $output.parts_count =
            $input.part_number.filter(|_| version.parts > 0).and_then(|_| i32::try_from(version.parts).ok());
        $output.storage_class = head.storage_class.map(Into::into);
        $output.website_redirect_location = head.website_redirect;
        $output.object_lock_legal_hold_status = version.hold.map(super::locks::hold_text).map(Into::into);
        $output.object_lock_mode = version.retention.as_ref().map(|retention| retention.mode.clone().into());
        $output.object_lock_retain_until_date = version.retention.as_ref().map(|retention| time(retention.until));
        $output.version_id =
            ($reading.bucket.versioning != crate::model::Versioning::Never).then(|| version.id_text().to_owned());
        $output.expiration = lifecycle::expiration(&$call.objects, &$reading.bucket, &$input.key, version);
        set_full_encryption!($output, &version.head.encryption);
        if $input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == "ENABLED") {
            set_checksum!($output, &$reading.checksum);
            $output.checksum_type = checksum_type($reading.checksum.as_ref());
        }
    };
}

pub(super) async fn get(call: &Call, request: S3Request<GetObjectInput>) -> Result<GetObjectOutput, Error> {
    let input = request.input;
    let reading = find(call, &wanted!(input, "GET"))?;
    if matches!(reading.version.head.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE")) {
        return Err(Error::InvalidObjectState("The operation is not valid for the object's storage class"));
    }
    let mut output = GetObjectOutput::default();
    describe!(output, call, reading, input);
    output.tag_count = i32::try_from(reading.version.tags.len()).ok().filter(|count| *count > 0);
    output.body = Some(StreamingBlob::new(reading.body(call)));
    Ok(output)
}

pub(super) async fn head(call: &Call, request: S3Request<HeadObjectInput>) -> Result<HeadObjectOutput, Error> {
    let input = request.input;
    let reading = find(call, &wanted!(input, "HEAD"))?;
    let mut output = HeadObjectOutput::default();
    describe!(output, call, reading, input);
    Ok(output)
}

pub(super) async fn attributes(
    call: &Call,
    request: S3Request<GetObjectAttributesInput>,
) -> Result<GetObjectAttributesOutput, Error> {
    let input = request.input;
    const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    let asked = input.object_attributes.iter().flat_map(|names| names.as_str().split(',').map(str::trim));
    let asked: Vec<&str> = asked.filter(|name| !name.is_empty()).collect();
    if asked.is_empty() || asked.iter().any(|name| !KNOWN.contains(name)) {
        return Err(Error::InvalidArgument {
            message: "Invalid attribute name specified.".into(),
            name: "x-amz-object-attributes".into(),
            value: asked.join(","),
        });
    }
    let (bucket, version, parts) = call.objects.look(|state| {
        let bucket = call.bucket(state, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let version = lookup::readable(state, &bucket, &input.key, input.version_id.as_deref(), "GET")?;
        let parts = lookup::parts(state, &version)?;
        Ok((bucket, version, parts))
    })?;
    let has = |name: &str| asked.contains(&name);
    let mut output = GetObjectAttributesOutput { last_modified: Some(time(version.modified)), ..Default::default() };
    output.version_id = (bucket.versioning != crate::model::Versioning::Never).then(|| version.id_text().to_owned());
    output.e_tag = etag(&version.etag).filter(|_| has("ETag"));
    output.object_size = i64::try_from(version.size).ok().filter(|_| has("ObjectSize"));
    let class = version.head.storage_class.clone().unwrap_or_else(|| "STANDARD".into());
    output.storage_class = has("StorageClass").then(|| class.into());
    if let Some(sum) = version.checksum.as_ref().filter(|_| has("Checksum")) {
        let mut checksum = Checksum { checksum_type: checksum_type(Some(sum)), ..Default::default() };
        let plain = Some(crate::model::Checksum {
            value: sum.value.split('-').next().unwrap_or_default().into(),
            ..sum.clone()
        });
        set_checksum!(checksum, &plain);
        output.checksum = Some(checksum);
    }
    if has("ObjectParts") && version.parts > 0 {
        output.object_parts = Some(part_attributes(&input, &version, &parts)?);
    }
    Ok(output)
}

fn part_attributes(
    input: &GetObjectAttributesInput,
    version: &Version,
    parts: &[Part],
) -> Result<GetObjectAttributesParts, Error> {
    let limit = super::lists::limit(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or_default();
    let following: Vec<&Part> = parts.iter().filter(|part| i64::from(part.number) > i64::from(marker)).collect();
    let shown = following.iter().take(limit);
    let last = shown.clone().next_back().map_or(marker, |part| i32::try_from(part.number).unwrap_or_default());
    let has_own_sums = version.checksum.as_ref().is_some_and(|sum| !sum.full);
    let entry = |part: &&Part| {
        let mut entry = ObjectPart {
            part_number: i32::try_from(part.number).ok(),
            size: i64::try_from(part.size).ok(),
            ..Default::default()
        };
        set_checksum!(entry, &part.checksum);
        entry
    };
    Ok(GetObjectAttributesParts {
        is_truncated: Some(following.len() > limit),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: Some(last),
        part_number_marker: Some(marker),
        parts: has_own_sums.then(|| shown.map(entry).collect()),
        total_parts_count: i32::try_from(version.parts).ok(),
    })
}
