"""S3's buckets, objects and their configurations, driven by boto3."""

import hashlib
import io
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION

MEGABYTE = 1024 * 1024


@pytest.fixture
def bucket(s3):
    name = f"b-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


def code_of(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"]


def keys(answer):
    return [entry["Key"] for entry in answer.get("Contents", [])]


def test_buckets_are_made_listed_and_removed(s3, platform):
    name = f"b-{uuid.uuid4().hex}"
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    # In us-east-1 the owner may do it again.
    s3.create_bucket(Bucket=name)
    assert name in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert s3.list_buckets(Prefix=name)["Buckets"][0]["BucketRegion"] == "us-east-1"
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    other = platform.client("s3", account="111111111111")
    assert code_of(other.create_bucket, Bucket=name) == "BucketAlreadyExists"
    assert code_of(other.head_bucket, Bucket=name) == "403"
    s3.put_object(Bucket=name, Key="k", Body=b"")
    assert code_of(s3.delete_bucket, Bucket=name) == "BucketNotEmpty"
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    assert code_of(s3.head_bucket, Bucket=name) == "404"


def test_a_bucket_is_made_where_the_constraint_says(platform):
    s3 = platform.client("s3", region="eu-west-1")
    name = f"b-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    again = {"LocationConstraint": "eu-west-1"}
    assert code_of(s3.create_bucket, Bucket=name, CreateBucketConfiguration=again) == "BucketAlreadyOwnedByYou"
    assert code_of(s3.create_bucket, Bucket=name + "x") == "IllegalLocationConstraintException"


def test_pages_of_buckets(platform):
    s3 = platform.client("s3", account="222222222222")
    names = sorted(f"page-{number}-{uuid.uuid4().hex[:8]}" for number in range(5))
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    assert [entry["Name"] for page in pages for entry in page["Buckets"]] == names
    assert len(pages) == 3


@pytest.mark.parametrize("size", [0, 1, 8 * 1024, 8 * 1024 + 1, 3 * MEGABYTE + 7])
def test_an_object_comes_back_as_it_was_put(s3, bucket, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="a/ü b+c.txt", Body=body, ContentType="text/x", Metadata={"some": "thing"})
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="a/ü b+c.txt")
    assert got["Body"].read() == body
    assert (got["ContentLength"], got["ContentType"], got["Metadata"]) == (size, "text/x", {"some": "thing"})
    head = s3.head_object(Bucket=bucket, Key="a/ü b+c.txt")
    assert (head["ETag"], head["ContentLength"], head["AcceptRanges"]) == (put["ETag"], size, "bytes")
    assert head["LastModified"] == got["LastModified"]


def test_system_headers_are_kept_and_overridden(s3, bucket):
    headers = {
        "CacheControl": "max-age=5",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Expires": "Wed, 21 Oct 2015 07:28:00 GMT",
        "WebsiteRedirectLocation": "/elsewhere",
        "StorageClass": "STANDARD_IA",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **headers)
    head = s3.head_object(Bucket=bucket, Key="k")
    for name, value in headers.items():
        kept = head["ExpiresString"] if name == "Expires" else head[name]
        assert kept == value
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="a/b", ResponseCacheControl="no-store")
    assert (got["ContentType"], got["CacheControl"]) == ("a/b", "no-store")
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_ranges(s3, bucket):
    body = bytes(range(256)) * 8192
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for asked, start, end in [("0-0", 0, 1), ("10-19", 10, 20), ("2000000-", 2000000, len(body)), ("-5", len(body) - 5, len(body))]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={asked}")
        assert got["Body"].read() == body[start:end]
        assert got["ContentRange"] == f"bytes {start}-{end - 1}/{len(body)}"
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    with pytest.raises(ClientError) as failed:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=9999999-")
    error = failed.value.response["Error"]
    assert (error["Code"], error["ActualObjectSize"]) == ("InvalidRange", str(len(body)))


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    s3.get_object(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince=modified)
    s3.get_object(Bucket=bucket, Key="k", IfNoneMatch='"other"')
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    assert code_of(s3.head_object, Bucket=bucket, Key="k", IfModifiedSince=modified) == "304"
    with pytest.raises(ClientError) as failed:
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    error = failed.value.response["Error"]
    assert (error["Code"], error["Condition"]) == ("PreconditionFailed", "If-Match")


def test_conditional_writes(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"') == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="none", Body=b"2", IfMatch='"x"') == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"some bytes", ChecksumAlgorithm=algorithm)
    member = f"Checksum{algorithm}"
    assert put["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == put[member]
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == b"some bytes"
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert (found["Checksum"][member], found["ObjectSize"]) == (put[member], 10)


def test_a_body_without_a_checksum_gets_one(platform, bucket):
    plain = platform.client("s3", request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="k", Body=b"hello world")
    head = plain.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == "jSnVw/bqjr4="


def test_listing(s3, bucket):
    names = ["a", "b/1", "b/2", "b/c/1", "d", "ä"]
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    answer = s3.list_objects_v2(Bucket=bucket)
    assert (keys(answer), answer["KeyCount"], answer["IsTruncated"]) == (names, 6, False)
    assert answer["Contents"][0]["Size"] == 1 and answer["Contents"][0]["StorageClass"] == "STANDARD"
    answer = s3.list_objects_v2(Bucket=bucket, Delimiter="/", FetchOwner=True)
    assert keys(answer) == ["a", "d", "ä"]
    assert answer["CommonPrefixes"] == [{"Prefix": "b/"}]
    assert answer["Contents"][0]["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]
    answer = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="b/")
    assert (keys(answer), answer["CommonPrefixes"]) == (["b/1", "b/2"], [{"Prefix": "b/c/"}])
    assert keys(s3.list_objects_v2(Bucket=bucket, StartAfter="b/1")) == ["b/2", "b/c/1", "d", "ä"]
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}))
    assert len(pages) == 4
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    answer = s3.list_objects(Bucket=bucket, MaxKeys=2, Delimiter="/")
    assert (keys(answer), answer["CommonPrefixes"], answer["NextMarker"]) == (["a"], [{"Prefix": "b/"}], "b/")
    answer = s3.list_objects(Bucket=bucket, Marker="b/", Delimiter="/")
    assert keys(answer) == ["d", "ä"]


def test_a_long_listing_in_pages(s3, bucket):
    names = [f"{letter}/{number:04}" for letter in "abc" for number in range(500)]
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    assert [key for page in pages for key in keys(page)] == names
    answer = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [prefix["Prefix"] for prefix in answer["CommonPrefixes"]] == ["a/", "b/", "c/"]


def test_deleting(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert s3.delete_object(Bucket=bucket, Key="a")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(s3.get_object, Bucket=bucket, Key="a") == "NoSuchKey"
    s3.delete_object(Bucket=bucket, Key="a")
    s3.put_object(Bucket=bucket, Key="b", Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}, {"Key": "none"}]})
    assert [entry["Key"] for entry in answer["Deleted"]] == ["b", "none"]
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True})


def test_copies(s3, bucket):
    body = os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="from ü", Body=body, Metadata={"a": "1"}, Tagging="x=y", ContentType="t/x")
    source = {"Bucket": bucket, "Key": "from ü"}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["Body"].read(), got["Metadata"], got["TagCount"]) == (body, {"a": "1"}, 1)
    s3.copy_object(
        Bucket=bucket, Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"},
        TaggingDirective="REPLACE", Tagging="p=q&r=s",
    )
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["Metadata"], got["TagCount"], got["ContentType"]) == ({"b": "2"}, 2, "binary/octet-stream")
    assert code_of(s3.copy_object, Bucket=bucket, Key="from ü", CopySource=source) == "InvalidRequest"
    assert code_of(s3.copy_object, Bucket=bucket, Key="t", CopySource=source, CopySourceIfMatch="x") == "PreconditionFailed"
    # The copy does not need its source any more.
    s3.delete_object(Bucket=bucket, Key="from ü")
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body


def test_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Tagging="a=1&b=c%20d")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "c d"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "z", "Value": ""}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "z", "Value": ""}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "x"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "x"}]
    s3.delete_bucket_tagging(Bucket=bucket)
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"


def test_access_control_lists(s3, bucket):
    owner = s3.list_buckets()["Owner"]
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
    assert grants[0]["Grantee"]["ID"] == owner["ID"]
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert [grant["Permission"] for grant in s3.get_bucket_acl(Bucket=bucket)["Grants"]] == ["FULL_CONTROL", "READ"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="authenticated-read")
    uri = s3.get_object_acl(Bucket=bucket, Key="k")["Grants"][1]["Grantee"]["URI"]
    assert uri.endswith("AuthenticatedUsers")
    grant = {"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "READ"}
    s3.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy={"Grants": [grant], "Owner": {"ID": owner["ID"]}})
    assert [grant["Permission"] for grant in s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]] == ["READ"]
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert code_of(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"


def test_a_policy(s3, bucket):
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket=bucket)
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"


def test_configurations_come_back_as_they_were_put(s3, bucket):
    rules = [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}]
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    assert 'rule-id="r"' in s3.put_object(Bucket=bucket, Key="logs/1", Body=b"")["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="other", Body=b"")
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"

    found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "some-key"}
    rule = {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == ("aws:kms", "some-key", True)
    s3.delete_bucket_encryption(Bucket=bucket)

    website = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
    assert code_of(s3.get_bucket_website, Bucket=bucket) == "NoSuchWebsiteConfiguration"
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=website)
    found = s3.get_bucket_website(Bucket=bucket)
    assert {name: found[name] for name in website} == website
    s3.delete_bucket_website(Bucket=bucket)

    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values()) and len(block) == 4
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is False
    s3.delete_public_access_block(Bucket=bucket)
    assert code_of(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"

    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert code_of(s3.get_bucket_ownership_controls, Bucket=bucket) == "OwnershipControlsNotFoundError"

    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    logging = {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "l/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == logging["LoggingEnabled"]

    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"

    assert code_of(s3.get_bucket_replication, Bucket=bucket) == "ReplicationConfigurationNotFoundError"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "r", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}}
    replication = {"Role": f"arn:aws:iam::{ACCOUNT}:role/r", "Rules": [rule]}
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=replication)
    assert s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"] == replication
    s3.delete_bucket_replication(Bucket=bucket)

    tiering = {"Id": "t", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    s3.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="t", IntelligentTieringConfiguration=tiering)
    found = s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="t")
    assert found["IntelligentTieringConfiguration"] == tiering
    assert len(s3.list_bucket_intelligent_tiering_configurations(Bucket=bucket)["IntelligentTieringConfigurationList"]) == 1
    s3.delete_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="t")
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="m", MetricsConfiguration={"Id": "m"})
    assert s3.get_bucket_metrics_configuration(Bucket=bucket, Id="m")["MetricsConfiguration"] == {"Id": "m"}
    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="m")
    assert code_of(s3.get_bucket_metrics_configuration, Bucket=bucket, Id="m") == "NoSuchConfiguration"


def test_customers_keys_are_demanded_again(s3, bucket):
    key = os.urandom(32)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "InvalidRequest"
    got = s3.get_object(Bucket=bucket, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=key)
    assert (got["Body"].read(), got["SSECustomerAlgorithm"]) == (b"x", "AES256")


def test_the_aws_command_line(platform, bucket, tmp_path):
    aws = [sys.executable, "-m", "awscli"]
    if subprocess.run([*aws, "--version"], capture_output=True).returncode != 0:
        pytest.skip("the AWS command line is not installed")

    def run(*words):
        return subprocess.run([*aws, "s3", *words], env=platform.environ(), capture_output=True, text=True, check=True).stdout

    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "one").write_bytes(b"1")
    (tree / "sub" / "two").write_bytes(os.urandom(9 * MEGABYTE))
    run("sync", str(tree), f"s3://{bucket}/t")
    assert "PRE sub/" in run("ls", f"s3://{bucket}/t/")
    run("cp", f"s3://{bucket}/t/sub/two", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (tree / "sub" / "two").read_bytes()
    with urllib.request.urlopen(run("presign", f"s3://{bucket}/t/one").strip()) as answer:
        assert answer.read() == b"1"
    run("rm", "--recursive", f"s3://{bucket}/t")
    assert run("ls", f"s3://{bucket}") == ""


def test_signatures_are_checked_where_they_are(fresh):
    platform = fresh("--auth", "on")
    keys = json.loads((platform.data_dir / "root-key.json").read_text())
    access, secret = keys.get("AccessKeyId") or keys["access_key_id"], keys.get("SecretAccessKey") or keys["secret_access_key"]

    def client(secret, **options):
        return boto3.client(
            "s3", endpoint_url=platform.endpoint, region_name=REGION, aws_access_key_id=access, aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}, **options),
        )

    s3 = client(secret)
    s3.create_bucket(Bucket="signed-bucket")
    body = os.urandom(300_000)
    s3.put_object(Bucket="signed-bucket", Key="k", Body=body)
    s3.put_object(Bucket="signed-bucket", Key="stream", Body=io.BytesIO(body), ChecksumAlgorithm="CRC32")
    assert s3.get_object(Bucket="signed-bucket", Key="stream")["Body"].read() == body
    assert code_of(client("wrong").list_buckets) == "SignatureDoesNotMatch"
    for options in ({}, {"signature_version": "s3v4"}):
        url = client(secret, **options).generate_presigned_url("get_object", Params={"Bucket": "signed-bucket", "Key": "k"})
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == body
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(url.replace("signed-bucket/k", "signed-bucket/stream"))
        assert failed.value.code == 403
    status, _, text = platform.http("GET", "/signed-bucket/k")
    assert status == 403 and b"AccessDenied" in text
