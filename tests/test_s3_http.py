"""S3 as browsers and plain HTTP clients meet it: cross-origin rules, presigned requests, forms, host names."""

import re
import urllib.error
import urllib.request
import uuid

import pytest
from test_s3 import bucket, code_of  # noqa: F401  (fixtures)


def test_cross_origin_rules_are_answered(s3, platform, bucket):
    assert code_of(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"
    rule = {
        "AllowedMethods": ["GET", "PUT"],
        "AllowedOrigins": ["http://*.example.com"],
        "AllowedHeaders": ["x-amz-*"],
        "ExposeHeaders": ["etag"],
        "MaxAgeSeconds": 60,
    }
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    asked = {"Origin": "http://www.example.com", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-date"}
    status, headers, _ = platform.http("OPTIONS", f"/{bucket}/k", headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (200, "http://www.example.com")
    assert (headers["access-control-max-age"], headers["access-control-allow-headers"]) == ("60", "x-amz-date")
    status, _, body = platform.http("OPTIONS", f"/{bucket}/k", headers={**asked, "Origin": "http://evil.test"})
    assert status == 403 and b"AccessForbidden" in body
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, headers, body = platform.http("GET", f"/{bucket}/k", headers={"Origin": "http://www.example.com"})
    assert (status, body, headers["access-control-expose-headers"]) == (200, b"x", "etag")
    status, _, _ = platform.http("GET", f"/{bucket}/k", headers={"Origin": "http://evil.test"})
    assert status == 403
    s3.delete_bucket_cors(Bucket=bucket)


def test_presigned_requests(s3, platform, bucket):
    for options in ({}, {"signature_version": "s3v4"}):
        client = platform.client("s3", **options)
        url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
        with urllib.request.urlopen(urllib.request.Request(url, data=b"body", method="PUT")) as answer:
            assert answer.status == 200
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k", "ResponseContentType": "a/b"})
        with urllib.request.urlopen(url) as answer:
            assert (answer.read(), answer.headers["content-type"]) == (b"body", "a/b")
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        url = re.sub(r"Expires=\d+", "Expires=1", re.sub(r"X-Amz-Date=\d{8}T", "X-Amz-Date=20200101T", url))
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(url)
        assert failed.value.code == 403 and b"Request has expired" in failed.value.read()


def form(platform, bucket, fields, body, filename="f.txt"):
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n')
    whole = "".join(parts).encode() + body + f"\r\n--{boundary}--\r\n".encode()
    return platform.http("POST", f"/{bucket}", whole, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def test_forms(s3, platform, bucket):
    for options in ({}, {"signature_version": "s3v4"}):
        client = platform.client("s3", **options)
        made = client.generate_presigned_post(
            bucket, "up/${filename}", Fields={"acl": "private"},
            Conditions=[["content-length-range", 1, 10], {"acl": "private"}, ["starts-with", "$key", "up/"]],
        )
        status, headers, body = form(platform, bucket, made["fields"], b"hello")
        assert status == 204, body
        assert s3.get_object(Bucket=bucket, Key="up/f.txt")["Body"].read() == b"hello"
        status, _, body = form(platform, bucket, made["fields"], b"hello" * 3)
        assert status == 400 and b"<Code>EntityTooLarge</Code>" in body
        status, _, body = form(platform, bucket, {**made["fields"], "acl": "public-read"}, b"hello")
        assert status == 403 and b"Policy Condition failed: [&quot;eq&quot;, &quot;$acl&quot;, &quot;private&quot;]" in body


def test_hosts_name_buckets(s3, platform, bucket):
    s3.put_object(Bucket=bucket, Key="a/k", Body=b"x")
    port = platform.port
    for host in (f"{bucket}.s3.localhost:{port}", f"{bucket}.s3.us-east-1.localhost:{port}"):
        assert platform.http("GET", "/a/k", host=host)[2] == b"x"
    assert platform.http("GET", f"/{bucket}/a/k", host=f"s3.localhost:{port}")[2] == b"x"
    # Without a signature the owner is whoever owns the bucket.
    assert platform.http("GET", f"/{bucket}/a/k")[2] == b"x"


def test_answers_carry_ids(platform, bucket):
    status, headers, body = platform.http("GET", f"/{bucket}/none")
    assert status == 404 and b"<Key>none</Key>" in body and b"<HostId>" in body
    assert headers["x-amz-request-id"].encode() in body
    assert headers["x-amz-id-2"]
