"""S3's multipart uploads, driven by boto3."""

import hashlib
import io
import os
import uuid

import pytest
from botocore.exceptions import ClientError

PART = 5 * 1024 * 1024


@pytest.fixture
def bucket(s3):
    name = f"m-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


def code_of(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"]


class Upload:
    def __init__(self, s3, bucket, key="k", **more):
        self.s3 = s3
        self.at = {"Bucket": bucket, "Key": key}
        self.at["UploadId"] = s3.create_multipart_upload(**self.at, **more)["UploadId"]
        self.parts = []

    def put(self, number, body, **more):
        answer = self.s3.upload_part(**self.at, PartNumber=number, Body=body, **more)
        sums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        self.parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
        return answer

    def complete(self, parts=None, **more):
        parts = {"Parts": self.parts if parts is None else parts}
        return self.s3.complete_multipart_upload(**self.at, MultipartUpload=parts, **more)


def test_parts_become_an_object(s3, bucket):
    bodies = [os.urandom(PART), os.urandom(PART + 1), b"end"]
    upload = Upload(s3, bucket, ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    for number, body in enumerate(bodies, 1):
        assert upload.put(number, body)["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    listed = s3.list_parts(**upload.at)
    assert [part["Size"] for part in listed["Parts"]] == [len(body) for body in bodies]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    answer = upload.complete()
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert answer["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    assert answer["Location"].endswith(f"/{bucket}/k") and answer["ChecksumType"] == "FULL_OBJECT"
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]) == (b"".join(bodies), "a/b", {"m": "1"}, 1)
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (bodies[1], 3)
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={PART - 2}-{PART + 1}")["Body"].read()
    assert across == bodies[0][-2:] + bodies[1][:2]
    assert code_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=4) == "InvalidPartNumber"
    assert code_of(upload.complete) == "NoSuchUpload"
    # A copy is whole again.
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert s3.head_object(Bucket=bucket, Key="copy")["ETag"] == f'"{hashlib.md5(b"".join(bodies)).hexdigest()}"'


def test_composite_checksums(s3, bucket):
    upload = Upload(s3, bucket, ChecksumAlgorithm="SHA256")
    upload.put(1, os.urandom(PART), ChecksumAlgorithm="SHA256")
    upload.put(2, b"end", ChecksumAlgorithm="SHA256")
    answer = upload.complete()
    assert answer["ChecksumSHA256"].endswith("-2") and answer["ChecksumType"] == "COMPOSITE"
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"])
    assert found["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["Size"] for part in found["ObjectParts"]["Parts"]] == [PART, 3]


def test_full_object_checksums(s3, bucket):
    import base64
    import zlib

    bodies = [os.urandom(PART), b"end"]
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    for number, body in enumerate(bodies, 1):
        upload.put(number, body)
    answer = upload.complete()
    whole = base64.b64encode(zlib.crc32(b"".join(bodies)).to_bytes(4, "big")).decode()
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_bad_completions_change_nothing(s3, bucket):
    upload = Upload(s3, bucket)
    upload.put(1, b"small")
    upload.put(2, b"end")
    assert code_of(upload.complete) == "EntityTooSmall"
    assert code_of(upload.complete, parts=upload.parts[::-1]) == "InvalidPartOrder"
    assert code_of(upload.complete, parts=[{"PartNumber": 9, "ETag": "x"}]) == "InvalidPart"
    assert code_of(upload.complete, parts=[{"PartNumber": 1, "ETag": '"0"'}]) == "InvalidPart"
    assert code_of(upload.complete, parts=[]) == "MalformedXML"
    # Parts that are not listed are left out, and a part can be put again.
    upload.put(1, b"other")
    upload.complete(parts=upload.parts[2:])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"other"


def test_aborted_uploads_are_gone(s3, bucket):
    upload = Upload(s3, bucket)
    upload.put(1, b"x")
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload.at["UploadId"]
    assert s3.abort_multipart_upload(**upload.at)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert code_of(s3.abort_multipart_upload, **upload.at) == "NoSuchUpload"
    assert code_of(s3.list_parts, **upload.at) == "NoSuchUpload"
    s3.delete_bucket(Bucket=bucket)


def test_pages_of_uploads_and_parts(s3, bucket):
    made = [Upload(s3, bucket, key=key) for key in ("a", "a", "b/1", "b/2", "c")]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    found = [(entry["Key"], entry["UploadId"]) for page in pages for entry in page["Uploads"]]
    assert sorted(found) == sorted((upload.at["Key"], upload.at["UploadId"]) for upload in made)
    answer = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert answer["CommonPrefixes"] == [{"Prefix": "b/"}]
    for number in range(1, 6):
        made[0].put(number, b"x")
    pages = s3.get_paginator("list_parts").paginate(**made[0].at, PaginationConfig={"PageSize": 2})
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == [1, 2, 3, 4, 5]


def test_parts_are_copied_from_objects(s3, bucket):
    body = os.urandom(PART + 100)
    s3.put_object(Bucket=bucket, Key="from", Body=body)
    upload = Upload(s3, bucket)
    source = {"Bucket": bucket, "Key": "from"}
    parts = []
    for number, span in enumerate((f"bytes=0-{PART - 1}", "bytes=10-19"), 1):
        answer = s3.upload_part_copy(**upload.at, PartNumber=number, CopySource=source, CopySourceRange=span)
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    assert code_of(s3.upload_part_copy, **upload.at, PartNumber=3, CopySource=source, CopySourceRange="bytes=0-99999999") == "InvalidArgument"
    upload.complete(parts=parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body[:PART] + body[10:20]


def test_the_transfer_manager(s3, bucket):
    body = os.urandom(20 * 1024 * 1024)
    s3.upload_fileobj(io.BytesIO(body), bucket, "big")
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big", back)
    assert back.getvalue() == body
