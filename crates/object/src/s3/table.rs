//! The operations: one line each, with the function that does it. Whatever is not here, `s3s` answers with `NotImplemented`.

use super::{buckets, copy, lists, objects, reads, uploads};
use crate::model::Bucket;
use crate::{Error, Objects, bucket};
use fogbank_model::RequestContext;
use fogbank_store::Read;
use fogbank_wire::Auth;
use http::HeaderMap;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};
use std::sync::{Arc, Mutex, PoisonError};

/// One request: whose it is, and what it is about.
pub(super) struct Call {
    pub objects: Arc<Objects>,
    pub context: RequestContext,
    /// Whether nobody says who asks, and nobody wants to know: then it is whoever owns the bucket.
    pub anonymous: bool,
    pub auth: Auth,
    /// Headers that came behind a body whose signature was not checked.
    pub trailers: Arc<Mutex<Option<HeaderMap>>>,
}

impl Call {
    /// The bucket called `name`, for a caller who may use it.
    pub fn bucket(&self, read: &impl Read, name: &str, expected_owner: Option<&str>) -> Result<Bucket, Error> {
        let found = bucket::find(read, name)?;
        let is_own = self.anonymous || found.owner == self.context.account;
        let is_expected = expected_owner.is_none_or(|expected| expected == found.owner.as_str());
        if is_own && is_expected { Ok(found) } else { Err(Error::Denied) }
    }

    /// The request's context, as that of whoever owns `bucket` if nobody said who asks.
    pub fn context_in(&self, bucket: &Bucket) -> RequestContext {
        let mut context = self.context.clone();
        if self.anonymous {
            context.account = bucket.owner.clone();
        }
        context
    }

    /// A header that came behind the body, once that has been read.
    pub fn trailer<T>(&self, request: &S3Request<T>, name: &str) -> Option<String> {
        let text = |headers: &HeaderMap| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let checked = request.trailing_headers.as_ref().and_then(|trailers| trailers.read(text)).flatten();
        let unchecked = || self.trailers.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(text);
        checked.or_else(unchecked)
    }
}

/// What an operation's function returns: the output, or with headers of its own.
pub(super) trait Answer<T> {
    fn answer(self) -> S3Response<T>;
}

impl<T> Answer<T> for T {
    fn answer(self) -> S3Response<T> {
        S3Response::new(self)
    }
}

impl<T> Answer<T> for S3Response<T> {
    fn answer(self) -> S3Response<T> {
        self
    }
}

macro_rules! operations {
    ($($name:ident $method:ident $input:ident $output:ident $run:path;)*) => {
        /// The operations that work, by the names of AWS's model. `PostObject` is not in it.
        pub const OPERATIONS: &[&str] = &[$(stringify!($name)),*];

        #[async_trait::async_trait]
        impl S3 for Call {
            $(async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                Ok(Answer::<$output>::answer($run(self, request).await?))
            })*

            async fn post_object(&self, request: S3Request<PostObjectInput>) -> S3Result<S3Response<PostObjectOutput>> {
                Ok(objects::post(self, request).await?)
            }
        }
    };
}

operations! {
    CreateBucket create_bucket CreateBucketInput CreateBucketOutput buckets::create;
    DeleteBucket delete_bucket DeleteBucketInput DeleteBucketOutput buckets::delete;
    HeadBucket head_bucket HeadBucketInput HeadBucketOutput buckets::head;
    ListBuckets list_buckets ListBucketsInput ListBucketsOutput buckets::list;
    GetBucketLocation get_bucket_location GetBucketLocationInput GetBucketLocationOutput buckets::location;
    PutBucketVersioning put_bucket_versioning PutBucketVersioningInput PutBucketVersioningOutput buckets::put_versioning;
    GetBucketVersioning get_bucket_versioning GetBucketVersioningInput GetBucketVersioningOutput buckets::get_versioning;
    PutObject put_object PutObjectInput PutObjectOutput objects::put;
    GetObject get_object GetObjectInput GetObjectOutput reads::get;
    HeadObject head_object HeadObjectInput HeadObjectOutput reads::head;
    GetObjectAttributes get_object_attributes GetObjectAttributesInput GetObjectAttributesOutput reads::attributes;
    DeleteObject delete_object DeleteObjectInput DeleteObjectOutput objects::delete;
    DeleteObjects delete_objects DeleteObjectsInput DeleteObjectsOutput objects::delete_many;
    CopyObject copy_object CopyObjectInput CopyObjectOutput copy::copy;
    ListObjects list_objects ListObjectsInput ListObjectsOutput lists::objects;
    ListObjectsV2 list_objects_v2 ListObjectsV2Input ListObjectsV2Output lists::objects_v2;
    ListObjectVersions list_object_versions ListObjectVersionsInput ListObjectVersionsOutput lists::versions;
    CreateMultipartUpload create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput uploads::create;
    UploadPart upload_part UploadPartInput UploadPartOutput uploads::put_part;
    UploadPartCopy upload_part_copy UploadPartCopyInput UploadPartCopyOutput copy::copy_part;
    CompleteMultipartUpload complete_multipart_upload CompleteMultipartUploadInput CompleteMultipartUploadOutput uploads::complete;
    AbortMultipartUpload abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput uploads::abort;
    ListParts list_parts ListPartsInput ListPartsOutput uploads::list_parts;
    ListMultipartUploads list_multipart_uploads ListMultipartUploadsInput ListMultipartUploadsOutput uploads::list;
}
