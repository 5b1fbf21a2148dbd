"""S3's versions, delete markers and object lock, driven by boto3."""

import datetime
import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(s3):
    name = f"v-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def error(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response


def code_of(call, **arguments):
    return error(call, **arguments)["Error"]["Code"]


def put(s3, bucket, body, key="k", **more):
    return s3.put_object(Bucket=bucket, Key=key, Body=body, **more).get("VersionId")


def read(s3, bucket, version=None, key="k"):
    more = {"VersionId": version} if version else {}
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def test_what_is_overwritten_is_kept(s3, bucket):
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first, second = put(s3, bucket, b"1"), put(s3, bucket, b"2")
    assert first != second and len(first) == 32
    assert (read(s3, bucket), read(s3, bucket, first), read(s3, bucket, second)) == (b"2", b"1", b"2")
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed] == [(second, True), (first, False)]
    assert s3.head_object(Bucket=bucket, Key="k", VersionId=first)["VersionId"] == first


def test_delete_markers(s3, bucket):
    version = put(s3, bucket, b"1")
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"] is True
    failed = error(s3.get_object, Bucket=bucket, Key="k")
    assert failed["Error"]["Code"] == "NoSuchKey"
    assert failed["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    failed = error(s3.get_object, Bucket=bucket, Key="k", VersionId=marker)
    assert (failed["Error"]["Code"], failed["Error"]["ResourceType"]) == ("MethodNotAllowed", "DeleteMarker")
    assert read(s3, bucket, version) == b"1"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed["DeleteMarkers"]] == [(marker, True)]
    assert listed["Versions"][0]["IsLatest"] is False
    removed = s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, marker)
    assert read(s3, bucket) == b"1"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    s3.delete_bucket(Bucket=bucket)


def test_a_bucket_with_versions_is_not_empty(s3, bucket):
    put(s3, bucket, b"1")
    s3.delete_object(Bucket=bucket, Key="k")
    failed = error(s3.delete_bucket, Bucket=bucket)["Error"]
    assert failed["Code"] == "BucketNotEmpty" and "You must delete all versions" in failed["Message"]


def test_null_versions(s3):
    bucket = f"v-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert put(s3, bucket, b"old") is None
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    new = put(s3, bucket, b"new")
    assert read(s3, bucket, "null") == b"old"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    put(s3, bucket, b"newest")
    assert (read(s3, bucket), read(s3, bucket, "null"), read(s3, bucket, new)) == (b"newest", b"newest", b"new")
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2
    # A marker of a suspended bucket takes the null version's place.
    assert s3.delete_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["Versions"]] == [new]
    assert [entry["VersionId"] for entry in listed["DeleteMarkers"]] == ["null"]


def test_pages_of_versions(s3, bucket):
    made = [(key, put(s3, bucket, b"", key=key)) for key in ("a", "a", "a", "b/1", "b/2", "c") for _ in range(2)]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 5})
    found = [(entry["Key"], entry["VersionId"]) for page in pages for entry in page["Versions"]]
    assert sorted(found) == sorted(made)
    latest = [(e["Key"]) for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
              for e in page["Versions"] if e["IsLatest"]]
    assert latest == ["a", "b/1", "b/2", "c"]
    answer = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert answer["CommonPrefixes"] == [{"Prefix": "b/"}]


def test_tags_copies_and_deletions_of_versions(s3, bucket):
    first, second = put(s3, bucket, b"1"), put(s3, bucket, b"2")
    s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=first, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=first)["VersionId"] == first
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert copied["CopySourceVersionId"] == first and copied["VersionId"] != first
    assert read(s3, bucket, key="to") == b"1"
    objects = [{"Key": "k", "VersionId": first}, {"Key": "k", "VersionId": second}, {"Key": "to"}]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]
    assert [entry.get("DeleteMarker") for entry in deleted] == [None, None, True]
    assert code_of(s3.get_object, Bucket=bucket, Key="k", VersionId=first) == "NoSuchVersion"


def test_locked_versions_stay(s3):
    bucket = f"v-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    version = put(s3, bucket, b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=later)
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", VersionId=version) == "AccessDenied"
    found = s3.get_object_retention(Bucket=bucket, Key="k")["Retention"]
    assert found["Mode"] == "GOVERNANCE"
    # Without a version it is only marked.
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version, BypassGovernanceRetention=True)
    held = put(s3, bucket, b"2")
    s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "ON"})
    assert s3.get_object_legal_hold(Bucket=bucket, Key="k")["LegalHold"]["Status"] == "ON"
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", VersionId=held) == "AccessDenied"
    s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=bucket, Key="k", VersionId=held)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"] == rule
    kept = put(s3, bucket, b"3")
    assert s3.head_object(Bucket=bucket, Key="k")["ObjectLockMode"] == "COMPLIANCE"
    refused = code_of(s3.delete_object, Bucket=bucket, Key="k", VersionId=kept, BypassGovernanceRetention=True)
    assert refused == "AccessDenied"
