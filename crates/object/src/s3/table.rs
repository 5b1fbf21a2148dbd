//! The operations: one line each, with the function that does it. Whatever is not here, `s3s` answers with `NotImplemented`.

use super::{
    access, acl, buckets, configurations, copy, lists, locks, notifications, objects, reads, rules, taggings, uploads,
};
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
    /// The name of a form's file, once that has been read.
    pub file_name: Arc<Mutex<Option<String>>>,
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
    PutBucketCors put_bucket_cors PutBucketCorsInput PutBucketCorsOutput rules::put_cors;
    GetBucketCors get_bucket_cors GetBucketCorsInput GetBucketCorsOutput rules::get_cors;
    DeleteBucketCors delete_bucket_cors DeleteBucketCorsInput DeleteBucketCorsOutput configurations::delete_cors;
    PutBucketEncryption put_bucket_encryption PutBucketEncryptionInput PutBucketEncryptionOutput configurations::put_encryption;
    GetBucketEncryption get_bucket_encryption GetBucketEncryptionInput GetBucketEncryptionOutput configurations::get_encryption;
    DeleteBucketEncryption delete_bucket_encryption DeleteBucketEncryptionInput DeleteBucketEncryptionOutput configurations::delete_encryption;
    PutBucketLifecycleConfiguration put_bucket_lifecycle_configuration PutBucketLifecycleConfigurationInput PutBucketLifecycleConfigurationOutput rules::put_lifecycle;
    GetBucketLifecycleConfiguration get_bucket_lifecycle_configuration GetBucketLifecycleConfigurationInput GetBucketLifecycleConfigurationOutput rules::get_lifecycle;
    DeleteBucketLifecycle delete_bucket_lifecycle DeleteBucketLifecycleInput DeleteBucketLifecycleOutput configurations::delete_lifecycle;
    PutBucketWebsite put_bucket_website PutBucketWebsiteInput PutBucketWebsiteOutput configurations::put_website;
    GetBucketWebsite get_bucket_website GetBucketWebsiteInput GetBucketWebsiteOutput configurations::get_website;
    DeleteBucketWebsite delete_bucket_website DeleteBucketWebsiteInput DeleteBucketWebsiteOutput configurations::delete_website;
    PutBucketReplication put_bucket_replication PutBucketReplicationInput PutBucketReplicationOutput configurations::put_replication;
    GetBucketReplication get_bucket_replication GetBucketReplicationInput GetBucketReplicationOutput configurations::get_replication;
    DeleteBucketReplication delete_bucket_replication DeleteBucketReplicationInput DeleteBucketReplicationOutput configurations::delete_replication;
    PutBucketLogging put_bucket_logging PutBucketLoggingInput PutBucketLoggingOutput configurations::put_logging;
    GetBucketLogging get_bucket_logging GetBucketLoggingInput GetBucketLoggingOutput configurations::get_logging;
    PutBucketAccelerateConfiguration put_bucket_accelerate_configuration PutBucketAccelerateConfigurationInput PutBucketAccelerateConfigurationOutput configurations::put_accelerate;
    GetBucketAccelerateConfiguration get_bucket_accelerate_configuration GetBucketAccelerateConfigurationInput GetBucketAccelerateConfigurationOutput configurations::get_accelerate;
    PutBucketRequestPayment put_bucket_request_payment PutBucketRequestPaymentInput PutBucketRequestPaymentOutput configurations::put_request_payment;
    GetBucketRequestPayment get_bucket_request_payment GetBucketRequestPaymentInput GetBucketRequestPaymentOutput configurations::get_request_payment;
    PutPublicAccessBlock put_public_access_block PutPublicAccessBlockInput PutPublicAccessBlockOutput access::put_public_access;
    GetPublicAccessBlock get_public_access_block GetPublicAccessBlockInput GetPublicAccessBlockOutput access::get_public_access;
    DeletePublicAccessBlock delete_public_access_block DeletePublicAccessBlockInput DeletePublicAccessBlockOutput access::delete_public_access;
    PutBucketOwnershipControls put_bucket_ownership_controls PutBucketOwnershipControlsInput PutBucketOwnershipControlsOutput access::put_ownership;
    GetBucketOwnershipControls get_bucket_ownership_controls GetBucketOwnershipControlsInput GetBucketOwnershipControlsOutput access::get_ownership;
    DeleteBucketOwnershipControls delete_bucket_ownership_controls DeleteBucketOwnershipControlsInput DeleteBucketOwnershipControlsOutput access::delete_ownership;
    PutBucketPolicy put_bucket_policy PutBucketPolicyInput PutBucketPolicyOutput access::put_policy;
    GetBucketPolicy get_bucket_policy GetBucketPolicyInput GetBucketPolicyOutput access::get_policy;
    DeleteBucketPolicy delete_bucket_policy DeleteBucketPolicyInput DeleteBucketPolicyOutput configurations::delete_policy;
    GetBucketPolicyStatus get_bucket_policy_status GetBucketPolicyStatusInput GetBucketPolicyStatusOutput access::get_policy_status;
    PutBucketTagging put_bucket_tagging PutBucketTaggingInput PutBucketTaggingOutput taggings::put_of_bucket;
    GetBucketTagging get_bucket_tagging GetBucketTaggingInput GetBucketTaggingOutput taggings::get_of_bucket;
    DeleteBucketTagging delete_bucket_tagging DeleteBucketTaggingInput DeleteBucketTaggingOutput taggings::delete_of_bucket;
    PutObjectTagging put_object_tagging PutObjectTaggingInput PutObjectTaggingOutput taggings::put_of_object;
    GetObjectTagging get_object_tagging GetObjectTaggingInput GetObjectTaggingOutput taggings::get_of_object;
    DeleteObjectTagging delete_object_tagging DeleteObjectTaggingInput DeleteObjectTaggingOutput taggings::delete_of_object;
    PutBucketAcl put_bucket_acl PutBucketAclInput PutBucketAclOutput acl::put_of_bucket;
    GetBucketAcl get_bucket_acl GetBucketAclInput GetBucketAclOutput acl::get_of_bucket;
    PutObjectAcl put_object_acl PutObjectAclInput PutObjectAclOutput acl::put_of_object;
    GetObjectAcl get_object_acl GetObjectAclInput GetObjectAclOutput acl::get_of_object;
    PutObjectLockConfiguration put_object_lock_configuration PutObjectLockConfigurationInput PutObjectLockConfigurationOutput locks::put_configuration;
    GetObjectLockConfiguration get_object_lock_configuration GetObjectLockConfigurationInput GetObjectLockConfigurationOutput locks::get_configuration;
    PutObjectRetention put_object_retention PutObjectRetentionInput PutObjectRetentionOutput locks::put_retention;
    GetObjectRetention get_object_retention GetObjectRetentionInput GetObjectRetentionOutput locks::get_retention;
    PutObjectLegalHold put_object_legal_hold PutObjectLegalHoldInput PutObjectLegalHoldOutput locks::put_hold;
    GetObjectLegalHold get_object_legal_hold GetObjectLegalHoldInput GetObjectLegalHoldOutput locks::get_hold;
    PutBucketNotificationConfiguration put_bucket_notification_configuration PutBucketNotificationConfigurationInput PutBucketNotificationConfigurationOutput notifications::put;
    GetBucketNotificationConfiguration get_bucket_notification_configuration GetBucketNotificationConfigurationInput GetBucketNotificationConfigurationOutput notifications::get_all;
    PutBucketAnalyticsConfiguration put_bucket_analytics_configuration PutBucketAnalyticsConfigurationInput PutBucketAnalyticsConfigurationOutput configurations::put_analytics;
    GetBucketAnalyticsConfiguration get_bucket_analytics_configuration GetBucketAnalyticsConfigurationInput GetBucketAnalyticsConfigurationOutput configurations::get_analytics;
    DeleteBucketAnalyticsConfiguration delete_bucket_analytics_configuration DeleteBucketAnalyticsConfigurationInput DeleteBucketAnalyticsConfigurationOutput configurations::delete_analytics;
    ListBucketAnalyticsConfigurations list_bucket_analytics_configurations ListBucketAnalyticsConfigurationsInput ListBucketAnalyticsConfigurationsOutput configurations::list_analytics;
    PutBucketIntelligentTieringConfiguration put_bucket_intelligent_tiering_configuration PutBucketIntelligentTieringConfigurationInput PutBucketIntelligentTieringConfigurationOutput configurations::put_intelligent_tiering;
    GetBucketIntelligentTieringConfiguration get_bucket_intelligent_tiering_configuration GetBucketIntelligentTieringConfigurationInput GetBucketIntelligentTieringConfigurationOutput configurations::get_intelligent_tiering;
    DeleteBucketIntelligentTieringConfiguration delete_bucket_intelligent_tiering_configuration DeleteBucketIntelligentTieringConfigurationInput DeleteBucketIntelligentTieringConfigurationOutput configurations::delete_intelligent_tiering;
    ListBucketIntelligentTieringConfigurations list_bucket_intelligent_tiering_configurations ListBucketIntelligentTieringConfigurationsInput ListBucketIntelligentTieringConfigurationsOutput configurations::list_intelligent_tiering;
    PutBucketInventoryConfiguration put_bucket_inventory_configuration PutBucketInventoryConfigurationInput PutBucketInventoryConfigurationOutput configurations::put_inventory;
    GetBucketInventoryConfiguration get_bucket_inventory_configuration GetBucketInventoryConfigurationInput GetBucketInventoryConfigurationOutput configurations::get_inventory;
    DeleteBucketInventoryConfiguration delete_bucket_inventory_configuration DeleteBucketInventoryConfigurationInput DeleteBucketInventoryConfigurationOutput configurations::delete_inventory;
    ListBucketInventoryConfigurations list_bucket_inventory_configurations ListBucketInventoryConfigurationsInput ListBucketInventoryConfigurationsOutput configurations::list_inventory;
    PutBucketMetricsConfiguration put_bucket_metrics_configuration PutBucketMetricsConfigurationInput PutBucketMetricsConfigurationOutput configurations::put_metrics;
    GetBucketMetricsConfiguration get_bucket_metrics_configuration GetBucketMetricsConfigurationInput GetBucketMetricsConfigurationOutput configurations::get_metrics;
    DeleteBucketMetricsConfiguration delete_bucket_metrics_configuration DeleteBucketMetricsConfigurationInput DeleteBucketMetricsConfigurationOutput configurations::delete_metrics;
    ListBucketMetricsConfigurations list_bucket_metrics_configurations ListBucketMetricsConfigurationsInput ListBucketMetricsConfigurationsOutput configurations::list_metrics;
}
