"""Requests to S3 that are wrong: each is refused with AWS's code."""

import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def house(platform):
    """A bucket with one object, and a client that checks nothing itself."""
    client = platform.client("s3", parameter_validation=False)
    bucket = f"bad-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="kept", Body=b"kept")
    yield client, bucket
    assert client.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept"


def rule(**more):
    return {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **more}]}


def cors(**more):
    return {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], **more}]}


def tags(*pairs):
    return {"TagSet": [{"Key": key, "Value": value} for key, value in pairs]}


KEPT = {"Key": "kept"}
COPY = {"Key": "copy", "CopySource": "BUCKET/kept"}
UPLOAD = {"Key": "kept", "UploadId": "none"}
CASES = [
    ("create_bucket", {"Bucket": "ab"}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "Upper_Case"}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "192.168.1.1"}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "xn--abc"}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "new-one", "CreateBucketConfiguration": {"LocationConstraint": "us-east-1"}}, "InvalidLocationConstraint"),
    ("create_bucket", {"Bucket": "new-one", "CreateBucketConfiguration": {"LocationConstraint": "nowhere"}}, "InvalidLocationConstraint"),
    ("get_object", {"Bucket": "no-such-bucket-here", "Key": "k"}, "NoSuchBucket"),
    ("list_objects_v2", {"Bucket": "no-such-bucket-here"}, "NoSuchBucket"),
    ("delete_bucket", {"Bucket": "no-such-bucket-here"}, "NoSuchBucket"),
    ("get_object", {"Key": "none"}, "NoSuchKey"),
    ("get_object", {**KEPT, "VersionId": "nonsense"}, "InvalidArgument"),
    ("get_object", {**KEPT, "VersionId": "A" * 32}, "NoSuchVersion"),
    ("get_object", {**KEPT, "Range": "bytes=4-"}, "InvalidRange"),
    ("get_object", {**KEPT, "PartNumber": 2}, "InvalidPartNumber"),
    ("get_object", {**KEPT, "IfMatch": "other"}, "PreconditionFailed"),
    ("get_object", {**KEPT, "ExpectedBucketOwner": "123456789012"}, "AccessDenied"),
    ("put_object", {"Key": "k" * 1025, "Body": b""}, "KeyTooLongError"),
    ("put_object", {"Key": "k", "Body": b"x", "ContentMD5": "nonsense"}, "InvalidDigest"),
    ("put_object", {"Key": "k", "Body": b"x", "ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "BadDigest"),
    ("put_object", {"Key": "k", "Body": b"x", "ChecksumSHA256": "nonsense"}, "InvalidRequest"),
    ("put_object", {"Key": "k", "Body": b"x", "ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
    ("put_object", {"Key": "k", "Body": b"x", "StorageClass": "COLD"}, "InvalidStorageClass"),
    ("put_object", {"Key": "k", "Body": b"x", "Metadata": {"a": "b" * 2100}}, "MetadataTooLarge"),
    ("put_object", {"Key": "k", "Body": b"x", "ServerSideEncryption": "rot13"}, "InvalidArgument"),
    ("put_object", {"Key": "k", "Body": b"x", "ACL": "everybody"}, "InvalidArgument"),
    ("put_object", {"Key": "k", "Body": b"x", "Tagging": "a=1&a=2"}, "InvalidArgument"),
    ("put_object", {"Key": "k", "Body": b"x", "Tagging": "&".join(f"k{n}=v" for n in range(11))}, "BadRequest"),
    ("put_object", {"Key": "k", "Body": b"x", "ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest"),
    ("put_object", {"Key": "k", "Body": b"x", "IfNoneMatch": "some-etag"}, "NotImplemented"),
    ("copy_object", {"Key": "kept", "CopySource": "BUCKET/kept"}, "InvalidRequest"),
    ("copy_object", {**COPY, "CopySource": "BUCKET/none"}, "NoSuchKey"),
    ("copy_object", {**COPY, "CopySource": "no-such-bucket-here/k"}, "NoSuchBucket"),
    ("copy_object", {**COPY, "CopySourceIfNoneMatch": "*"}, "PreconditionFailed"),
    ("delete_objects", {"Delete": {"Objects": []}}, "MalformedXML"),
    ("put_object_tagging", {**KEPT, "Tagging": tags(("a", "1"), ("a", "2"))}, "InvalidTag"),
    ("put_object_tagging", {**KEPT, "Tagging": tags(("aws:x", "1"))}, "InvalidTag"),
    ("put_object_tagging", {**KEPT, "Tagging": tags(("k" * 129, "1"))}, "InvalidTag"),
    ("put_object_tagging", {**KEPT, "Tagging": tags(("a", "v" * 257))}, "InvalidTag"),
    ("put_object_tagging", {"Key": "none", "Tagging": tags(("a", "1"))}, "NoSuchKey"),
    ("list_objects_v2", {"ContinuationToken": "%%%"}, "InvalidArgument"),
    ("list_objects_v2", {"MaxKeys": -1}, "InvalidArgument"),
    ("list_object_versions", {"VersionIdMarker": "x"}, "InvalidArgument"),
    ("upload_part", {**UPLOAD, "PartNumber": 1, "Body": b""}, "NoSuchUpload"),
    ("upload_part", {**UPLOAD, "PartNumber": 0, "Body": b""}, "InvalidArgument"),
    ("upload_part", {**UPLOAD, "PartNumber": 10001, "Body": b""}, "InvalidArgument"),
    ("complete_multipart_upload", {**UPLOAD, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}}, "NoSuchUpload"),
    ("abort_multipart_upload", UPLOAD, "NoSuchUpload"),
    ("create_multipart_upload", {"Key": "k", "ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"}, "InvalidRequest"),
    ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Perhaps"}}, "MalformedXML"),
    ("put_bucket_versioning", {"VersioningConfiguration": {}}, "MalformedXML"),
    ("put_bucket_policy", {"Policy": "no json"}, "MalformedPolicy"),
    ("put_bucket_policy", {"Policy": '{"Version":"2012-10-17"}'}, "MalformedPolicy"),
    ("put_bucket_cors", {"CORSConfiguration": cors(AllowedMethods=["PATCH"])}, "InvalidRequest"),
    ("put_bucket_cors", {"CORSConfiguration": cors(AllowedOrigins=["*.*"])}, "InvalidRequest"),
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": []}}, "MalformedXML"),
    ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": rule()}, "InvalidRequest"),
    ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": rule(Expiration={"Days": 0})}, "InvalidArgument"),
    ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": rule(Status="On", Expiration={"Days": 1})}, "MalformedXML"),
    ("put_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": []}}, "MalformedXML"),
    ("put_bucket_replication", {"ReplicationConfiguration": {"Role": "r", "Rules": [{"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::b"}}]}}, "InvalidRequest"),
    ("put_bucket_logging", {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "no-such-bucket-here", "TargetPrefix": ""}}}, "InvalidTargetBucketForLogging"),
    ("put_bucket_website", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "a/b"}}}, "InvalidArgument"),
    ("put_bucket_acl", {"ACL": "everybody"}, "InvalidArgument"),
    ("put_object_retention", {**KEPT, "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": 9999999999}}, "InvalidRequest"),
    ("get_object_lock_configuration", {}, "ObjectLockConfigurationNotFoundError"),
    ("put_object_lock_configuration", {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}, "InvalidBucketState"),
    ("get_object_attributes", {**KEPT, "ObjectAttributes": ["Colour"]}, "InvalidArgument"),
    ("get_object_acl", {"Key": "none"}, "NoSuchKey"),
    ("select_object_content", {**KEPT, "Expression": "SELECT 1", "ExpressionType": "SQL", "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}}, "NotImplemented"),
]


@pytest.mark.parametrize("operation, arguments, code", CASES, ids=[f"{c[0]}-{n}-{c[2]}" for n, c in enumerate(CASES)])
def test_bad_requests_are_refused(house, operation, arguments, code):
    client, bucket = house
    arguments = {name: value.replace("BUCKET", bucket) if isinstance(value, str) else value for name, value in arguments.items()}
    with pytest.raises(ClientError) as failed:
        getattr(client, operation)(**{"Bucket": bucket, **arguments})
    error = failed.value.response["Error"]
    assert error["Code"] == code and "Message" in error


def test_bodies_that_are_no_xml_are_refused(platform, house):
    _, bucket = house
    for path in ("?versioning", "?tagging", "?cors", "?lifecycle", "?notification"):
        status, _, body = platform.http("PUT", f"/{bucket}{path}", b"<nonsense", {"Content-Type": "application/xml"})
        assert status == 400 and b"<Code>MalformedXML</Code>" in body, (path, body)
