//! Why an operation on objects fails. The texts are S3's own.

use fogbank_model::Timestamp;
use fogbank_store::Error as StoreError;

/// A failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such bucket.
    #[error("The specified bucket does not exist")]
    NoBucket(String),
    /// The caller has it already.
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketOwned(String),
    /// Somebody else has it.
    #[error(
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
    )]
    BucketTaken(String),
    /// It holds something.
    #[error("The bucket you tried to delete is not empty")]
    BucketNotEmpty(String),
    /// It holds versions.
    #[error("The bucket you tried to delete is not empty. You must delete all versions in the bucket.")]
    BucketHasVersions(String),
    /// Not a name for a bucket.
    #[error("The specified bucket is not valid.")]
    InvalidBucketName(String),
    /// The region to make a bucket in does not fit the endpoint's.
    #[error("{0}")]
    LocationConstraint(String),
    /// Not a region.
    #[error("The specified location-constraint is not valid")]
    InvalidLocation(String),
    /// There is no such object.
    #[error("The specified key does not exist.")]
    NoKey {
        /// The key.
        key: String,
        /// The delete marker that stands in its place.
        marker: Option<String>,
    },
    /// There is no such version.
    #[error("The specified version does not exist.")]
    NoVersion {
        /// The key.
        key: String,
        /// The version.
        version: String,
    },
    /// Not a version's id.
    #[error("Invalid version id specified")]
    InvalidVersion(String),
    /// A delete marker has no content.
    #[error("The specified method is not allowed against this resource.")]
    IsMarker {
        /// The method.
        method: &'static str,
        /// The marker's id.
        version: String,
        /// When it was made.
        modified: Timestamp,
    },
    /// There is no such multipart upload.
    #[error(
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )]
    NoUpload(String),
    /// A part that was not uploaded, or not so.
    #[error(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )]
    InvalidPart {
        /// The upload.
        upload: String,
        /// The part.
        number: i32,
        /// The ETag that was given.
        etag: String,
    },
    /// Parts must ascend.
    #[error("The list of parts was not in ascending order. Parts must be ordered by part number.")]
    InvalidPartOrder(String),
    /// A part that is not the last is too small.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    PartTooSmall {
        /// Its size.
        size: u64,
        /// Its number.
        number: u32,
        /// Its ETag.
        etag: String,
    },
    /// A body is too large.
    #[error("Your proposed upload exceeds the maximum allowed size")]
    TooLarge {
        /// The bytes that came, so far.
        size: u64,
        /// The bytes that may come.
        limit: u64,
    },
    /// A condition does not hold.
    #[error("At least one of the pre-conditions you specified did not hold")]
    Precondition(&'static str),
    /// What the client has is still so.
    #[error("Not Modified")]
    NotModified {
        /// The ETag.
        etag: String,
        /// When it was modified.
        modified: Timestamp,
    },
    /// A conditional write meets another one.
    #[error("A header you provided implies functionality that is not implemented")]
    NotImplemented(&'static str),
    /// A range begins behind the end.
    #[error("The requested range is not satisfiable")]
    InvalidRange {
        /// As it was given.
        range: String,
        /// The object's size.
        size: u64,
    },
    /// The part number asked for is none of the object's.
    #[error("The requested partnumber is not satisfiable")]
    InvalidPartNumber {
        /// As it was given.
        asked: i32,
        /// How many there are.
        parts: u32,
    },
    /// A range of a copy that is not within the source.
    #[error("{0}")]
    InvalidRequest(String),
    /// An argument is not right.
    #[error("{message}")]
    InvalidArgument {
        /// Why.
        message: String,
        /// Which argument.
        name: String,
        /// As it was given.
        value: String,
    },
    /// Nobody may do that here.
    #[error("Access Denied")]
    Denied,
    /// A locked version is to be removed.
    #[error("Access Denied because object protected by object lock.")]
    Locked,
    /// A configuration is missing; its code and text.
    #[error("{1}")]
    NoConfiguration(&'static str, &'static str),
    /// A document is not what its schema says.
    #[error("The XML you provided was not well-formed or did not validate against our published schema")]
    MalformedXml,
    /// A policy is no policy.
    #[error("{0}")]
    MalformedPolicy(&'static str),
    /// A tag is not right.
    #[error("{0}")]
    InvalidTag(&'static str),
    /// Too many tags.
    #[error("{0}")]
    BadRequest(&'static str),
    /// A state does not allow it.
    #[error("{0}")]
    InvalidBucketState(&'static str),
    /// `Content-MD5` is no MD5.
    #[error("The Content-MD5 you specified was invalid.")]
    InvalidDigest(String),
    /// A digest does not fit the body.
    #[error("The {0} you specified did not match {1}.")]
    BadDigest(String, &'static str),
    /// The body does not have the SHA-256 that was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentMismatch,
    /// A piece of a body is signed wrong.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )]
    SignatureMismatch,
    /// A body ends early.
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    IncompleteBody,
    /// A body cannot be read.
    #[error("{0}")]
    Body(String),
    /// A body does not come.
    #[error("Your socket connection to the server was not read from or written to within the timeout period.")]
    RequestTimeout,
    /// Too much metadata.
    #[error("Your metadata headers exceed the maximum allowed metadata size")]
    MetadataTooLarge(usize),
    /// Not a storage class.
    #[error("The storage class you specified is not valid")]
    InvalidStorageClass(String),
    /// The bucket takes no ACLs.
    #[error("The bucket does not allow ACLs")]
    NoAcls,
    /// The object is somewhere in between.
    #[error("{0}")]
    InvalidObjectState(&'static str),
    /// A method that this address does not take.
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed,
    /// Logs cannot go there.
    #[error("The target bucket for logging does not exist")]
    InvalidTargetBucket(String),
    /// Both headers and a document.
    #[error("This request does not support content")]
    UnexpectedContent,
    /// Nothing says what is to be put.
    #[error("Your request was missing a required header")]
    MissingSecurityHeader(&'static str),
    /// The key is too long.
    #[error("Your key is too long")]
    KeyTooLong(usize),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
